#pragma once

#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/deliveries_commands.hpp"
#include "dropline/contracts/payments_commands.hpp"

/// `orders.events`: the public life of an order, keyed by member, one record for each step. An
/// integrator needs no other topic. `version` counts the steps of an order from 1: a reader keeps
/// the highest.
namespace dropline::contracts {

/// What every step tells.
struct OrderStep {
  static constexpr std::string_view kTopic = topic::kOrdersEvents;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  std::int64_t version = 0;
  OrderState state = OrderState::received;  ///< the public state, after this step
  std::vector<PricedLine> lines;
  Money total;
  PaymentChoice payment;
  std::optional<CouponId> coupon;
  std::optional<Money> discount;  ///< the coupon's; total − discount is to be paid
  crypto::Digest body_hash{};
  Timestamp placed_at;
  TimelineEntry entry;
  std::optional<Timestamp> paid_at;  ///< when the money was in; absent: it is not

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("version", self.version, kVersionBounds);
    visit("state", self.state);
    visit("lines", self.lines, kLineBounds);
    visit("total", self.total);
    visit("payment", self.payment);
    visit("coupon", self.coupon);
    visit("discount", self.discount);
    visit("body_hash", self.body_hash);
    visit("placed_at", self.placed_at);
    visit("entry", self.entry);
    visit("paid_at", self.paid_at);
  }
  [[nodiscard]] Status check() const { return check_priced(lines, total); }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const OrderStep&) const = default;
};

/// Units are granted; money comes next. Left out where the money is known at the same moment.
struct OrderReserved final : OrderStep {
  static constexpr std::string_view kType = "OrderReserved";
};

/// A card or bank payer is asked for money, until `due_at`.
struct OrderAwaitingPayment final : OrderStep {
  static constexpr std::string_view kType = "OrderAwaitingPayment";

  std::optional<Timestamp> due_at;
  std::optional<Money> due;               ///< what is to be paid
  std::optional<std::string> reference;   ///< by which gateway or bank know the order
  std::optional<BankAccount> deposit_to;  ///< of a bank transfer: the shop's account

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    OrderStep::fields(self, visit);
    visit("due_at", self.due_at);
    visit("due", self.due);
    visit("reference", self.reference, kReferenceBounds);
    visit("deposit_to", self.deposit_to);
  }
  bool operator==(const OrderAwaitingPayment&) const = default;
};

/// Money will soon be late: to be told to the shopper. No step; its version is the order's last.
struct OrderPaymentDue {
  static constexpr std::string_view kType = "OrderPaymentDue";
  static constexpr std::string_view kTopic = topic::kOrdersEvents;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  std::int64_t version = 0;
  OrderState state = OrderState::awaiting_payment;
  PaymentChoice payment;
  Money due;
  Timestamp due_at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("version", self.version, kVersionBounds);
    visit("state", self.state);
    visit("payment", self.payment);
    visit("due", self.due);
    visit("due_at", self.due_at);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const OrderPaymentDue&) const = default;
};

/// An operator gave it more time: to pay, or to be given back. Its state stays.
struct OrderDeadlineExtended final : OrderStep {
  static constexpr std::string_view kType = "OrderDeadlineExtended";

  Timestamp until;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    OrderStep::fields(self, visit);
    visit("until", self.until);
  }
  bool operator==(const OrderDeadlineExtended&) const = default;
};

/// The money is in. Points, deliveries, rankings and feeds begin here.
struct OrderPaid final : OrderStep {
  static constexpr std::string_view kType = "OrderPaid";

  Money paid;
  std::optional<SealedText> delivery;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    OrderStep::fields(self, visit);
    visit("paid", self.paid);
    visit("delivery", self.delivery);
  }
  bool operator==(const OrderPaid&) const = default;
};

/// Its coupon cannot be had: it ends, before any money was asked for.
struct OrderCouponRefused final : OrderStep {
  static constexpr std::string_view kType = "OrderCouponRefused";

  CouponDecline reason = CouponDecline::unknown_coupon;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    OrderStep::fields(self, visit);
    visit("reason", self.reason);
  }
  bool operator==(const OrderCouponRefused&) const = default;
};

/// Its goods are being made ready.
struct OrderPreparing final : OrderStep {
  static constexpr std::string_view kType = "OrderPreparing";
};

/// Its goods are on their way: it cannot be cancelled any more.
struct OrderShipped final : OrderStep {
  static constexpr std::string_view kType = "OrderShipped";

  std::string carrier;
  std::string waybill;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    OrderStep::fields(self, visit);
    visit("carrier", self.carrier, kCarrierBounds);
    visit("waybill", self.waybill, kWaybillBounds);
  }
  bool operator==(const OrderShipped&) const = default;
};

