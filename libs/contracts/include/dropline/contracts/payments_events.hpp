#pragma once

#include "dropline/contracts/payments_commands.hpp"

/// `payments.events`: what happened to money. Keyed by member.
namespace dropline::contracts {

/// Money is expected. Not written where it is taken at once (wallet). Whoever shows the order shows
/// the payer `reference` (card: to give to the gateway; bank: to write into the transfer) and, of a
/// bank transfer, `deposit_to`. Ordering owns deadlines: what it shows as due is its own.
struct PaymentOpened {
  static constexpr std::string_view kType = "PaymentOpened";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  OrderId order_id;
  MemberId member;
  PaymentId payment;
  PaymentMethod method = PaymentMethod::card;
  Money amount;
  std::optional<Timestamp> due_at;
  std::optional<std::string> reference;   ///< what gateway or bank know the order by
  std::optional<BankAccount> deposit_to;  ///< the shop's own account

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("payment", self.payment);
    visit("method", self.method);
    visit("amount", self.amount);
    visit("due_at", self.due_at);
    visit("reference", self.reference, kReferenceBounds);
    visit("deposit_to", self.deposit_to);
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

/// Why money went back without a refund that anyone asked for.
enum class ReturnCause {
  wrong_amount,  ///< the gateway took another than was asked for
  late,          ///< it came after the payment was closed
  surplus,       ///< more than was due
  incomplete,    ///< the payment was closed before all of it had come
  closed,        ///< the payment was closed with money in it
  refund,        ///< as RefundPayment asked
  unmatched,     ///< it was nobody's
};
constexpr auto names_of(ReturnCause) {
  return std::to_array<std::string_view>(
      {"wrong_amount", "late", "surplus", "incomplete", "closed", "refund", "unmatched"});
}

/// Money that no order or wallet holds went back to its payer, or cannot yet (`waits`: for an
/// account, which an operator gives). Said of what payments does by itself; refunds and closings
/// are told by PaymentRefunded and PaymentClosed.
struct MoneyReturned {
  static constexpr std::string_view kType = "MoneyReturned";
  static constexpr std::string_view kTopic = topic::kPaymentsEvents;

  ReturnId money_return;
  MemberId member;
  std::optional<OrderId> order_id;
  std::optional<ChargeId> charge;
  Money amount;
  ReturnCause cause = ReturnCause::late;
  bool waits = false;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("return", self.money_return);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("charge", self.charge);
    visit("amount", self.amount);
    visit("cause", self.cause);
    visit("waits", self.waits);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return money_return.text(); }
  bool operator==(const MoneyReturned&) const = default;
};

}  // namespace dropline::contracts
