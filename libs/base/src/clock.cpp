#include "dropline/base/clock.hpp"

namespace dropline {

Timestamp SystemClock::now() const {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

Clock::Steady SystemClock::steady() const {
  return std::chrono::steady_clock::now();
}

}  // namespace dropline
