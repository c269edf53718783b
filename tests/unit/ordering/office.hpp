#pragma once

#include "town.hpp"

namespace dropline::ordering::testing {

inline constexpr Town::How kStockSays{"stock/0"};
inline constexpr Town::How kPaymentsSay{"payments/0"};

/// A town where ordering works alone, and tests say what the others would.
struct Office : Town {
  explicit Office(std::size_t max_records = 2'000, const Terms& terms = {},
                  store::Faults* faults = nullptr)
      : service(terms), process(*this, service, max_records, faults) {}
  void work(int turns = 60) { run({&process}, turns); }
  OrderState state_of(std::uint32_t number) { return state(order_id(number), member(number)); }
  std::string told_of(std::uint32_t number) { return told(order_id(number)); }

  OrderingWorker service;
  Process process;
};

}  // namespace dropline::ordering::testing
