#pragma once

#include <optional>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/points/points.hpp"
#include "dropline/store/database.hpp"

namespace dropline::points {

inline constexpr std::int64_t kMaxPage = 200;

/// Of a member that never had a point: none.
[[nodiscard]] Result<Balance> find_balance(store::Session& session, const MemberId& member);

/// The ledger's entries that moved points, newest first: those before number `before` (absent: from
/// the newest), at most `limit` (1 to kMaxPage; beyond it kMaxPage).
[[nodiscard]] Result<std::vector<Entry>> points_page(store::Session& session,
                                                     const MemberId& member,
                                                     std::optional<std::int64_t> before,
                                                     std::int64_t limit);

}  // namespace dropline::points
