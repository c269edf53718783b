#pragma once

#include <chrono>
#include <concepts>
#include <thread>

namespace dropline::testing {

/// Generous: it is only used up by a test that fails.
inline constexpr std::chrono::milliseconds kWaitLimit{10'000};
inline constexpr std::chrono::milliseconds kPollInterval{2};

/// Waits until `holds()` is true and answers whether it was within the limit. The one way in which
/// tests wait for another thread or process: never for a time, always for a condition.
template <std::predicate Condition>
[[nodiscard]] bool eventually(Condition holds, std::chrono::milliseconds limit = kWaitLimit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

/// Slowness that is itself under test: a slow reader, a sender that trickles. What must have
/// happened afterwards is still waited for with `eventually`.
inline void be_slow(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

}  // namespace dropline::testing
