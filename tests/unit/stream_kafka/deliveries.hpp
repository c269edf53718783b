#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

#include "dropline/stream/producer.hpp"

namespace dropline::stream::testing {

/// A DeliveryHandler that keeps what it hears, and notes whether a token came twice.
class Deliveries final {
 public:
  [[nodiscard]] DeliveryHandler handler() {
    return [this](std::span<const Delivery> batch) {
      const std::lock_guard lock(mutex_);
      for (const Delivery& delivery : batch) {
        twice_ = twice_ || !by_token_.emplace(delivery.token, delivery).second;
        in_order_.push_back(delivery);
      }
      changed_.notify_all();
    };
  }

  /// False where they did not come within ten seconds.
  [[nodiscard]] bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return by_token_.size() >= count; });
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex_);
    return by_token_.size();
  }
  [[nodiscard]] std::size_t count(Outcome outcome) {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const auto& [token, delivery] : by_token_)
      found += delivery.outcome == outcome ? 1 : 0;
    return found;
  }
  [[nodiscard]] Delivery of(std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    const auto found = by_token_.find(token);
    REQUIRE(found != by_token_.end());
    return found->second;
  }
  [[nodiscard]] std::vector<Delivery> in_order() {
    const std::lock_guard lock(mutex_);
    return in_order_;
  }
  [[nodiscard]] bool any_twice() {
    const std::lock_guard lock(mutex_);
    return twice_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::uint64_t, Delivery> by_token_;
  std::vector<Delivery> in_order_;
  bool twice_ = false;
};

/// True once `holds` is, asked every few milliseconds for at most `limit`.
template <class Condition>
[[nodiscard]] bool eventually(Condition holds,
                              std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    never.wait_for(lock, std::chrono::milliseconds(5));
  }
  return true;
}

class Stopwatch final {
 public:
  [[nodiscard]] std::chrono::milliseconds elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start_);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace dropline::stream::testing
