#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dropline/contracts/parts.hpp"
#include "dropline/shop/board.hpp"
#include "dropline/shop/caller.hpp"
#include "dropline/store/database.hpp"

namespace dropline::ordering {
struct Order;
}

namespace dropline::shop {

/// An order as its member sees it, from whichever service knows most of it by now.
struct OrderView {
  OrderId id;
  MemberId member;
  contracts::OrderState state = contracts::OrderState::received;
  std::optional<std::string> reason;
  std::optional<DropId> drop;
  std::vector<contracts::PricedLine> lines;       ///< granted
  std::vector<contracts::OrderLine> asked_lines;  ///< where nothing was
  std::optional<Money> total;
  std::optional<contracts::PaymentMethod> method;
  std::optional<Money> paid;
  std::optional<Money> refunded;
  std::optional<Timestamp> due_at;
  std::vector<contracts::TimelineEntry> timeline;
  std::optional<contracts::LogPlace> place;
  Timestamp placed_at;

  [[nodiscard]] std::string json() const;
  void write(contracts::JsonWriter& out) const;
};

[[nodiscard]] OrderView view_of(const ordering::Order& order);

/// What is in the tables: ordering's row; where it has not heard of the order yet, stock's with
/// what payments knows. Absent where nobody has, or where it is not the caller's.
[[nodiscard]] Result<std::optional<OrderView>> find_order_view(store::Session& session,
                                                               const OrderId& id,
                                                               const Caller& caller);

}  // namespace dropline::shop
