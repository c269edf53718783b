#pragma once

#include <optional>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/rankings/rankings.hpp"
#include "dropline/store/database.hpp"

namespace dropline::rankings {

/// Adds a batch's sales: one statement. Within the caller's transaction.
[[nodiscard]] Status add(store::Session& session, const Sales& sales);

/// What the shards' rows of a span sum to, by SKU; the best kMaxRanks of it and no more than that.
[[nodiscard]] Result<std::vector<contracts::RankedSku>> best_in(store::Session& session,
                                                                const Span& span);

/// The snapshots in force.
[[nodiscard]] Result<std::vector<contracts::RankingSnapshot>> load_snapshots(
    store::Session& session);
[[nodiscard]] Status save_snapshot(store::Session& session,
                                   const contracts::RankingSnapshot& snapshot);

/// Every row: what a rebuild compares with.
[[nodiscard]] Result<Sales> load_sales(store::Session& session);

}  // namespace dropline::rankings
