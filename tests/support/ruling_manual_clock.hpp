#pragma once

#include "dropline/base/ruling_clock.hpp"

namespace dropline::testing {

/// A manual clock that databases go by too, so that what falls due can be tried in both dialects.
class RulingManualClock final : public RulingClock {
 public:
  RulingManualClock() = default;
  explicit RulingManualClock(Timestamp start) : clock_(start) {}

  [[nodiscard]] Timestamp now() const override { return clock_.now(); }
  [[nodiscard]] Steady steady() const override { return clock_.steady(); }
  [[nodiscard]] Timestamp instead_of(Timestamp /*servers*/) const override { return clock_.now(); }

  void advance(std::chrono::microseconds by) { clock_.advance(by); }
  void jump(std::chrono::microseconds by) { clock_.jump(by); }

 private:
  ManualClock clock_;
};

}  // namespace dropline::testing
