#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "dropline/contracts/payments_commands.hpp"
#include "dropline/contracts/payments_events.hpp"
#include "dropline/contracts/stock_events.hpp"

/// What becomes of money: the rules, without a clock, a database or a stream. Money comes in by a
/// captured charge and by nothing else; it moves between accounts in transfers whose entries sum to
/// zero, so none is made or lost.
///
/// Every row belongs to a member, and what names another member's row names nothing: records are
/// keyed by member, so a row has one owner.
namespace dropline::payments {

/// From a member's wallet (theirs) money is held for orders (the shop's, as long as it is not
/// refunded). `gateway` is what gateways and banks owe the shop: it goes below zero by what came
/// from there, so that all accounts sum to zero.
enum class AccountName { wallet, held, gateway };
constexpr auto names_of(AccountName) {
  return std::to_array<std::string_view>({"wallet", "held", "gateway"});
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
enum class TransferKind { charge, capture, refund, close };
constexpr auto names_of(TransferKind) {
  return std::to_array<std::string_view>({"charge", "capture", "refund", "close"});
}

/// One side of a transfer. The entries of one (member, transfer) sum to zero.
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
  Timestamp at;  ///< of the last change

  [[nodiscard]] Money held() const { return {captured - refunded, amount.currency}; }
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

  std::set<MemberId> wallets_changed;
  std::set<PaymentKey> payments_changed;
  std::vector<Refund> refunds_new;
  std::set<ChargeKey> charges_changed;
  std::vector<Entry> entries;  ///< new
};

/// The shop's own terms, from config. Charges of another currency are declined.
struct Terms {
  Money minimum_charge{1'000, {}};
  Money maximum_charge{2'000'000, {}};
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
[[nodiscard]] OpenAnswer open(Book& book, const contracts::StockReserved& order,
                              const Moment& moment);
[[nodiscard]] OpenAnswer open(Book& book, const contracts::OpenPayment& command,
                              const Moment& moment);

using CloseAnswer = std::variant<contracts::PaymentClosed, contracts::PaymentCaptured>;

/// Takes no money from now on and gives back what is held. A captured payment that is to expire
/// stays: the order is paid. Every closing is answered, with the cause of the first.
[[nodiscard]] CloseAnswer close(Book& book, const Terms& terms,
                                const contracts::ClosePayment& command, const Moment& moment);

/// Nothing is answered where that refund was made or refused before.
using RefundAnswer =
    std::variant<std::monostate, contracts::PaymentRefunded, contracts::RefundRefused>;

/// Gives back up to what is held.
[[nodiscard]] RefundAnswer refund(Book& book, const contracts::RefundPayment& command,
                                  const Moment& moment);

/// Nothing is answered while the outcome is open, or where it was told before.
using ChargeAnswer =
    std::variant<std::monostate, contracts::WalletCharged, contracts::WalletChargeDeclined>;

/// Notes that a member wants to fill the wallet; moves nothing. Declines what is outside the terms.
[[nodiscard]] ChargeAnswer request(Book& book, const Terms& terms,
                                   const contracts::ChargeWallet& command, const Moment& moment);

/// Credits a charge that the gateway captured, or declines it: once a charge. `answer` names a
/// charge, and an amount where it says `captured` (ensured). Outcomes other than `captured` and
/// `declined` change nothing.
[[nodiscard]] ChargeAnswer settle(Book& book, const Terms& terms,
                                  const contracts::GatewayAnswered& answer, const Moment& moment);

}  // namespace dropline::payments
