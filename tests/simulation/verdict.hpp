#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::simulation {

struct Verdict {
  std::vector<std::string> violations;  ///< a sentence each; empty where all invariants hold
  std::uint64_t hash = 0;               ///< of every record of every topic and every row
  std::size_t commands = 0;
  std::size_t orders = 0;
  std::size_t granted = 0;
  /// Keys of `stock.levels` whose last copy is not the newest: compaction would keep the wrong one.
  std::size_t stale_levels = 0;
};

/// Reads topics and tables of a cluster at rest, and nothing else, and holds them to the
/// invariants. `acknowledged` are places on `orders.commands` that somebody was promised.
[[nodiscard]] Verdict judge_cluster(
    stream::Stream& stream, store::Session& session, const contracts::CommandKeys& keys,
    const std::vector<std::pair<std::int32_t, std::int64_t>>& acknowledged);

}  // namespace dropline::simulation
