#pragma once

#include <atomic>
#include <chrono>

#include "dropline/base/time.hpp"

namespace dropline {

/// Where time comes from. Rules never ask; workers and rooms that wait are handed one.
/// All members may be called from any thread.
class Clock {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;
  [[nodiscard]] virtual Timestamp now() const = 0;
  /// For intervals; never goes back.
  [[nodiscard]] virtual Steady steady() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override;
  [[nodiscard]] Steady steady() const override;
};

/// Moves only when told to: for tests and simulation.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = from_unix_ms(1'767'225'600'000))
      : now_us_(unix_us(start)) {}

  [[nodiscard]] Timestamp now() const override { return from_unix_us(now_us_.load()); }
  [[nodiscard]] Steady steady() const override {
    return Steady(std::chrono::microseconds(steady_us_.load()));
  }

  void advance(std::chrono::microseconds by) {
    now_us_ += by.count();
    steady_us_ += by.count();
  }
  /// A step of the wall clock alone, as an administrator or NTP makes it; may go back.
  void jump(std::chrono::microseconds by) { now_us_ += by.count(); }

 private:
  std::atomic<std::int64_t> now_us_;
  std::atomic<std::int64_t> steady_us_{1'000'000'000};
};

}  // namespace dropline
