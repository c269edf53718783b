#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::stream {

enum class Cleanup {
  retain,   ///< old records go after `retention`; kept for ever where there is none
  compact,  ///< the last record of each key stays; a tombstone removes the key
};

struct TopicSpec {
  std::string name;
  std::int32_t partitions = 16;
  Cleanup cleanup = Cleanup::retain;
  std::optional<std::chrono::milliseconds> retention = {};
  /// Records carry the time the log took them, not what their producer says.
  bool append_time = true;
};

/// Makes topics and looks at them. Calls block up to `limit` given at construction; any one thread.
class Admin {
 public:
  virtual ~Admin() = default;

  /// Creates what is missing. A topic that exists with another partition count is
  /// Errc::wrong_partition_count, and the detail names topic, both numbers and the cure.
  virtual Status ensure_topics(std::span<const TopicSpec> topics) = 0;

  /// Partition count by topic, in the order asked; absent where the topic does not exist.
  virtual Result<std::vector<std::optional<std::int32_t>>> partitions(
      std::span<const std::string> topics) = 0;

  /// Removes records below `offset`: what retention does, at once. For operators and tests.
  virtual Status truncate(const TopicPartition& at, std::int64_t offset) = 0;

  virtual Status remove_topics(std::span<const std::string> topics) = 0;
};

}  // namespace dropline::stream
