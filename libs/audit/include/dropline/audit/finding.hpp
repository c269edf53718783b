#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dropline::audit {

/// Something that is not as it must be, in one line.
struct Finding {
  std::string code;   ///< stable: the check that found it
  std::string where;  ///< a row ("stock.offers drop=… sku=…") or a record ("stock.events/3@17")
  std::string what;   ///< what stands there, and what speaks against it

  auto operator<=>(const Finding&) const = default;
};

/// When a check may be held against a system that is at work.
enum class Reach {
  always,   ///< within one service's tables, or of what is in the log: true at every commit
  at_rest,  ///< between services, or tables and log: true of an order that is not on its way
};

/// Findings told of one check; `found` counts on. Those with the lowest `where` are told, and ids
/// of orders sort by time: what has lasted longest comes first.
inline constexpr std::size_t kMaxFindings = 1'000;

/// What one check came to.
struct Outcome {
  std::string code;
  std::string about;  ///< what must hold, as a clause
  Reach reach = Reach::always;
  std::int64_t found = 0;
  std::vector<Finding> findings;  ///< at most kMaxFindings, sorted
  /// The system did not come to rest while it was watched: what was found may be on its way.
  bool unsettled = false;
};

}  // namespace dropline::audit
