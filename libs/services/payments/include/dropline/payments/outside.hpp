#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/payments_outside.hpp"

/// Money that is not in our hands: what is asked of gateways and banks, what came in by a bank, and
/// what goes back.
namespace dropline::payments {

/// What a call to a gateway or bank is for.
enum class ErrandKind {
  ask,     ///< what became of the payment with that reference?
  cancel,  ///< capture nothing under that reference any more; or say that you have
  refund,  ///< give that amount back
  payout,  ///< pay that amount to the account
};
constexpr auto names_of(ErrandKind) {
  return std::to_array<std::string_view>({"ask", "cancel", "refund", "payout"});
}

/// A call to be made: the request of a call row. Its id is the provider's idempotency key; it
/// follows from what the call is for, so that a repeated batch asks the same thing.
struct Errand {
  contracts::ChangeId call;
  ErrandKind kind = ErrandKind::ask;
  MemberId owner;  ///< whose shard it is; of a deposit that is nobody's, the deposit
  std::optional<OrderId> order;
  std::optional<ChargeId> charge;
  std::optional<contracts::ReturnId> money_return;
  Money amount;           ///< expected, or to be moved
  std::string reference;  ///< by which the gateway knows the payment
  std::optional<contracts::SealedText> account;
  Timestamp since;  ///< first wanted
  Timestamp due;
  std::int64_t patience = 0;  ///< how slowly it is repeated while there is no answer, see CallTerms

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("call", self.call);
    visit("kind", self.kind);
    visit("owner", self.owner);
    visit("order", self.order);
    visit("charge", self.charge);
    visit("return", self.money_return);
    visit("amount", self.amount);
    visit("reference", self.reference, contracts::kReferenceBounds);
    visit("account", self.account);
    visit("since", self.since);
  }
  bool operator==(const Errand&) const = default;
};

/// What gateway or bank answered an errand: the body of a call's answer.
struct GatewayReply {
  /// `unknown`: nothing has happened yet that would last; it is asked again.
  contracts::GatewayOutcome outcome = contracts::GatewayOutcome::unknown;
  std::optional<Money> amount;           ///< as captured
  std::optional<std::string> reference;  ///< the other side's own
  std::optional<std::string> reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("outcome", self.outcome);
    visit("amount", self.amount);
    visit("reference", self.reference, contracts::kNameBounds);
    visit("reason", self.reason, contracts::kReasonBounds);
  }
  bool operator==(const GatewayReply&) const = default;
};

/// By which way money goes back.
enum class ReturnWay { gateway, bank };
constexpr auto names_of(ReturnWay) {
  return std::to_array<std::string_view>({"gateway", "bank"});
}

enum class ReturnState {
  sent,   ///< gateway or bank have been, or are being, asked
  waits,  ///< for an account, which an operator gives
  done,
};
constexpr auto names_of(ReturnState) {
  return std::to_array<std::string_view>({"sent", "waits", "done"});
}

struct ReturnKey {
  contracts::ReturnId id;
  MemberId owner;  ///< as in Errand
  auto operator<=>(const ReturnKey&) const = default;
};

/// Money on its way back. It stands in the ledger's account `returning` until it is done.
struct Return {
  ReturnKey key;
  std::optional<MemberId> member;  ///< who is told; absent: of a deposit that is nobody's
  std::optional<OrderId> order;
  std::optional<ChargeId> charge;
  std::optional<RefundId> refund;
  std::optional<contracts::DepositId> deposit;
  Money amount;
  contracts::ReturnCause cause = contracts::ReturnCause::late;
  ReturnWay way = ReturnWay::gateway;
  ReturnState state = ReturnState::sent;
  std::int64_t attempt = 1;  ///< another account, another call
  std::string reference;
  std::optional<contracts::SealedText> account;
  std::string told;  ///< the PaymentRefunded to be said once it is done, or empty
  std::optional<std::string> reason;
  std::optional<std::string> actor;  ///< who gave the account
  Timestamp made_at;
  Timestamp at;
};

enum class DepositState {
  offered,  ///< to an order or charge, whose owner has not answered yet
  waits,    ///< in the queue, for an operator
  done,     ///< taken, or on its way back
};
constexpr auto names_of(DepositState) {
  return std::to_array<std::string_view>({"offered", "waits", "done"});
}

/// Money that a bank said came in: one row a transaction for ever. What is neither taken nor sent
/// back stands in the ledger's account `suspense`.
struct Deposit {
  contracts::DepositId key;
  std::string transaction;
  Money amount;
  std::optional<std::string> reference;
  std::optional<contracts::SealedText> payer;
  DepositState state = DepositState::waits;
  std::int64_t attempt = 0;
  std::int64_t taken = 0;
  std::int64_t returned = 0;
  std::optional<MemberId> member;  ///< to whom it was offered last
  std::optional<OrderId> order;
  std::optional<ChargeId> charge;
  std::optional<contracts::DepositRefusal> refusal;
  std::optional<std::string> actor;  ///< of the operator's last word
  std::optional<std::string> reason;
  Timestamp made_at;
  Timestamp at;

  [[nodiscard]] Money rest() const { return {amount.minor - taken - returned, amount.currency}; }
};

struct CreditKey {
  contracts::DepositId deposit;
  std::int64_t attempt = 1;
  MemberId member;
  auto operator<=>(const CreditKey&) const = default;
};
/// What was taken of a deposit, so that it is taken once.
struct Credit {
  CreditKey key;
  std::optional<OrderId> order;
  std::optional<ChargeId> charge;
  Money amount;
  std::int64_t taken = 0;
  std::optional<contracts::DepositRefusal> refusal;
  Timestamp at;
};

// Names of calls and returns.
[[nodiscard]] contracts::ChangeId call_id(ErrandKind kind, const Uuid& about, std::int64_t attempt);
/// Money under a reference that nobody holds: at most one return an order or charge.
[[nodiscard]] contracts::ReturnId stray_id(const Uuid& about);
[[nodiscard]] contracts::ReturnId closing_id(const OrderId& order);
[[nodiscard]] contracts::ReturnId refund_id(const RefundId& refund);
[[nodiscard]] contracts::ReturnId rest_id(const contracts::DepositId& deposit,
                                          std::int64_t attempt);

}  // namespace dropline::payments
