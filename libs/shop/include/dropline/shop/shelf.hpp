#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/contracts/catalog_products.hpp"
#include "dropline/contracts/stock_levels.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::shop {

/// What is on sale, as `stock.levels` and `catalog.products` tell it: drops, offers, products, and
/// how old that knowledge is. Of each key the highest version counts. Fed by one thread, read by
/// any; readers get values or shared, unchanging ones, and never wait for more than a few
/// instructions.
class Shelf final {
 public:
  /// `partitions`: of every topic, so as many shards of stock have to be heard of.
  Shelf(const Clock& clock, std::int32_t partitions);

  /// A record of one of the two topics; others, and what cannot be read, are passed over.
  void take(const stream::Record& record);

  struct Drop {
    contracts::DropLevel level;
    std::vector<contracts::OfferLevel> offers;  ///< in the order of the terms; those known so far
    std::optional<contracts::DropListing> listing;
  };
  [[nodiscard]] std::optional<Drop> drop(const DropId& id) const;
  /// By id from `after` (exclusive) on, at most `limit`.
  [[nodiscard]] std::vector<Drop> drops(const std::optional<DropId>& after,
                                        std::size_t limit) const;

  struct Product {
    contracts::ProductState state;
    /// Ordinary offers, in the order of the options; those that stock has.
    std::vector<contracts::OfferLevel> offers;
  };
  [[nodiscard]] std::optional<Product> product(const ProductId& id) const;
  [[nodiscard]] std::vector<Product> products(const std::optional<ProductId>& after,
                                              std::size_t limit) const;

  /// Is there no way that this order could be granted: not now, and not by units that come back?
  /// Said only while the view is young (kFresh); the SKU that is gone for good.
  [[nodiscard]] std::optional<Sku> sold_out(const std::optional<DropId>& drop,
                                            const std::vector<contracts::OrderLine>& lines) const;

  /// How long ago the shard that was heard of least recently was heard of; absent before every one
  /// was.
  [[nodiscard]] std::optional<std::chrono::milliseconds> age() const;

  static constexpr std::chrono::seconds kFresh{2};

 private:
  using OfferKey = std::pair<DropId, Sku>;  ///< the nil drop: ordinary

  void take_offer(contracts::OfferLevel level);
  void take_drop(contracts::DropLevel level);
  void take_product(contracts::ProductState state);
  void take_listing(contracts::DropListing listing);
  [[nodiscard]] Drop assembled(const contracts::DropLevel& level) const;
  [[nodiscard]] Product assembled(const contracts::ProductState& state) const;
  [[nodiscard]] const contracts::OfferLevel* offer(const DropId& drop, const Sku& sku) const;

  const Clock& clock_;
  mutable std::shared_mutex lock_;
  std::map<OfferKey, contracts::OfferLevel> offers_;
  std::map<DropId, contracts::DropLevel> drops_;
  std::map<DropId, contracts::DropListing> listings_;
  std::map<ProductId, contracts::ProductState> products_;
  std::vector<std::optional<Timestamp>> heard_;  ///< by shard: the writer's clock
};

/// What a drop is at a moment.
enum class DropPhase { scheduled, open, paused, closed, ended };
constexpr auto names_of(DropPhase) {
  return std::to_array<std::string_view>({"scheduled", "open", "paused", "closed", "ended"});
}
[[nodiscard]] DropPhase phase_of(const contracts::DropLevel& level, Timestamp now);

}  // namespace dropline::shop
