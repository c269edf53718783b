#pragma once

#include "dropline/ordering/ordering.hpp"
#include "dropline/payments/payments.hpp"

namespace dropline::simulation {

/// Short, so that deadlines pass within a run.
[[nodiscard]] inline ordering::Terms order_terms() {
  using std::chrono::seconds;
  return {.card = seconds(5), .bank = seconds(12), .patience = seconds(15)};
}

[[nodiscard]] inline payments::Terms charge_terms() {
  const auto won = Currency::parse("KRW").value();
  return {{1'000, won}, {50'000, won}};
}

}  // namespace dropline::simulation
