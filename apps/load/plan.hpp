#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/money.hpp"
#include "rush.hpp"

namespace dropline::load {

enum class Scenario {
  orders,    ///< orders paid by wallet
  refusals,  ///< orders after sell-out
};
[[nodiscard]] constexpr std::string_view name_of(Scenario scenario) {
  return scenario == Scenario::orders ? "orders" : "refusals";
}

/// What is sold to whom, and how fast they come.
struct Plan {
  Scenario scenario = Scenario::orders;
  RushOptions rush;
  Server operators;
  std::vector<Server> gateways;
  std::int64_t members = 10'000;
  std::int64_t skus = 1;
  std::int64_t drops = 1;
  std::int64_t units = 0;  ///< of all SKUs together; 0: as many as could ever be ordered
  Money price{1'000, {}};
  Money funds{2'000'000, {}};  ///< that each member has
  bool prefer_wait = true;
};

}  // namespace dropline::load
