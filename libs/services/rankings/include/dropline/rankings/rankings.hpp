#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/rankings_snapshots.hpp"

/// What sells best: the rules, without a clock, a database or a stream. Sales are counted when they
/// are paid and by the hour of that; what goes back is taken off the hour that it was counted in,
/// so that a window holds exactly what was sold in it and kept.
namespace dropline::rankings {

/// Hours since 1970.
using Hour = std::int64_t;

[[nodiscard]] Hour hour_of(Timestamp at);
[[nodiscard]] Timestamp time_of(Hour hour);

struct SaleKey {
  Hour hour = 0;
  Sku sku;
  std::int32_t shard = 0;
  auto operator<=>(const SaleKey&) const = default;
};
struct Sale {
  ProductId product;
  std::int64_t units = 0;  ///< below zero: more went back than was sold
  bool operator==(const Sale&) const = default;
};
/// A batch's sales, summed by key: what an upsert adds.
using Sales = std::map<SaleKey, Sale>;

// What each fact counts for. Facts come once (the loop recognises copies), in any order.
void count(Sales& sales, const contracts::OrderPaid& order, std::int32_t shard);
/// Of an order that was never paid: nothing.
void count(Sales& sales, const contracts::OrderCancelled& order, std::int32_t shard);
void count(Sales& sales, const contracts::OrderPartlyRefunded& order, std::int32_t shard);
void count(Sales& sales, const contracts::OrderRefunded& order, std::int32_t shard);

/// [from, until) in hours.
struct Span {
  Hour from = 0;
  Hour until = 0;
  bool operator==(const Span&) const = default;
};

/// The 72 hours that end with the one under way.
[[nodiscard]] Span last_three_days(Timestamp now);
/// The last seven days that ended on a Friday at 17:00 in Seoul: at 08:00 UTC, for Korea keeps one
/// offset (+9) all year.
[[nodiscard]] Span last_week(Timestamp now);

/// Sums over hours and shards, the best first; of as many units by SKU; at most kMaxRanks, and only
/// what sold at all.
struct Sum {
  Sku sku;
  ProductId product;
  std::int64_t units = 0;
};
[[nodiscard]] std::vector<contracts::RankedSku> best_of(std::vector<Sum> sums);

}  // namespace dropline::rankings
