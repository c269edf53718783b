#pragma once

#include "dropline/contracts/payments_commands.hpp"

/// `payments.events`: what happened to money. Keyed by member.
namespace dropline::contracts {

/// Money is expected until `due_at`. Not written where it is taken at once (wallet).
struct PaymentOpened {
  static constexpr std::string_view kType = "PaymentOpened";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  OrderId order_id;
  MemberId member;
  PaymentId payment;
  PaymentMethod method = PaymentMethod::card;
  Money amount;
  std::optional<Timestamp> due_at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("payment", self.payment);
    visit("method", self.method);
    visit("amount", self.amount);
    visit("due_at", self.due_at);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const PaymentOpened&) const = default;
};

/// The whole amount is in.
struct PaymentCaptured {
  static constexpr std::string_view kType = "PaymentCaptured";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  OrderId order_id;
  MemberId member;
  PaymentId payment;
  PaymentMethod method = PaymentMethod::wallet;
  Money amount;
  Timestamp at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("payment", self.payment);
    visit("method", self.method);
    visit("amount", self.amount);
    visit("at", self.at);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const PaymentCaptured&) const = default;
};

enum class DeclineReason {
  insufficient_funds,
  wrong_currency,  ///< the wallet is of another
  declined,        ///< by the gateway
  wrong_amount,    ///< the gateway took another one
  below_minimum,
  above_maximum,
};
constexpr auto names_of(DeclineReason) {
  return std::to_array<std::string_view>({"insufficient_funds", "wrong_currency", "declined",
                                          "wrong_amount", "below_minimum", "above_maximum"});
}

/// No money came and none will: the payment is closed too.
struct PaymentDeclined {
  static constexpr std::string_view kType = "PaymentDeclined";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  OrderId order_id;
  MemberId member;
  PaymentId payment;
  PaymentMethod method = PaymentMethod::wallet;
  Money amount;
  DeclineReason reason = DeclineReason::declined;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("payment", self.payment);
    visit("method", self.method);
    visit("amount", self.amount);
    visit("reason", self.reason);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const PaymentDeclined&) const = default;
};

/// The order will never take money again and holds none: what had been captured went back, all of
/// it
/// (`refunded`, zero where nothing had). Only now may units and coupon be released.
struct PaymentClosed {
  static constexpr std::string_view kType = "PaymentClosed";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  OrderId order_id;
  MemberId member;
  EndCause cause = EndCause::cancelled;
  Money refunded;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("cause", self.cause);
    visit("refunded", self.refunded);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const PaymentClosed&) const = default;
};

/// Money went back.
struct PaymentRefunded {
  static constexpr std::string_view kType = "PaymentRefunded";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  RefundId refund;
  OrderId order_id;
  MemberId member;
  PaymentId payment;
  PaymentMethod method = PaymentMethod::wallet;
  Money amount;
  Money refunded_total;  ///< of all refunds of the order, this one counted
  bool whole = false;    ///< nothing is left to give back
  std::vector<RefundLine> lines;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("refund", self.refund);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("payment", self.payment);
    visit("method", self.method);
    visit("amount", self.amount);
    visit("refunded_total", self.refunded_total);
    visit("whole", self.whole);
    visit("lines", self.lines, kLineBounds);
  }
  [[nodiscard]] Status check() const { return check_refund(lines, amount); }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const PaymentRefunded&) const = default;
};

enum class RefundRefusal { not_captured, more_than_captured, unknown_order, closed };
constexpr auto names_of(RefundRefusal) {
  return std::to_array<std::string_view>(
      {"not_captured", "more_than_captured", "unknown_order", "closed"});
}

struct RefundRefused {
  static constexpr std::string_view kType = "RefundRefused";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  RefundId refund;
  OrderId order_id;
  MemberId member;
  RefundRefusal reason = RefundRefusal::not_captured;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("refund", self.refund);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("reason", self.reason);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const RefundRefused&) const = default;
};

/// The wallet was credited.
struct WalletCharged {
  static constexpr std::string_view kType = "WalletCharged";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  ChargeId charge;
  MemberId member;
  Money amount;
  Money balance;  ///< after it
  Timestamp at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("charge", self.charge);
    visit("member", self.member);
    visit("amount", self.amount);
    visit("balance", self.balance);
    visit("at", self.at);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return charge.text(); }
  bool operator==(const WalletCharged&) const = default;
};

struct WalletChargeDeclined {
  static constexpr std::string_view kType = "WalletChargeDeclined";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  ChargeId charge;
  MemberId member;
  Money amount;
  DeclineReason reason = DeclineReason::declined;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("charge", self.charge);
    visit("member", self.member);
    visit("amount", self.amount);
    visit("reason", self.reason);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return charge.text(); }
  bool operator==(const WalletChargeDeclined&) const = default;
};

}  // namespace dropline::contracts
