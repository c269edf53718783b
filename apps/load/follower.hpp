#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "dropline/base/ids.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::load {

/// Reads orders.events from where it ends now, on a thread of its own, and notes which orders were
/// told to be paid, and when the log took the record: what the shop says in public, seen from
/// outside.
class Follower final {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Follower>> start(stream::Stream& stream,
                                                               std::int32_t partitions,
                                                               const std::string& topic_prefix);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  [[nodiscard]] std::uint64_t paid() const noexcept { return paid_count_; }

  /// Stops following. After it the rest may be read.
  void stop();

  struct Paid {
    Timestamp at;   ///< the log's
    int times = 0;  ///< more than one: told again
  };
  [[nodiscard]] const std::unordered_map<OrderId, Paid>& orders() const noexcept { return orders_; }

 private:
  explicit Follower(std::unique_ptr<stream::Consumer> consumer) : consumer_(std::move(consumer)) {}
  void run();
  void take(const stream::Record& record);

  std::unique_ptr<stream::Consumer> consumer_;
  std::unordered_map<OrderId, Paid> orders_;
  std::atomic<std::uint64_t> paid_count_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace dropline::load
