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

}  // namespace dropline::payments
