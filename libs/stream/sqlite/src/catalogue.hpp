#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dropline/stream/admin.hpp"

namespace dropline::stream::sqlite {

/// One partition of a topic, as everyone in the process sees it: what was committed. Written by the
/// thread that commits (or that watches a foreign writer), read by all. Lives as long as anything
/// points to it; a removed log is marked and never comes back.
struct Log {
  Log(std::int64_t log_id, std::size_t log_slot, const TopicSpec& spec, std::int32_t number)
      : id(log_id),
        slot(log_slot),
        topic(spec.name),
        partition(number),
        compacted(spec.cleanup == Cleanup::compact) {}

  const std::int64_t id;   ///< names its table; never used again
  const std::size_t slot;  ///< counts the logs of this process, densely
  const std::string topic;
  const std::int32_t partition;
  const bool compacted;  ///< else its offsets have no gaps

  std::atomic<std::int64_t> start{0};
  std::atomic<std::int64_t> end{0};
  std::atomic<bool> removed{false};

  [[nodiscard]] std::string table() const { return "stream_log_" + std::to_string(id); }
  [[nodiscard]] std::string name() const { return topic + "/" + std::to_string(partition); }
};

struct Topic {
  std::int64_t id = 0;
  TopicSpec spec;
  std::vector<std::shared_ptr<Log>> logs;  ///< by partition
};

/// All topics by name. Immutable once shared.
using Catalogue = std::map<std::string, Topic, std::less<>>;

}  // namespace dropline::stream::sqlite
