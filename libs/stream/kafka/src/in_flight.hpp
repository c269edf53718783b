#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "dropline/stream/producer.hpp"

namespace dropline::stream::kafka {

struct ProducerTopic;

/// A record taken and not yet reported. Its address is what librdkafka carries as the message's
/// opaque pointer.
struct Slot {
  std::uint64_t token = 0;
  ProducerTopic* topic = nullptr;
  std::uint32_t bytes = 0;
  std::int32_t partition = -1;  ///< as asked for; -1 where the key decides
  bool taken = false;
  Slot* next_free = nullptr;
};

/// The records of one producer that are under way: what bounds them in number and bytes, and what
/// tells at the end which were never reported. Slots are reused and never move. Any thread.
class InFlight final {
 public:
  /// Counted for each record beside its own bytes, for what librdkafka keeps about it.
  static constexpr std::size_t kOverheadBytes = 256;

  InFlight(std::size_t max_records, std::size_t max_bytes)
      : max_records_(max_records), max_bytes_(max_bytes) {}

  /// Null where the bounds leave no room. One record always has room.
  [[nodiscard]] Slot* take(std::uint64_t token, ProducerTopic* topic, std::int32_t partition,
                           std::size_t bytes);
  /// The records have been reported, or were not taken after all.
  void give_back(std::span<Slot* const> slots);

  /// True when none is under way; false when `limit` passed first.
  [[nodiscard]] bool wait_empty(std::chrono::milliseconds limit);
  [[nodiscard]] bool empty() const;
  /// Those under way.
  [[nodiscard]] std::vector<Slot*> remaining();

 private:
  static constexpr std::size_t kChunk = 1024;

  const std::size_t max_records_;
  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  std::vector<std::unique_ptr<Slot[]>> chunks_;
  Slot* free_ = nullptr;
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace dropline::stream::kafka
