#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/payments_accounts.hpp"
#include "dropline/contracts/topics.hpp"

/// `payments.commands`, keyed by member, all signed: no record that anybody may write moves money.
namespace dropline::contracts {

/// Asks for a payment of an order whose amount stock's fact does not give: one with a coupon.
struct OpenPayment {
  static constexpr std::string_view kType = "OpenPayment";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  OrderId order_id;
  MemberId member;
  std::optional<DropId> drop;
  Money amount;
  PaymentChoice payment;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("drop", self.drop);
    visit("amount", self.amount);
    visit("payment", self.payment);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const OpenPayment&) const = default;
};

/// Takes no more money for the order. May come before the payment opens. Answered PaymentClosed,
/// unless `cause` is `expired` and the money is in already: then the order is paid
/// (PaymentCaptured). Of a card the gateway is asked first, however long that takes; of a bank
/// transfer what goes back may still be under way when PaymentClosed is said.
struct ClosePayment {
  static constexpr std::string_view kType = "ClosePayment";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  OrderId order_id;
  MemberId member;
  EndCause cause = EndCause::cancelled;
  Actor actor;
  std::optional<std::string> reason;
  /// Where a bank payer's money goes back to: a BankAccount by seal_account(). Without it the
  /// account that it came from, where the bank told; else it waits for an operator.
  std::optional<SealedText> account;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("cause", self.cause);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
    visit("account", self.account);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const ClosePayment&) const = default;
};

struct RefundLine {
  Sku sku;
  std::int32_t quantity = 0;
  Money amount;  ///< of this line and quantity, discounts taken off

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("sku", self.sku);
    visit("quantity", self.quantity, Bounds{1, kMaxQuantity});
    visit("amount", self.amount);
  }
  bool operator==(const RefundLine&) const = default;
};

/// The lines' amounts sum to `amount` in one currency, no SKU comes twice.
[[nodiscard]] Status check_refund(const std::vector<RefundLine>& lines, const Money& amount);

/// Gives money back, once for each refund id. Answered RefundRefused or PaymentRefunded: of a card
/// once the gateway has done it, of a wallet and of a bank transfer at once (what a bank then does
/// is tried until it is done).
struct RefundPayment {
  static constexpr std::string_view kType = "RefundPayment";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  RefundId refund;
  OrderId order_id;
  MemberId member;
  Money amount;
  std::vector<RefundLine> lines;
  Actor actor;
  std::string reason;
  std::optional<SealedText> account;  ///< as in ClosePayment

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("refund", self.refund);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("amount", self.amount);
    visit("lines", self.lines, kLineBounds);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
    visit("account", self.account);
  }
  [[nodiscard]] Status check() const { return check_refund(lines, amount); }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const RefundPayment&) const = default;
};

enum class ChargeMethod { card, deposit };
constexpr auto names_of(ChargeMethod) {
  return std::to_array<std::string_view>({"card", "deposit"});
}

/// Asks to fill the member's wallet. Moves nothing itself: the wallet is credited when the gateway
/// or the bank has the money.
struct ChargeWallet {
  static constexpr std::string_view kType = "ChargeWallet";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  ChargeId charge;
  MemberId member;
  Money amount;
  ChargeMethod method = ChargeMethod::card;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("charge", self.charge);
    visit("member", self.member);
    visit("amount", self.amount, Bounds{1, kMaxExact});
    visit("method", self.method);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return charge.text(); }
  bool operator==(const ChargeWallet&) const = default;
};

enum class GatewayOutcome {
  captured,
  declined,  ///< no money came, and under this reference none will
  refunded,  ///< or paid out: the money went back
  unknown,
  voided,   ///< nothing was captured, and nothing will be
  refused,  ///< it will not give the money back this way
};
constexpr auto names_of(GatewayOutcome) {
  return std::to_array<std::string_view>(
      {"captured", "declined", "refunded", "unknown", "voided", "refused"});
}

/// What a call to a gateway or bank brought: written by the owner of the call row that asked for
/// it. A call whose outcome is not known brings none; it is made again.
struct GatewayAnswered {
  static constexpr std::string_view kType = "GatewayAnswered";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  ChangeId call;    ///< the call row, and the provider's idempotency key
  MemberId member;  ///< of a deposit that is nobody's: the deposit's id, so that it has an owner
  std::optional<OrderId> order_id;
  std::optional<ChargeId> charge;
  GatewayOutcome outcome = GatewayOutcome::unknown;
  std::optional<Money> amount;
  std::optional<std::string> reference;  ///< the gateway's own
  std::optional<std::string> reason;
  std::optional<ReturnId> money_return;  ///< what went back, or would not

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("call", self.call);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("charge", self.charge);
    visit("outcome", self.outcome);
    visit("amount", self.amount);
    visit("reference", self.reference, kNameBounds);
    visit("reason", self.reason, kReasonBounds);
    visit("return", self.money_return);
  }
  /// Of an order or a charge; of a return, whose order or charge may be given too.
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return call.text(); }
  bool operator==(const GatewayAnswered&) const = default;
};

}  // namespace dropline::contracts
