// What programs built for tests link instead of apps/common/process_clock.cpp.
#include "common/process_clock.hpp"

#include <cstdlib>

#include "support/false_clock/shared_clock.hpp"

namespace dropline::apps {

const Clock& process_clock() {
  static const testing::SharedClock clock(std::getenv(kFalseClockVariable));
  return clock;
}

std::string clock_refusal() {
  if (std::getenv(kFalseClockVariable) != nullptr) return {};
  return "this program was built for tests: " + std::string(kFalseClockVariable) +
         " names the file with its time";
}

}  // namespace dropline::apps
