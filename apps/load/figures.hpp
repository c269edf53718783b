#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "histogram.hpp"
#include "rush.hpp"

namespace dropline::load {

/// What was measured of the answers, in all and by the second in which they were due.
class Figures final {
 public:
  /// What came before `start` was for warming up and is not counted.
  explicit Figures(SteadyTime start) : start_(start) {}

  void add(const Answer& answer);

  struct Second {
    std::uint64_t answered = 0;
    Histogram latency;
  };
  [[nodiscard]] const Histogram& latency() const noexcept { return latency_; }
  /// By what was answered: "200 paid", "409 sold_out", "lost".
  [[nodiscard]] const std::map<std::string, std::uint64_t>& kinds() const noexcept {
    return kinds_;
  }
  [[nodiscard]] const std::vector<Second>& seconds() const noexcept { return seconds_; }

 private:
  SteadyTime start_;
  Histogram latency_;
  std::map<std::string, std::uint64_t> kinds_;
  std::vector<Second> seconds_;
};

/// The order is paid: its goods may be being got ready already.
[[nodiscard]] bool told_paid(const Answer& answer);
/// "200 paid" of an answer that tells an order's state, "409 sold_out" of a problem.
[[nodiscard]] std::string kind_of(const Answer& answer);

}  // namespace dropline::load
