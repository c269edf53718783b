#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "catalogue.hpp"

namespace dropline::stream::sqlite {

/// Where one reader waits for the logs it is interested in. Members from any thread.
class Waiter final {
 public:
  void want(const Log& log);
  void forget(const Log& log);

  /// Forgets news so far; to be called before looking at the logs, so that none is missed between.
  void arm();
  /// Until news after arm(), wake() or the deadline. True when woken; that is forgotten then.
  bool wait_until(std::chrono::steady_clock::time_point deadline);
  /// True when wake() was called since; that is forgotten then.
  bool take_wake();
  void wake();

  void tell(std::span<const std::shared_ptr<Log>> changed);

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  std::vector<bool> wanted_;  // by slot
  bool news_ = false;
  bool woken_ = false;
};

/// Tells those who wait that logs have grown, begun later, or gone. Any thread.
class Notices final {
 public:
  [[nodiscard]] std::shared_ptr<Waiter> waiter();
  void publish(std::span<const std::shared_ptr<Log>> changed);

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Waiter>> waiters_;
};

}  // namespace dropline::stream::sqlite
