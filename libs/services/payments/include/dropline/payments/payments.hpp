#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/payments_outside.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/payments/outside.hpp"

/// What becomes of money: the rules, without a clock, a database or a stream. Money comes in by a
/// captured charge and by nothing else; it moves between accounts in transfers whose entries sum to
/// zero, so none is made or lost.
///
/// Every row belongs to a member, and what names another member's row names nothing: records are
/// keyed by member, so a row has one owner.
namespace dropline::payments {

/// From a member's wallet (theirs) money is held for orders (the shop's, as long as it is not
/// refunded). `gateway` and `bank` go below zero by what came from there and did not go back, so
/// that all accounts sum to zero and each can be compared with the other side's books.
enum class AccountName {
  wallet,
  held,
  gateway,
  bank,
  suspense,   ///< deposits that nobody has taken
  partial,    ///< taken for orders that are not paid in full
  returning,  ///< owed to payers: on its way back
};
constexpr auto names_of(AccountName) {
  return std::to_array<std::string_view>(
      {"wallet", "held", "gateway", "bank", "suspense", "partial", "returning"});
}

/// A member's wallet, of the currency of its first charge.
struct Wallet {
  MemberId member;
  Currency currency;
  std::int64_t balance = 0;  ///< never below zero
  std::int64_t charged = 0;  ///< ever; at most kMaxExact, so that no sum of theirs can be more
  std::int64_t transfers = 0;
  std::int32_t shard = 0;
  Timestamp at;  ///< of the last transfer
};

/// What a transfer was made for, and what its reference is the id of.
enum class TransferKind {
  charge,
  capture,
  refund,
  close,
  deposit,   ///< a bank's money came in; the deposit
  credit,    ///< some of it was taken; the order or charge
  stray,     ///< it belongs to nobody and is to go back; the order, charge or deposit
  returned,  ///< it went back; the return
};
constexpr auto names_of(TransferKind) {
  return std::to_array<std::string_view>(
      {"charge", "capture", "refund", "close", "deposit", "credit", "stray", "returned"});
}

/// One side of a transfer. The entries of one (member, transfer) sum to zero.
///
/// Whose transfer it is, `member` says: of a wallet the member, and transfers count up from 1.
/// Money that passes no wallet is counted by what it is moved for, so that no member's orders wait
/// for one number:
///
///   an order    1 gateway or partial → held
///   a deposit   1 bank → suspense; 2 × attempt: suspense → partial or wallet (of a wallet: the
///               member's own next number)
///   a return    1 held, partial, gateway or suspense → returning; 2 returning → gateway or bank
struct Entry {
  MemberId member;
  AccountName account = AccountName::wallet;
  std::int64_t transfer = 0;  ///< counts up from 1 within a member
  TransferKind kind = TransferKind::charge;
  Uuid reference;  ///< charge: the charge; capture and close: the order; refund: the refund
  Money amount;    ///< into the account; below zero: out of it
  std::optional<std::int64_t> balance;  ///< of the wallet, after it
  std::int32_t shard = 0;
  Timestamp at;
};

enum class PaymentState { open, captured, closed };
constexpr auto names_of(PaymentState) {
  return std::to_array<std::string_view>({"open", "captured", "closed"});
}

struct PaymentKey {
  OrderId order;
  MemberId member;
  auto operator<=>(const PaymentKey&) const = default;
};

/// The one payment of an order. `open → captured → closed`, or closed with nothing taken.
struct Payment {
  PaymentKey key;
  std::optional<DropId> drop;
  /// Absent: it was closed before it opened, and what it would have cost is not known.
  std::optional<contracts::PaymentMethod> method;
  PaymentState state = PaymentState::open;
  Money amount;
  std::int64_t captured = 0;                         ///< 0 or the amount
  std::int64_t refunded = 0;                         ///< of it; all of it once closed
  std::optional<contracts::EndCause> cause;          ///< why it was closed
  std::optional<contracts::DeclineReason> declined;  ///< where no money was to be had
  Timestamp opened_at;                               ///< or closed, where that came first
  std::optional<Timestamp> captured_at;
  Timestamp at;               ///< of the last change
  std::int64_t received = 0;  ///< by bank, while it is not all
  std::int64_t sending = 0;   ///< of what was captured: the gateway is giving it back
  /// It is being closed, and the gateway has not said yet what becomes of its money.
  std::optional<contracts::EndCause> closing;
  std::optional<contracts::SealedText> account;  ///< where a bank payer's money goes back to

  [[nodiscard]] Money held() const { return {captured - refunded - sending, amount.currency}; }
};

struct RefundKey {
  RefundId refund;
  MemberId member;
  auto operator<=>(const RefundKey&) const = default;
};
/// Refunds made and refused, so that each is once.
struct Refund {
  RefundKey key;
  OrderId order;
  Money amount;
  std::optional<contracts::RefundRefusal> refused;
  Timestamp at;
};

enum class ChargeState { requested, captured, declined };
constexpr auto names_of(ChargeState) {
  return std::to_array<std::string_view>({"requested", "captured", "declined"});
}

struct ChargeKey {
  ChargeId charge;
  MemberId member;
  auto operator<=>(const ChargeKey&) const = default;
};
struct Charge {
  ChargeKey key;
  std::optional<contracts::ChargeMethod> method;  ///< absent: the gateway's word came first
  ChargeState state = ChargeState::requested;
  Money amount;  ///< asked for; where only the gateway's word is known, what it took
  std::optional<contracts::DeclineReason> declined;
  Timestamp at;
};

/// The rows that a batch needs, and which of them it changed. Whoever calls a rule must have
/// loaded: its member's wallet, and the payment, refund or charge that it names.
struct Book {
  std::map<MemberId, Wallet> wallets;
  std::map<PaymentKey, Payment> payments;
  std::map<RefundKey, Refund> refunds;
  std::map<ChargeKey, Charge> charges;
  std::map<ReturnKey, Return> returns;
  std::map<contracts::DepositId, Deposit> deposits;
  std::map<CreditKey, Credit> credits;

