#pragma once

#include "dropline/ordering/ordering.hpp"
#include "dropline/payments/payments.hpp"
#include "dropline/points/points.hpp"

namespace dropline::simulation {

/// Short, so that deadlines pass within a run.
[[nodiscard]] inline ordering::Terms order_terms() {
  using std::chrono::seconds;
  return {.card = seconds(5),
          .bank = seconds(12),
          .card_reminder = seconds(2),
          .bank_reminder = seconds(4),
          .returns = seconds(6),
          .patience = seconds(15),
          .deliveries = true};
}

[[nodiscard]] inline payments::Terms charge_terms() {
  const auto won = Currency::parse("KRW").value();
  return {{1'000, won}, {50'000, won}};
}

/// A rate that leaves remainders.
[[nodiscard]] inline points::Terms point_terms() {
  return {.rate = 333};
}

}  // namespace dropline::simulation
