#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `stock.levels`: what is in force now, compacted: the last record of each key. Written to the
/// partition of the shard that owns it. Readers keep the highest version of each key.
namespace dropline::contracts {

/// How much of an offer there is. Key: "<drop>/<sku>", of ordinary offers "-/<sku>".
struct OfferLevel {
  static constexpr std::string_view kType = "OfferLevel";
  static constexpr std::string_view kTopic = topic::kStockLevels;

  std::optional<DropId> drop;
  ProductId product;
  Sku sku;
  std::int64_t version = 0;
  Money price;
  std::optional<std::int64_t> limit;
  std::int64_t supplied = 0;
  std::int64_t free = 0;
  std::int64_t allocated = 0;  ///< units of orders that were not released
  std::int64_t settled = 0;    ///< of these, paid
  std::int64_t written_off = 0;
  std::optional<bool> withdrawn;  ///< true: not for sale, whatever is free
  LogPlace place;                 ///< the last record of `orders.commands` that counts in it
  Timestamp at;                   ///< that record's append time

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("version", self.version, kVersionBounds);
    visit("price", self.price);
    visit("limit", self.limit, kLimitBounds);
    visit("supplied", self.supplied, kUnitBounds);
    visit("free", self.free, kUnitBounds);
    visit("allocated", self.allocated, kUnitBounds);
    visit("settled", self.settled, kUnitBounds);
    visit("written_off", self.written_off, kUnitBounds);
    visit("withdrawn", self.withdrawn);
    visit("place", self.place);
    visit("at", self.at);
  }
  /// free + allocated + written_off = supplied, settled ≤ allocated.
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return offer_key(drop, sku); }
  [[nodiscard]] std::string subject() const { return offer_key(drop, sku); }
  bool operator==(const OfferLevel&) const = default;
};

/// What was decided about a drop; whether it is open also depends on the time.
enum class DropStanding { active, paused, ended };
constexpr auto names_of(DropStanding) {
  return std::to_array<std::string_view>({"active", "paused", "ended"});
}

/// The terms in force of a drop, without its offers (each has an OfferLevel). Key: the drop.
struct DropLevel {
  static constexpr std::string_view kType = "DropLevel";
  static constexpr std::string_view kTopic = topic::kStockLevels;

  DropId drop;
  std::int64_t version = 0;
  std::int64_t revision = 0;
  DropStanding state = DropStanding::active;
  Timestamp opens_at;
  Timestamp closes_at;
  std::optional<std::int64_t> limit_per_member;
  std::optional<std::vector<ProductLimit>> product_limits;
  std::vector<Sku> skus;
  LogPlace place;
  Timestamp at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("version", self.version, kVersionBounds);
    visit("revision", self.revision, kVersionBounds);
    visit("state", self.state);
    visit("opens_at", self.opens_at);
    visit("closes_at", self.closes_at);
    visit("limit_per_member", self.limit_per_member, kLimitBounds);
    visit("product_limits", self.product_limits, Bounds{1, kMaxOffers});
    visit("skus", self.skus, Bounds{1, kMaxOffers});
    visit("place", self.place);
    visit("at", self.at);
  }
  [[nodiscard]] std::string partition_key() const { return drop.text(); }
  [[nodiscard]] std::string subject() const { return drop.text(); }
  bool operator==(const DropLevel&) const = default;
};

/// Written every second by each shard, so that a reader knows how old its view is, also when
/// nothing is sold. Key: "<service>/<shard>".
struct ShardHeartbeat {
  static constexpr std::string_view kType = "ShardHeartbeat";
  static constexpr std::string_view kTopic = topic::kStockLevels;

  std::string service;
  std::int32_t shard = 0;
  Timestamp at;               ///< the writer's clock
  std::int64_t position = 0;  ///< the next record of the shard's anchor topic to be judged

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("service", self.service, kNameBounds);
    visit("shard", self.shard, kPartitionBounds);
    visit("at", self.at);
    visit("position", self.position, kOffsetBounds);
  }
  [[nodiscard]] std::string partition_key() const { return service + '/' + std::to_string(shard); }
  [[nodiscard]] std::string subject() const { return partition_key(); }
  bool operator==(const ShardHeartbeat&) const = default;
};

}  // namespace dropline::contracts
