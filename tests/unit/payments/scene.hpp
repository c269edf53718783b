#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "dropline/payments/payments.hpp"

/// Short names for members, orders and messages, and answers as words.
namespace dropline::payments::testing {

using namespace contracts;  // NOLINT: tests of rules speak of little else

template <class Id>
Id numbered(std::uint8_t kind, std::uint32_t number) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  uuid.bytes[6] = 0x80;
  uuid.bytes[8] = 0x80;
  for (std::size_t i = 0; i < 4; ++i)
    uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return Id(uuid);
}
inline MemberId member(std::uint32_t number) {
  return numbered<MemberId>(1, number);
}
inline OrderId order(std::uint32_t number) {
  return numbered<OrderId>(2, number);
}
inline ChargeId charge(std::uint32_t number) {
  return numbered<ChargeId>(3, number);
}
inline RefundId refund_id(std::uint32_t number) {
  return numbered<RefundId>(4, number);
}
inline Money won(std::int64_t amount) {
  return {amount, Currency::parse("KRW").value()};
}
inline Money usd(std::int64_t amount) {
  return {amount, Currency::parse("USD").value()};
}

inline const Timestamp kNoon = from_unix_ms(1'767'225'600'000);

inline StockReserved reserved(const OrderId& id, const MemberId& who, const Money& total,
                              PaymentMethod method = PaymentMethod::wallet) {
  StockReserved out;
  out.order_id = id;
  out.member = who;
  out.lines = {{Sku::parse("TEE-M").value(), numbered<ProductId>(5, 1), 1, total, total}};
  out.total = total;
  out.payment.method = method;
  out.placed_at = kNoon;
  return out;
}

inline OpenPayment open_payment(const OrderId& id, const MemberId& who, const Money& amount,
                                PaymentMethod method = PaymentMethod::wallet) {
  OpenPayment out;
  out.order_id = id;
  out.member = who;
  out.amount = amount;
  out.payment.method = method;
  return out;
}

inline ClosePayment close_payment(const OrderId& id, const MemberId& who,
                                  EndCause cause = EndCause::cancelled) {
  ClosePayment out;
  out.order_id = id;
  out.member = who;
  out.cause = cause;
  out.actor = {ActorKind::service, "ordering"};
  return out;
}

inline RefundPayment refund_payment(const RefundId& id, const OrderId& of, const MemberId& who,
                                    const Money& amount) {
  RefundPayment out;
  out.refund = id;
  out.order_id = of;
  out.member = who;
  out.amount = amount;
  out.lines = {{Sku::parse("TEE-M").value(), 1, amount}};
  out.actor = {ActorKind::admin, "kim"};
  out.reason = "did not fit";
  return out;
}

inline ChargeWallet charge_wallet(const ChargeId& id, const MemberId& who, const Money& amount) {
  ChargeWallet out;
  out.charge = id;
  out.member = who;
  out.amount = amount;
  return out;
}

inline GatewayAnswered gateway_says(const ChargeId& id, const MemberId& who, GatewayOutcome outcome,
                                    std::optional<Money> amount) {
  GatewayAnswered out;
  out.call = numbered<ChangeId>(6, 1);
  out.member = who;
  out.charge = id;
  out.outcome = outcome;
  out.amount = amount;
  return out;
}
inline GatewayAnswered gateway_took(const ChargeId& id, const MemberId& who, const Money& amount) {
  return gateway_says(id, who, GatewayOutcome::captured, amount);
}

inline std::string word(std::monostate) {
  return "nothing";
}
inline std::string word(const PaymentOpened& e) {
  return "opened " + std::to_string(e.amount.minor);
}
inline std::string word(const PaymentCaptured& e) {
  return "captured " + std::to_string(e.amount.minor);
}
inline std::string word(const PaymentDeclined& e) {
  return "declined " + std::string(to_text(e.reason));
}
inline std::string word(const PaymentClosed& e) {
  return "closed " + std::string(to_text(e.cause)) + ' ' + std::to_string(e.refunded.minor);
}
inline std::string word(const PaymentRefunded& e) {
  return "refunded " + std::to_string(e.amount.minor) + " of " +
         std::to_string(e.refunded_total.minor) + (e.whole ? " whole" : "");
}
inline std::string word(const RefundRefused& e) {
  return "refused " + std::string(to_text(e.reason));
}
inline std::string word(const WalletCharged& e) {
  return "charged " + std::to_string(e.amount.minor) + " to " + std::to_string(e.balance.minor);
}
inline std::string word(const WalletChargeDeclined& e) {
  return "charge declined " + std::string(to_text(e.reason));
}
inline std::string word(const MoneyReturned& e) {
  return "returned " + std::to_string(e.amount.minor) + ' ' + std::string(to_text(e.cause)) +
         (e.waits ? " waits" : "");
}
inline std::string word(const CreditDeposit& e) {
  return "offered " + std::to_string(e.amount.minor);
}
inline std::string word(const DepositTaken& e) {
  return "took " + std::to_string(e.taken.minor) + " of " + std::to_string(e.amount.minor) +
         (e.reason ? ' ' + std::string(to_text(*e.reason)) : std::string());
}
template <class... Ts>
std::string word(const std::variant<Ts...>& answer) {
  return std::visit(
      []<class T>(const T& message) {
        if constexpr (!std::same_as<T, std::monostate>)
          REQUIRE(contracts::validate(message).has_value());
        return word(message);
      },
      answer);
}