/// Its goods have arrived: until `refundable_until` they can be given back.
struct OrderDelivered final : OrderStep {
  static constexpr std::string_view kType = "OrderDelivered";

  Timestamp refundable_until;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    OrderStep::fields(self, visit);
    visit("refundable_until", self.refundable_until);
  }
  bool operator==(const OrderDelivered&) const = default;
};

/// Nothing follows: what is kept is kept.
struct OrderCompleted final : OrderStep {
  static constexpr std::string_view kType = "OrderCompleted";
};

/// No money came.
struct OrderPaymentFailed final : OrderStep {
  static constexpr std::string_view kType = "OrderPaymentFailed";
};

/// No money came in time.
struct OrderExpired final : OrderStep {
  static constexpr std::string_view kType = "OrderExpired";
};

/// Ended before it was shipped; what had been paid went back (`refunded`, zero where nothing had).
struct OrderCancelled final : OrderStep {
  static constexpr std::string_view kType = "OrderCancelled";

  Money refunded;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    OrderStep::fields(self, visit);
    visit("refunded", self.refunded);
  }
  bool operator==(const OrderCancelled&) const = default;
};

/// What both refunds tell.
struct OrderRefundStep : OrderStep {
  RefundId refund;
  Money refunded;        ///< now
  Money refunded_total;  ///< of all refunds, this one counted
  std::vector<RefundLine> refunded_lines;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    OrderStep::fields(self, visit);
    visit("refund", self.refund);
    visit("refunded", self.refunded);
    visit("refunded_total", self.refunded_total);
    visit("refunded_lines", self.refunded_lines, kLineBounds);
  }
  [[nodiscard]] Status check() const {
    if (auto status = OrderStep::check(); !status) return status;
    return check_refund(refunded_lines, refunded);
  }
  bool operator==(const OrderRefundStep&) const = default;
};
/// Part of the order went back; its state stays.
struct OrderPartlyRefunded final : OrderRefundStep {
  static constexpr std::string_view kType = "OrderPartlyRefunded";
};
/// All of it went back.
struct OrderRefunded final : OrderRefundStep {
  static constexpr std::string_view kType = "OrderRefunded";
};

/// Stock granted nothing: the lines have no price.
struct OrderRejected {
  static constexpr std::string_view kType = "OrderRejected";
  static constexpr std::string_view kTopic = topic::kOrdersEvents;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  std::int64_t version = 0;
  OrderState state = OrderState::rejected;
  RejectReason reason = RejectReason::internal_error;
  std::optional<Sku> sku;
  std::vector<OrderLine> lines;
  PaymentChoice payment;
  crypto::Digest body_hash{};
  Timestamp placed_at;
  TimelineEntry entry;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("version", self.version, kVersionBounds);
    visit("state", self.state);
    visit("reason", self.reason);
    visit("sku", self.sku);
    visit("lines", self.lines, kLineBounds);
    visit("payment", self.payment);
    visit("body_hash", self.body_hash);
    visit("placed_at", self.placed_at);
    visit("entry", self.entry);
  }
  [[nodiscard]] Status check() const { return check_lines(lines); }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const OrderRejected&) const = default;
};

enum class OrderRefusal {
  unknown_order,
  wrong_state,  ///< the table does not allow it; `state` says which one the order is in
  already_shipped,
  too_late,
  already_asked,   ///< another cancellation or refund is under way
  wrong_lines,     ///< not in the order, or more than is left
  money_missing,   ///< payments could not give it back
  account_needed,  ///< it was paid by bank transfer: an account to give it back to is missing
  too_many,        ///< refunds of one order
};
constexpr auto names_of(OrderRefusal) {
  return std::to_array<std::string_view>({"unknown_order", "wrong_state", "already_shipped",
                                          "too_late", "already_asked", "wrong_lines",
                                          "money_missing", "account_needed", "too_many"});
}

/// A cancellation or refund did not happen; the order is as it was.
struct OrderChangeRefused {
  static constexpr std::string_view kType = "OrderChangeRefused";
  static constexpr std::string_view kTopic = topic::kOrdersEvents;

  OrderId order_id;
  MemberId member;
  std::string command;  ///< its type
  std::optional<ChangeId> change;
  std::optional<RefundId> refund;
  OrderRefusal reason = OrderRefusal::wrong_state;
  std::optional<OrderState> state;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("command", self.command, kNameBounds);
    visit("change", self.change);
    visit("refund", self.refund);
    visit("reason", self.reason);
    visit("state", self.state);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const OrderChangeRefused&) const = default;
};

}  // namespace dropline::contracts
