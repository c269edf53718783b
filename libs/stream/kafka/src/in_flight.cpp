#include "in_flight.hpp"

#include "dropline/base/ensure.hpp"

namespace dropline::stream::kafka {

Slot* InFlight::take(std::uint64_t token, ProducerTopic* topic, std::int32_t partition,
                     std::size_t bytes) {
  const std::size_t counted = bytes + kOverheadBytes;
  const std::lock_guard lock(mutex_);
  if (records_ >= max_records_ || (records_ > 0 && bytes_ + counted > max_bytes_)) return nullptr;
  if (!free_) {
    auto& chunk = chunks_.emplace_back(std::make_unique<Slot[]>(kChunk));
    for (std::size_t i = 0; i < kChunk; ++i) {
      chunk[i].next_free = free_;
      free_ = &chunk[i];
    }
  }
  Slot* slot = free_;
  free_ = slot->next_free;
  *slot = {token, topic, static_cast<std::uint32_t>(counted), partition, true, nullptr};
  ++records_;
  bytes_ += counted;
  return slot;
}

void InFlight::give_back(std::span<Slot* const> slots) {
  const std::lock_guard lock(mutex_);
  for (Slot* slot : slots) {
    ensure(slot->taken, "a record is reported once");
    slot->taken = false;
    slot->next_free = free_;
    free_ = slot;
    --records_;
    bytes_ -= slot->bytes;
  }
  if (records_ == 0) emptied_.notify_all();
}

bool InFlight::wait_empty(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, limit, [&] { return records_ == 0; });
}

bool InFlight::empty() const {
  const std::lock_guard lock(mutex_);
  return records_ == 0;
}

std::vector<Slot*> InFlight::remaining() {
  std::vector<Slot*> slots;
  const std::lock_guard lock(mutex_);
  for (const auto& chunk : chunks_)
    for (std::size_t i = 0; i < kChunk; ++i)
      if (chunk[i].taken) slots.push_back(&chunk[i]);
  return slots;
}

}  // namespace dropline::stream::kafka
