#pragma once

#include <span>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/stock/stock.hpp"
#include "dropline/store/database.hpp"

namespace dropline::stock {

/// Which rows a batch needs. Duplicates do no harm.
struct Wanted {
  std::vector<OrderId> orders;
  std::vector<DropId> drops;
  std::vector<DropId> whole_drops;  ///< with every offer
  std::vector<OfferKey> offers;
  std::vector<std::pair<std::optional<DropId>, MemberId>> members;  ///< whose holdings
  std::vector<contracts::ChangeId> changes;
};

/// Loads a batch's rows, a statement a table: orders first, then what the orders to be released or
/// settled name beside `wanted`. Offers are locked in key order, since ordinary ones are shared
/// between shards. Within the caller's transaction.
[[nodiscard]] Result<Book> load(store::Session& session, Wanted wanted);

/// Writes what changed, a statement a table, and raises the versions of offers and drops.
[[nodiscard]] Status save(store::Session& session, Book& book, Timestamp now);

/// Drops not yet ended (or ended since `since`) and offers last changed by these shards, for their
/// new owner to publish again.
[[nodiscard]] Result<Book> load_shards(store::Session& session,
                                       std::span<const std::int32_t> shards, Timestamp since);

}  // namespace dropline::stock
