#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace dropline::store {

/// Length of the comment, string or quoted name that begins at `at`; 0 where none does. Nothing in
/// it is replaced.
[[nodiscard]] inline std::size_t opaque_length(std::string_view sql, std::size_t at) noexcept {
  const auto until = [&](std::string_view end, std::size_t from, bool with_end) {
    const auto found = sql.find(end, from);
    return found == sql.npos ? sql.size() - at : found - at + (with_end ? end.size() : 0);
  };
  const std::string_view rest = sql.substr(at);
  if (rest.starts_with("--")) return until("\n", at, false);
  if (rest.starts_with("/*")) return until("*/", at + 2, true);
  if (rest[0] == '\'') return until("'", at + 1, true);
  if (rest[0] == '"') return until("\"", at + 1, true);
  return 0;
}

}  // namespace dropline::store
