#include "common/process_clock.hpp"

#include <cstdlib>

namespace dropline::apps {

const Clock& process_clock() {
  static const SystemClock clock;
  return clock;
}

std::string clock_refusal() {
  if (std::getenv(kFalseClockVariable) == nullptr) return {};
  return std::string(kFalseClockVariable) +
         " asks for a false clock, which only programs built for tests follow; this one goes by "
         "the machine's. Unset it";
}

}  // namespace dropline::apps
