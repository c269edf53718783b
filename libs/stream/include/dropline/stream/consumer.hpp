#pragma once

#include <chrono>
#include <cstdint>
#include <span>

#include "dropline/base/error.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::stream {

/// The offset of the next record to read.
struct Position {
  TopicPartition at;
  std::int64_t offset = 0;

  /// Reads from the first record that the log still holds.
  static constexpr std::int64_t kStart = -2;
  /// Reads what is appended from now on.
  static constexpr std::int64_t kEnd = -1;
};

/// The log holds offsets [start, end): what a reader may still see, and where the next goes.
struct Extent {
  std::int64_t start = 0;
  std::int64_t end = 0;
};

/// Reads partitions that it is told to read, from where it is told; knows nothing of groups and
/// keeps no positions of its own beyond its life.
///
/// Threads: one at a time, except wake(), which any thread may call.
/// Memory: what is fetched ahead is bounded by configuration, however slow the reader.
class Consumer {
 public:
  virtual ~Consumer() = default;

  /// Adds partitions, or moves those already there (a seek). Nothing fetched before the call from
  /// the partitions named is delivered after it. A position the log no longer holds, or beyond its
  /// end, shows as a PartitionError (Errc::position_lost) in a later poll.
  virtual Status assign(std::span<const Position> positions) = 0;

  /// Takes partitions away; nothing of them is delivered after it.
  virtual Status unassign(std::span<const TopicPartition> partitions) = 0;

  /// Gives what is there, at most `max` records; where nothing is, waits up to `wait` for the first
  /// and then gives what has come. Returns early, and perhaps empty, after wake(). Losing the
  /// broker is not an error: it is retried for ever and shows in health().
  virtual Result<Batch> poll(std::size_t max, std::chrono::milliseconds wait) = 0;

  /// Ends a poll() that waits, or the next one.
  virtual void wake() = 0;

  /// What the log holds of each partition, asked of the broker now, in the order asked.
  virtual Result<std::vector<Extent>> extents(std::span<const TopicPartition> partitions,
                                              std::chrono::milliseconds limit) = 0;

  /// Empty while all is well, else what is wrong with the connection, for /readyz.
  [[nodiscard]] virtual std::string health() const = 0;
};

}  // namespace dropline::stream
