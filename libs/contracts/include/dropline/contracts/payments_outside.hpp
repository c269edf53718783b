#pragma once

#include "dropline/contracts/payments_accounts.hpp"
#include "dropline/contracts/payments_commands.hpp"

/// `payments.commands`: what comes from outside, by gateway and bank, and what operators say of it.
/// All signed.
namespace dropline::contracts {

/// A gateway says that something happened to a payment. Nothing is believed of it: payments asks
/// the gateway, and what that answers counts (GatewayAnswered). Keyed by member, who stands in the
/// reference that the gateway was given.
struct GatewayNoticed {
  static constexpr std::string_view kType = "GatewayNoticed";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  ChangeId notice;  ///< one each notice: a copy has the same
  MemberId member;
  std::optional<OrderId> order_id;
  std::optional<ChargeId> charge;
  GatewayOutcome outcome = GatewayOutcome::unknown;  ///< what it says came of it
  std::optional<Money> amount;
  std::optional<std::string> reference;  ///< the gateway's own
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("notice", self.notice);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("charge", self.charge);
    visit("outcome", self.outcome);
    visit("amount", self.amount);
    visit("reference", self.reference, kNameBounds);
    visit("reason", self.reason, kReasonBounds);
  }
  /// Of an order or of a charge.
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return notice.text(); }
  bool operator==(const GatewayNoticed&) const = default;
};

/// A bank says that money came in. Keyed by deposit, whose id follows from the bank's transaction,
/// so that one owner counts it once, whosesoever it is.
struct BankDeposited {
  static constexpr std::string_view kType = "BankDeposited";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  DepositId deposit;
  std::string transaction;  ///< the bank's
  Money amount;
  std::optional<std::string> reference;  ///< what the payer wrote
  std::optional<SealedText> payer;       ///< a BankAccount: where it came from, if the bank says so

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("deposit", self.deposit);
    visit("transaction", self.transaction, kNameBounds);
    visit("amount", self.amount, Bounds{1, kMaxExact});
    visit("reference", self.reference, kReferenceBounds);
    visit("payer", self.payer);
  }
  /// The id is the transaction's.
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return deposit.text(); }
  [[nodiscard]] std::string subject() const { return deposit.text(); }
  bool operator==(const BankDeposited&) const = default;
};

/// Offers a deposit to the order or wallet charge that its payer named, or an operator. From the
/// deposit's owner to the order's; answered DepositTaken, each time it comes and always the same.
struct CreditDeposit {
  static constexpr std::string_view kType = "CreditDeposit";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  DepositId deposit;
  std::int64_t attempt =
      1;  ///< of the deposit: an operator may offer it to one order after another
  MemberId member;
  std::optional<OrderId> order_id;
  std::optional<ChargeId> charge;
  Money amount;
  std::optional<SealedText> payer;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("deposit", self.deposit);
    visit("attempt", self.attempt, kVersionBounds);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("charge", self.charge);
    visit("amount", self.amount, Bounds{1, kMaxExact});
    visit("payer", self.payer);
  }
  /// To an order or to a charge.
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return deposit.text(); }
  bool operator==(const CreditDeposit&) const = default;
};

/// Why less of a deposit was taken than there was.
enum class DepositRefusal {
  unknown_order,  ///< or charge
  not_by_bank,    ///< it is paid by other means
  wrong_currency,
  closed,        ///< it takes no money any more
  too_much,      ///< the rest is more than it costs
  wrong_amount,  ///< a charge takes what it was asked for, or nothing
};
constexpr auto names_of(DepositRefusal) {
  return std::to_array<std::string_view>(
      {"unknown_order", "not_by_bank", "wrong_currency", "closed", "too_much", "wrong_amount"});
}

/// How much of a deposit was taken. From the order's or wallet's owner back to the deposit's, who
/// keeps the rest until it is returned.
struct DepositTaken {
  static constexpr std::string_view kType = "DepositTaken";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  DepositId deposit;
  std::int64_t attempt = 1;
  MemberId member;
  std::optional<OrderId> order_id;
  std::optional<ChargeId> charge;
  Money amount;
  Money taken;
  std::optional<DepositRefusal> reason;  ///< where something is left

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("deposit", self.deposit);
    visit("attempt", self.attempt, kVersionBounds);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("charge", self.charge);
    visit("amount", self.amount, Bounds{1, kMaxExact});
    visit("taken", self.taken);
    visit("reason", self.reason);
  }
  /// No more than there was, and a reason where it is less.
  [[nodiscard]] Status check() const;
  [[nodiscard]] std::string partition_key() const { return deposit.text(); }
  [[nodiscard]] std::string subject() const { return deposit.text(); }
  bool operator==(const DepositTaken&) const = default;
};

/// An operator says whose a deposit is that waits.
struct AssignDeposit {
  static constexpr std::string_view kType = "AssignDeposit";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  DepositId deposit;
  MemberId member;
  OrderId order_id;
  Actor actor;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("deposit", self.deposit);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
  }
  [[nodiscard]] std::string partition_key() const { return deposit.text(); }
  [[nodiscard]] std::string subject() const { return deposit.text(); }
  bool operator==(const AssignDeposit&) const = default;
};

/// An operator sends back what is left of a deposit that waits: to the account given, else to the
/// one it came from.
struct ReturnDeposit {
  static constexpr std::string_view kType = "ReturnDeposit";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  DepositId deposit;
  std::optional<SealedText> account;  ///< a BankAccount
  Actor actor;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("deposit", self.deposit);
    visit("account", self.account);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
  }
  [[nodiscard]] std::string partition_key() const { return deposit.text(); }
  [[nodiscard]] std::string subject() const { return deposit.text(); }
  bool operator==(const ReturnDeposit&) const = default;
};

/// An operator says where money goes back to that waits for an account: a bank payer gave none, or
/// the way that it came is closed.
struct SendReturn {
  static constexpr std::string_view kType = "SendReturn";
  static constexpr std::string_view kTopic = topic::kPaymentsCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  ReturnId money_return;
  MemberId member;
  SealedText account;  ///< a BankAccount
  Actor actor;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("return", self.money_return);
    visit("member", self.member);
    visit("account", self.account);
    visit("actor", self.actor);
    visit("reason", self.reason, kReasonBounds);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return money_return.text(); }
  bool operator==(const SendReturn&) const = default;
};

}  // namespace dropline::contracts
