#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "dropline/base/clock.hpp"
#include "dropline/contracts/parts.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::shop {

/// What a service said to an operator's change.
struct ChangeAnswer {
  bool refused = false;
  std::string reason;  ///< where it was refused: a stable code
};

/// Operators who wait for the answer to a change (`Prefer: wait`): catalog's or stock's, found by
/// the change's id. Bounded; any thread. Callbacks run on the thread that brings the answer, or on
/// its own when time is up: they must not block.
class Answers final {
 public:
  static constexpr std::size_t kMaxWaiters = 30'000;
  using Callback = std::function<void(const ChangeAnswer*)>;  ///< nullptr: time is up

  explicit Answers(const Clock& clock);
  ~Answers();
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  /// False when too many wait already.
  [[nodiscard]] bool wait(const contracts::ChangeId& change, Clock::Steady until,
                          Callback callback);
  /// The same for a coupon that a member asks for: several may wait for one, under tickets of their
  /// own.
  [[nodiscard]] bool wait_for(const CouponId& coupon, const contracts::ChangeId& ticket,
                              Clock::Steady until, Callback callback);
  /// Forgets a waiter without calling it: its command was not sent.
  void cancel(const contracts::ChangeId& change);

  /// A record of a topic that changes are answered on. Parsed only while somebody waits.
  void take(const stream::Record& record);

 private:
  struct Waiter {
    Clock::Steady until;
    Callback callback;
  };
  void tell(const contracts::ChangeId& change, const ChangeAnswer& answer);
  void tell_all(const CouponId& coupon, const ChangeAnswer& answer);
  void watch();

  const Clock& clock_;
  std::mutex lock_;
  std::condition_variable changed_;
  std::unordered_map<contracts::ChangeId, Waiter> waiters_;
  std::unordered_multimap<CouponId, contracts::ChangeId> tickets_;  ///< who waits for a coupon
  bool stopping_ = false;
  std::thread watcher_;
};

}  // namespace dropline::shop
