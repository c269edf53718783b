#include "payments_rows.hpp"

#include "dropline/store/errors.hpp"

namespace dropline::payments {
namespace {

using contracts::parse_enum;

Error damaged(std::string_view what, std::string_view value) {
  return store::error(store::Errc::failed, "payments." + std::string(what) + " holds '" +
                                               std::string(value) + "', which means nothing");
}

template <class E>
Status read_name(const store::Rows::Row& row, std::size_t column, std::string_view what, E& out) {
  const auto value = parse_enum<E>(row.text(column));
  if (!value) return damaged(what, row.text(column));
  out = *value;
  return {};
}

template <class E>
Status read_name(const store::Rows::Row& row, std::size_t column, std::string_view what,
                 std::optional<E>& out) {
  if (row.is_null(column)) return {};
  return read_name(row, column, what, out.emplace());
}

/// An amount and, in the column behind it, its currency.
Status read_money(const store::Rows::Row& row, std::size_t column, std::string_view what,
                  Money& out) {
  const auto currency = Currency::parse(row.text(column + 1));
  if (!currency) return damaged(what, row.text(column + 1));
  out = {row.int64(column), *currency};
  return {};
}

template <class T>
void read_id(const store::Rows::Row& row, std::size_t column, std::optional<T>& out) {
  if (!row.is_null(column)) out = row.id<T>(column);
}

void read_text(const store::Rows::Row& row, std::size_t column, std::optional<std::string>& out) {
  if (!row.is_null(column)) out.emplace(row.text(column));
}

Status read_sealed(const store::Rows::Row& row, std::size_t column, std::string_view what,
                   std::optional<contracts::SealedText>& out) {
  if (row.is_null(column)) return {};
  auto sealed = contracts::decode<contracts::SealedText>(row.text(column));
  if (!sealed) return damaged(what, sealed.error().text());
  out = std::move(*sealed);
  return {};
}

}  // namespace

Result<Wallet> read_wallet(const store::Rows::Row& row) {
  Wallet wallet;
  wallet.member = row.id<MemberId>(0);
  const auto currency = Currency::parse(row.text(1));
  if (!currency) return damaged("wallets.currency", row.text(1));
  wallet.currency = *currency;
  wallet.balance = row.int64(2);
  wallet.charged = row.int64(3);
  wallet.transfers = row.int64(4);
  wallet.shard = static_cast<std::int32_t>(row.int64(5));
  wallet.at = row.time(6);
  return wallet;
}

Result<Entry> read_entry(const store::Rows::Row& row) {
  Entry entry;
  entry.member = row.id<MemberId>(0);
  if (auto done = read_name(row, 1, "entries.account", entry.account); !done) return done.error();
  entry.transfer = row.int64(2);
  if (auto done = read_name(row, 3, "entries.kind", entry.kind); !done) return done.error();
  entry.reference = row.uuid(4);
  if (auto done = read_money(row, 5, "entries.currency", entry.amount); !done) return done.error();
  if (!row.is_null(7)) entry.balance = row.int64(7);
  entry.shard = static_cast<std::int32_t>(row.int64(8));
  entry.at = row.time(9);
  return entry;
}

Result<Payment> read_payment(const store::Rows::Row& row) {
  Payment payment;
  payment.key = {row.id<OrderId>(0), row.id<MemberId>(1)};
  if (!row.is_null(2)) payment.drop = row.id<DropId>(2);
  if (auto done = read_name(row, 3, "payments.method", payment.method); !done) return done.error();
  if (auto done = read_name(row, 4, "payments.state", payment.state); !done) return done.error();
  if (auto done = read_money(row, 5, "payments.currency", payment.amount); !done)
    return done.error();
  payment.captured = row.int64(7);
  payment.refunded = row.int64(8);
  if (auto done = read_name(row, 9, "payments.cause", payment.cause); !done) return done.error();
  if (auto done = read_name(row, 10, "payments.declined", payment.declined); !done)
    return done.error();
  payment.opened_at = row.time(11);
  if (!row.is_null(12)) payment.captured_at = row.time(12);
  payment.at = row.time(13);
  payment.received = row.int64(14);
  payment.sending = row.int64(15);
  if (auto done = read_name(row, 16, "payments.closing", payment.closing); !done)
    return done.error();
  if (auto done = read_sealed(row, 17, "payments.account", payment.account); !done)
    return done.error();
  const bool whole = (payment.state != PaymentState::closed || payment.cause) &&
                     (payment.state == PaymentState::closed || payment.method) &&
                     (payment.state != PaymentState::captured || payment.captured_at);
  if (!whole) return damaged("payments.state", row.text(4));
  return payment;
}

Result<Refund> read_refund(const store::Rows::Row& row) {
  Refund refund;
  refund.key = {row.id<RefundId>(0), row.id<MemberId>(1)};
  refund.order = row.id<OrderId>(2);
  if (auto done = read_money(row, 3, "refunds.currency", refund.amount); !done) return done.error();
  if (auto done = read_name(row, 5, "refunds.refused", refund.refused); !done) return done.error();
  refund.at = row.time(6);
  return refund;
}

Result<Charge> read_charge(const store::Rows::Row& row) {
  Charge charge;
  charge.key = {row.id<ChargeId>(0), row.id<MemberId>(1)};
  if (auto done = read_name(row, 2, "charges.method", charge.method); !done) return done.error();
  if (auto done = read_name(row, 3, "charges.state", charge.state); !done) return done.error();
  if (auto done = read_money(row, 4, "charges.currency", charge.amount); !done) return done.error();
  if (auto done = read_name(row, 6, "charges.declined", charge.declined); !done)
    return done.error();
  charge.at = row.time(7);
  return charge;
}

Result<Return> read_return(const store::Rows::Row& row) {
  Return out;
  out.key = {row.id<contracts::ReturnId>(0), row.id<MemberId>(1)};
  read_id(row, 2, out.order);
  read_id(row, 3, out.charge);
  read_id(row, 4, out.refund);
  read_id(row, 5, out.deposit);
  if (auto done = read_money(row, 6, "returns.currency", out.amount); !done) return done.error();
  if (auto done = read_name(row, 8, "returns.cause", out.cause); !done) return done.error();
  if (auto done = read_name(row, 9, "returns.way", out.way); !done) return done.error();
  if (auto done = read_name(row, 10, "returns.state", out.state); !done) return done.error();
  out.attempt = row.int64(11);
  out.reference = row.text(12);
  if (auto done = read_sealed(row, 13, "returns.account", out.account); !done) return done.error();
  out.told = row.text(14);
  read_text(row, 15, out.reason);
  read_text(row, 16, out.actor);
  out.made_at = row.time(17);
  out.at = row.time(18);
  read_id(row, 19, out.member);
  return out;
}

Result<Deposit> read_deposit(const store::Rows::Row& row) {
  Deposit out;
  out.key = row.id<contracts::DepositId>(0);
  out.transaction = row.text(1);
  if (auto done = read_money(row, 2, "deposits.currency", out.amount); !done) return done.error();
  read_text(row, 4, out.reference);
  if (auto done = read_sealed(row, 5, "deposits.payer", out.payer); !done) return done.error();
  if (auto done = read_name(row, 6, "deposits.state", out.state); !done) return done.error();
  out.attempt = row.int64(7);
  out.taken = row.int64(8);
  out.returned = row.int64(9);
  read_id(row, 10, out.member);
  read_id(row, 11, out.order);
  read_id(row, 12, out.charge);
  if (auto done = read_name(row, 13, "deposits.refusal", out.refusal); !done) return done.error();
  read_text(row, 14, out.actor);
  read_text(row, 15, out.reason);
  out.made_at = row.time(16);
  out.at = row.time(17);
  return out;
}

Result<Credit> read_credit(const store::Rows::Row& row) {
  Credit out;
  out.key = {row.id<contracts::DepositId>(0), row.int64(1), row.id<MemberId>(2)};
  read_id(row, 3, out.order);
  read_id(row, 4, out.charge);
  if (auto done = read_money(row, 5, "credits.currency", out.amount); !done) return done.error();
  out.taken = row.int64(7);
  if (auto done = read_name(row, 8, "credits.refusal", out.refusal); !done) return done.error();
  out.at = row.time(9);
  return out;
}

}  // namespace dropline::payments
