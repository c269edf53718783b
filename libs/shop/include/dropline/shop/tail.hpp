#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dropline/stream/stream.hpp"

namespace dropline::shop {

/// Follows topics, all partitions, for the ingress's views: state topics from their start, events
/// from where they stand when it begins. One thread of its own, on which `on_record` is called; it
/// must be quick. Keeps trying while the log is away.
class Tail final {
 public:
  struct Source {
    std::string topic;  ///< as the log names it
    bool from_start = false;
  };
  using OnRecord = std::function<void(const stream::Record&)>;

  Tail(stream::Stream& stream, std::vector<Source> sources, std::int32_t partitions,
       OnRecord on_record);
  ~Tail();  ///< stops within a second
  Tail(const Tail&) = delete;
  Tail& operator=(const Tail&) = delete;

  /// Every partition has been read to the end it had when following began.
  [[nodiscard]] bool caught_up() const noexcept { return caught_up_.load(); }
  /// Empty while it reads.
  [[nodiscard]] std::string health() const;

 private:
  void run();
  Status begin();
  void note(const stream::Record& record);
  void trouble(std::string text);

  stream::Stream& stream_;
  std::vector<Source> sources_;
  std::int32_t partitions_;
  OnRecord on_record_;
  std::unique_ptr<stream::Consumer> consumer_;
  std::vector<stream::Position> open_ends_;  ///< not reached yet
  std::atomic<bool> caught_up_{false};
  std::atomic<bool> stopping_{false};
  mutable std::mutex trouble_lock_;
  std::string trouble_;
  std::thread thread_;
};

}  // namespace dropline::shop
