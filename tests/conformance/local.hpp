#pragma once

#include <atomic>

#include "dropline/base/clock.hpp"
#include "scene.hpp"

/// For logs whose groups live in one process.
namespace dropline::stream::conformance {

/// The machine's clock, which can be set forward.
class HastyClock final : public Clock {
 public:
  Timestamp now() const override { return system_.now() + std::chrono::microseconds(ahead_us_); }
  Steady steady() const override { return system_.steady() + std::chrono::microseconds(ahead_us_); }
  void advance(milliseconds by) { ahead_us_ += std::chrono::microseconds(by).count(); }

 private:
  SystemClock system_;
  std::atomic<std::int64_t> ahead_us_ = 0;
};

/// A member of the same process that is simply not polled when it is silent.
class LocalCompanion final : public Companion {
 public:
  LocalCompanion(std::unique_ptr<Membership> share, HastyClock& clock)
      : share_(std::move(share)), clock_(clock) {}

  void step() override {
    const auto change = share_->poll(milliseconds(5)).value();
    for (const auto p : change.lost)
      owned.erase(p);
    for (const auto p : change.revoked)
      owned.erase(p);
    owned.insert(change.gained.begin(), change.gained.end());
    lost |= !change.lost.empty();
  }
  void fall_silent() override { clock_.advance(kSession + milliseconds(1)); }
  void come_back() override {}

 private:
  static constexpr milliseconds kSession{6'000};
  std::unique_ptr<Membership> share_;
  HastyClock& clock_;
};

}  // namespace dropline::stream::conformance
