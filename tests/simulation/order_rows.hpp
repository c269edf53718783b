#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "dropline/base/ids.hpp"
#include "dropline/store/database.hpp"
#include "findings.hpp"

namespace dropline::simulation {

using OrderOf = std::pair<OrderId, MemberId>;

/// An order as ordering keeps it.
struct OrderRow {
  std::string state;
  std::int64_t version = 0;
  bool known = false;  ///< stock's fact is in
  std::int64_t total = 0;
  std::int64_t paid = 0;
  std::int64_t refunded = 0;
  bool deadline = false;
  std::int64_t discount = 0;  ///< its coupon's

  /// Its units are the member's, or have been: paid for and not ended.
  [[nodiscard]] bool sold() const {
    return state == "paid" || state == "preparing" || state == "shipped" || state == "delivered" ||
           state == "completed" || state == "refunded";
  }
};

using OrderRows = std::map<OrderOf, OrderRow>;

/// All of them; blames where they cannot be read.
[[nodiscard]] OrderRows order_rows(Findings& out, store::Session& session);

}  // namespace dropline::simulation
