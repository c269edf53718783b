#pragma once

#include <map>
#include <mutex>
#include <optional>

#include "dropline/contracts/rankings_snapshots.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::shop {

/// What sells best, as the last snapshot of each window has it. Any thread.
class Charts final {
 public:
  /// A record of `rankings.snapshots`. What cannot be read, or is older than what is known, is
  /// passed over.
  void take(const stream::Record& record);
  /// Absent until a first one was read.
  [[nodiscard]] std::optional<contracts::RankingSnapshot> of(contracts::RankingWindow window) const;

 private:
  mutable std::mutex lock_;
  std::map<contracts::RankingWindow, contracts::RankingSnapshot> snapshots_;
};

}  // namespace dropline::shop
