#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/payments_accounts.hpp"
#include "dropline/contracts/payments_commands.hpp"
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
  std::optional<CouponId> coupon;
  std::optional<Money> discount;
  std::optional<Money> due;  ///< what is to be paid, while it is waited for
  std::optional<Timestamp> due_at;
  std::optional<std::string> reference;  ///< what gateway or bank know it by, likewise
  std::optional<contracts::BankAccount> deposit_to;
  bool closing = false;  ///< it is being ended
  std::optional<std::string> carrier;
  std::optional<std::string> waybill;
  std::optional<Timestamp> refundable_until;
  struct RefundView {
    RefundId refund;
    std::string state;
    Money amount;
    std::vector<contracts::RefundLine> lines;
  };
  std::vector<RefundView> refunds;
  std::vector<contracts::TimelineEntry> timeline;
  std::optional<contracts::LogPlace> place;
  Timestamp placed_at;

  [[nodiscard]] std::string json() const;
  void write(contracts::JsonWriter& out) const;
  /// The same and whose it is.
  void write_for_support(contracts::JsonWriter& out) const;

 private:
  void write_fields(contracts::JsonWriter& out) const;
  void write_refunds(contracts::JsonWriter& out) const;
};

[[nodiscard]] OrderView view_of(const ordering::Order& order);

/// What is in the tables: ordering's row; where it has not heard of the order yet, stock's with
/// what payments knows. Absent where nobody has, or where it is not the caller's.
[[nodiscard]] Result<std::optional<OrderView>> find_order_view(store::Session& session,
                                                               const OrderId& id,
                                                               const Caller& caller);

}  // namespace dropline::shop
