#pragma once

#include <string>

#include "dropline/base/clock.hpp"

namespace dropline::apps {

/// Names the file that holds a false clock. Programs built for tests follow it; all others refuse
/// to start while it is set.
inline constexpr const char* kFalseClockVariable = "DROPLINE_TEST_CLOCK";

/// The clock that this program lives by; any thread. Defined in process_clock.cpp as the machine's,
/// and once more for programs built for tests, which link their own definition.
[[nodiscard]] const Clock& process_clock();

/// Why this program does not start with the clock that its environment asks for; empty: it does.
[[nodiscard]] std::string clock_refusal();

}  // namespace dropline::apps
