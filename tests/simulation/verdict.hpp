#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loop_verdict.hpp"
#include "traffic.hpp"

namespace dropline::simulation {

struct Verdict {
  std::vector<std::string> violations;  ///< a sentence each; empty where all invariants hold
  std::uint64_t hash = 0;               ///< of every record of every topic and of tables
  std::size_t commands = 0;
  std::size_t orders = 0;
  std::size_t granted = 0;
  std::size_t paid = 0;
  std::size_t discounts = 0;  ///< paid with a coupon
  std::size_t delivered = 0;  ///< and kept, or given back
  std::size_t refunds = 0;    ///< orders of which something was given back
};

/// Reads topics and tables of a system at rest, and nothing else, and holds them to the invariants
/// and to what those outside were told.
[[nodiscard]] Verdict judge_cluster(stream::Stream& stream, store::Session& session,
                                    const contracts::CommandKeys& keys, const Promises& promises);

}  // namespace dropline::simulation