inline std::string word(const Answers& answers) {
  std::string all;
  for (const auto& answer : answers)
    all += (all.empty() ? "" : ", ") + word(answer);
  return all.empty() ? "nothing" : all;
}

/// A book, the shop's terms and a clock that ticks with each message.
struct Desk {
  Book book;
  Terms terms{won(1'000), won(500'000)};
  Moment moment{kNoon, 3};

  std::string operator()(const StockReserved& m) { return word(open(book, terms, m, next())); }
  std::string operator()(const OpenPayment& m) { return word(open(book, terms, m, next())); }
  std::string operator()(const ClosePayment& m) { return word(close(book, terms, m, next())); }
  std::string operator()(const RefundPayment& m) { return word(refund(book, terms, m, next())); }
  std::string operator()(const ChargeWallet& m) { return word(request(book, terms, m, next())); }
  std::string operator()(const GatewayAnswered& m) { return word(settle(book, terms, m, next())); }
  std::string operator()(const GatewayNoticed& m) { return word(notice(book, terms, m, next())); }
  std::string operator()(const BankDeposited& m) { return word(deposit(book, m, next())); }
  std::string operator()(const CreditDeposit& m) { return word(credit(book, terms, m, next())); }
  std::string operator()(const DepositTaken& m) { return word(taken(book, terms, m, next())); }
  std::string operator()(const AssignDeposit& m) { return word(assign(book, m, next())); }
  std::string operator()(const ReturnDeposit& m) { return word(send_back(book, terms, m, next())); }
  std::string operator()(const SendReturn& m) { return word(send_back(book, terms, m, next())); }

  const Moment& next() {
    moment.at += std::chrono::seconds(1);
    return moment;
  }
  [[nodiscard]] std::int64_t balance(const MemberId& who) const {
    const auto found = book.wallets.find(who);
    return found == book.wallets.end() ? 0 : found->second.balance;
  }
  [[nodiscard]] const Payment& payment(const OrderId& id, const MemberId& who) const {
    return book.payments.at({id, who});
  }
};

/// What must hold of the rows of a log read from its start: entries of a transfer sum to zero and
/// belong to one reference, wallets are the sum of theirs and never below zero, and what is held is
/// what was captured and not refunded.
inline void check_ledger(const Book& all) {
  std::map<std::pair<MemberId, std::int64_t>, std::vector<const Entry*>> transfers;
  std::map<MemberId, std::int64_t> balances;
  std::int64_t held = 0;
  std::int64_t from_gateway = 0;
  for (const auto& entry : all.entries) {
    transfers[{entry.member, entry.transfer}].push_back(&entry);
    if (entry.account == AccountName::held) held += entry.amount.minor;
    if (entry.account == AccountName::gateway) from_gateway -= entry.amount.minor;
  }
  for (const auto& [key, entries] : transfers) {
    REQUIRE(entries.size() == 2);
    REQUIRE(entries[0]->amount.minor + entries[1]->amount.minor == 0);
    REQUIRE(entries[0]->reference == entries[1]->reference);
    for (const auto* entry : entries) {
      if (entry->account != AccountName::wallet) continue;
      auto& balance = balances[entry->member];
      balance += entry->amount.minor;
      REQUIRE(balance >= 0);
      REQUIRE(entry->balance == balance);
    }
  }
  std::int64_t in_wallets = 0;
  std::int64_t charged = 0;
  for (const auto& [who, wallet] : all.wallets) {
    REQUIRE(wallet.balance == balances[who]);
    in_wallets += wallet.balance;
    charged += wallet.charged;
  }
  std::int64_t captured = 0;
  for (const auto& [key, payment] : all.payments)
    captured += payment.held().minor;
  REQUIRE(held == captured);
  std::int64_t sum = 0;
  std::int64_t returning = 0;
  std::int64_t partial = 0;
  std::int64_t received = 0;
  std::int64_t from_outside = 0;
  for (const auto& entry : all.entries) {
    sum += entry.amount.minor;
    if (entry.account == AccountName::returning) returning += entry.amount.minor;
    if (entry.account == AccountName::partial) partial += entry.amount.minor;
    if (entry.account == AccountName::gateway || entry.account == AccountName::bank)
      from_outside -= entry.amount.minor;
  }
  std::int64_t going = 0;
  for (const auto& [key, row] : all.returns)
    if (row.state != ReturnState::done) going += row.amount.minor;
  std::int64_t waiting = 0;
  for (const auto& [key, row] : all.deposits)
    waiting += row.rest().minor;
  for (const auto& [key, payment] : all.payments)
    received += payment.received;
  REQUIRE(sum == 0);
  REQUIRE(returning == going);
  REQUIRE(partial == received);
  REQUIRE(from_outside >= 0);
  if (all.returns.empty() && all.deposits.empty() && from_gateway == charged)
    REQUIRE(in_wallets + held == charged);
  static_cast<void>(waiting);
}

}  // namespace dropline::payments::testing
