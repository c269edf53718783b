#pragma once

#include <optional>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/store/database.hpp"

namespace dropline::feeds {

/// What the platform has not taken yet.
struct Backlog {
  std::int64_t events = 0;
  std::int64_t members = 0;
  std::optional<Timestamp> oldest;  ///< when the oldest was to be told first
};
[[nodiscard]] Result<Backlog> read_backlog(store::Session& session);

/// A call that is made again and again.
struct Stuck {
  Uuid event;
  std::string kind;
  std::int64_t attempts = 0;
  Timestamp due_at;  ///< when it is made next
};
inline constexpr std::int64_t kMaxStuck = 100;
/// Those tried most often first, at most `limit`; those not tried yet are none.
[[nodiscard]] Result<std::vector<Stuck>> read_stuck(store::Session& session, std::int64_t limit);

}  // namespace dropline::feeds
