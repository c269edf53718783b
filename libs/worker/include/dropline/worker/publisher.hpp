#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/worker/outbox.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::worker {

/// Brings committed outbox rows into the log, those of a shard in order, each record at least once
/// and never a first copy out of order. After any produce error the producer is replaced and
/// everything not acknowledged is sent again, in order.
///
/// Threads: the loop's; deliveries arrive on the producer's and are taken over under a lock.
/// Nothing blocks except drain().
class Publisher final {
 public:
  /// Rows that may be under way; the loop reads no further until there is room.
  static constexpr std::size_t kMaxRows = 256;

  Publisher(stream::Stream& stream, const Clock& clock);
  ~Publisher();

  /// Takes a committed row. `bytes` that cannot be read are Errc::bad_frame.
  [[nodiscard]] Status take(Shard shard, std::int64_t seq, std::string bytes);

  /// Sends what the producer has room for, takes in deliveries, replaces a dead producer. To be
  /// called every turn. Returns true when something moved.
  bool pump();

  /// Rows now wholly in the log, each told once.
  [[nodiscard]] std::vector<std::pair<Shard, std::int64_t>> take_finished();

  /// Forgets a shard's rows: its next owner publishes them.
  void forget(Shard shard);

  [[nodiscard]] bool has_room() const;
  [[nodiscard]] std::size_t rows() const;
  /// Records of these rows that are not known to be in the log.
  [[nodiscard]] std::size_t records() const;
  /// Whether anything of that shard is still under way.
  [[nodiscard]] bool busy(Shard shard) const;

  /// Pumps until all is in the log or `limit` has passed; true when all is.
  bool drain(std::chrono::milliseconds limit);

  /// Empty while records flow, else what hinders them.
  [[nodiscard]] std::string health() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dropline::worker