  std::set<MemberId> wallets_changed;
  std::set<PaymentKey> payments_changed;
  std::vector<Refund> refunds_new;
  std::set<ChargeKey> charges_changed;
  std::vector<Entry> entries;  ///< new
  std::set<ReturnKey> returns_changed;
  std::set<contracts::DepositId> deposits_changed;
  std::vector<Credit> credits_new;
  std::vector<std::pair<std::int32_t, Errand>> errands;  ///< new or wanted again, by shard
};

/// The shop's own terms, from config. Charges of another currency are declined.
struct Terms {
  Money minimum_charge{1'000, {}};
  Money maximum_charge{2'000'000, {}};
  /// The gateway is asked before anything that it says counts. Without a gateway to ask (a shop to
  /// develop against), a correctly signed notice is believed, and what goes back is gone at once.
  bool asks = false;
  /// A card that is being paid is asked for unprompted after this: its notice may be lost.
  std::chrono::seconds ask_after{60};
  /// What the payer of a bank transfer is shown.
  std::optional<contracts::BankAccount> deposit_to{};
};

/// When the log took the record, and the shard that judges it.
struct Moment {
  Timestamp at;
  std::int32_t shard = 0;
};

/// The payment's id is its order's: an order has one payment for ever.
[[nodiscard]] inline PaymentId payment_id(const OrderId& order) {
  return PaymentId(order.uuid());
}

/// Nothing is answered where it was opened before, or closed first.
using OpenAnswer = std::variant<std::monostate, contracts::PaymentOpened,
                                contracts::PaymentCaptured, contracts::PaymentDeclined>;

/// Takes what the order costs from the wallet, or declines; of another method the payment waits.
/// Nothing to pay is captured at once. An order with a coupon waits for OpenPayment.
[[nodiscard]] OpenAnswer open(Book& book, const Terms& terms, const contracts::StockReserved& order,
                              const Moment& moment);
[[nodiscard]] OpenAnswer open(Book& book, const Terms& terms, const contracts::OpenPayment& command,
                              const Moment& moment);

/// What is said, in this order. A deposit's owner and an order's speak by commands.
using Said =
    std::variant<contracts::PaymentCaptured, contracts::PaymentDeclined, contracts::PaymentClosed,
                 contracts::PaymentRefunded, contracts::RefundRefused, contracts::MoneyReturned,
                 contracts::WalletCharged, contracts::WalletChargeDeclined,
                 contracts::CreditDeposit, contracts::DepositTaken>;
using Answers = std::vector<Said>;

/// Takes no money from now on and gives back what is held. A captured payment that is to expire
/// stays: the order is paid. Every closing is answered, with the cause of the first; of a card once
/// the gateway has said that nothing will be captured, or has given back what was.
[[nodiscard]] Answers close(Book& book, const Terms& terms, const contracts::ClosePayment& command,
                            const Moment& moment);

/// Gives back up to what is held. Nothing is answered where that refund was made or refused before,
/// and of a card not before the gateway has given it back.
[[nodiscard]] Answers refund(Book& book, const Terms& terms,
                             const contracts::RefundPayment& command, const Moment& moment);

/// Nothing is answered while the outcome is open, or where it was told before.
using ChargeAnswer =
    std::variant<std::monostate, contracts::WalletCharged, contracts::WalletChargeDeclined>;

/// Notes that a member wants to fill the wallet; moves nothing. Declines what is outside the terms.
[[nodiscard]] ChargeAnswer request(Book& book, const Terms& terms,
                                   const contracts::ChargeWallet& command, const Moment& moment);

/// A gateway says that something happened: it is asked, or believed where there is none to ask.
[[nodiscard]] Answers notice(Book& book, const Terms& terms,
                             const contracts::GatewayNoticed& notice, const Moment& moment);

/// What a gateway or bank answered. A captured answer has an amount (ensured).
///   about a charge: credits it, or declines it, once a charge
///   about an order: captures, declines or closes its payment
///   about a return: it is done, or waits for an operator
/// What was captured and belongs to nobody (another amount, after closing) goes back.
[[nodiscard]] Answers settle(Book& book, const Terms& terms,
                             const contracts::GatewayAnswered& answer, const Moment& moment);

/// A bank's money came in: it is offered to whom its reference names, or waits. Once a deposit.
[[nodiscard]] Answers deposit(Book& book, const contracts::BankDeposited& message,
                              const Moment& moment);
/// An order or wallet takes what it is due of a deposit; always the same answer.
[[nodiscard]] Answers credit(Book& book, const Terms& terms,
                             const contracts::CreditDeposit& command, const Moment& moment);
/// What is left of a deposit goes back where it came too late or was too much and the bank said
/// where it came from; else it waits.
[[nodiscard]] Answers taken(Book& book, const Terms& terms, const contracts::DepositTaken& answer,
                            const Moment& moment);
/// Operators' words. Those that do not fit what waits change nothing.
[[nodiscard]] Answers assign(Book& book, const contracts::AssignDeposit& command,
                             const Moment& moment);
[[nodiscard]] Answers send_back(Book& book, const Terms& terms,
                                const contracts::ReturnDeposit& command, const Moment& moment);
[[nodiscard]] Answers send_back(Book& book, const Terms& terms,
                                const contracts::SendReturn& command, const Moment& moment);

}  // namespace dropline::payments
