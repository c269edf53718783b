#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dropline/store/database.hpp"

namespace dropline::shop {

/// Threads with read-only sessions, for what the views in memory do not hold. The ingress writes no
/// database. A session that breaks is replaced; a job that meets an error tells its caller so.
class Reads final {
 public:
  static constexpr std::size_t kMaxQueue = 4'096;
  using Job = std::function<void(Result<store::Session*>)>;

  Reads(store::Database database, store::SessionOptions options, std::size_t threads);
  ~Reads();  ///< finishes what is queued
  Reads(const Reads&) = delete;
  Reads& operator=(const Reads&) = delete;

  /// False when the queue is full: nothing will be called.
  bool submit(Job job);
  /// Empty while sessions can be had.
  [[nodiscard]] std::string health() const;

 private:
  void run();

  store::Database database_;
  store::SessionOptions options_;
  mutable std::mutex lock_;
  std::condition_variable work_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::string trouble_;
  std::vector<std::thread> threads_;
};

}  // namespace dropline::shop
