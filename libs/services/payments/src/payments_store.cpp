#include "dropline/payments/payments_store.hpp"

#include <algorithm>
#include <tuple>

#include "payments_rows.hpp"

namespace dropline::payments {
namespace {

using contracts::to_text;

store::RowBuffer& put_key(store::RowBuffer& rows, const MemberId& key) {
  return rows.add(key);
}
store::RowBuffer& put_key(store::RowBuffer& rows, const PaymentKey& key) {
  return rows.add(key.order).add(key.member);
}
store::RowBuffer& put_key(store::RowBuffer& rows, const RefundKey& key) {
  return rows.add(key.refund).add(key.member);
}
store::RowBuffer& put_key(store::RowBuffer& rows, const ChargeKey& key) {
  return rows.add(key.charge).add(key.member);
}

store::RowBuffer& put_key(store::RowBuffer& rows, const ReturnKey& key) {
  return rows.add(key.id).add(key.owner);
}
store::RowBuffer& put_key(store::RowBuffer& rows, const contracts::DepositId& key) {
  return rows.add(key);
}
store::RowBuffer& put_key(store::RowBuffer& rows, const CreditKey& key) {
  return rows.add(key.deposit).add(key.attempt).add(key.member);
}

template <class Key>
Result<store::Rows> rows_of(store::Session& session, const store::Table& table,
                            std::vector<Key>& wanted) {
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  auto keys = store::RowBuffer::keys(table);
  keys.reserve(wanted.size());
  for (const auto& key : wanted)
    put_key(keys, key);
  return store::load(session, table, keys);
}

const MemberId& key_of(const Wallet& wallet) {
  return wallet.member;
}
template <class Row>
const auto& key_of(const Row& row) {
  return row.key;
}

/// One statement: the rows wanted, read into the book.
template <class Key, class Row>
Status take(store::Session& session, const store::Table& table, std::vector<Key>& wanted,
            Result<Row> (*read)(const store::Rows::Row&), std::map<Key, Row>& out) {
  if (wanted.empty()) return {};
  auto rows = rows_of(session, table, wanted);
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto value = read(row);
    if (!value) return value.error();
    out.emplace(key_of(*value), std::move(*value));
  }
  return {};
}

template <class E>
void add_name(store::RowBuffer& rows, const std::optional<E>& value) {
  if (value) {
    rows.add(to_text(*value));
  } else {
    rows.null();
  }
}

void add_sealed(store::RowBuffer& rows, const std::optional<contracts::SealedText>& value) {
  if (value) {
    rows.add(contracts::encode(*value));
  } else {
    rows.null();
  }
}

void put(store::RowBuffer& rows, const Wallet& wallet) {
  rows.add(wallet.member).add(wallet.currency.text()).add(wallet.balance).add(wallet.charged);
  rows.add(wallet.transfers).add(wallet.shard).add(wallet.at);
}

void put(store::RowBuffer& rows, const Entry& entry) {
  rows.add(entry.member).add(to_text(entry.account)).add(entry.transfer).add(to_text(entry.kind));
  rows.add(entry.reference).add(entry.amount.minor).add(entry.amount.currency.text());
  rows.add(entry.balance).add(entry.shard).add(entry.at);
}

void put(store::RowBuffer& rows, const Payment& payment) {
  put_key(rows, payment.key).add(payment.drop);
  add_name(rows, payment.method);
  rows.add(to_text(payment.state)).add(payment.amount.minor).add(payment.amount.currency.text());
  rows.add(payment.captured).add(payment.refunded);
  add_name(rows, payment.cause);
  add_name(rows, payment.declined);
  rows.add(payment.opened_at).add(payment.captured_at).add(payment.at);
  rows.add(payment.received).add(payment.sending);
  add_name(rows, payment.closing);
  add_sealed(rows, payment.account);
}

void put(store::RowBuffer& rows, const Refund& refund) {
  put_key(rows, refund.key).add(refund.order);
  rows.add(refund.amount.minor).add(refund.amount.currency.text());
  add_name(rows, refund.refused);
  rows.add(refund.at);
}

void put(store::RowBuffer& rows, const Charge& charge) {
  put_key(rows, charge.key);
  add_name(rows, charge.method);
  rows.add(to_text(charge.state)).add(charge.amount.minor).add(charge.amount.currency.text());
  add_name(rows, charge.declined);
  rows.add(charge.at);
}

void put(store::RowBuffer& rows, const Return& row) {
  put_key(rows, row.key).add(row.order).add(row.charge).add(row.refund).add(row.deposit);
  rows.add(row.amount.minor).add(row.amount.currency.text());
  rows.add(to_text(row.cause)).add(to_text(row.way)).add(to_text(row.state)).add(row.attempt);
  rows.add(row.reference);
  add_sealed(rows, row.account);
  rows.add(row.told).add(row.reason).add(row.actor).add(row.made_at).add(row.at);
  rows.add(row.member);
}

void put(store::RowBuffer& rows, const Deposit& row) {
  put_key(rows, row.key).add(row.transaction).add(row.amount.minor);
  rows.add(row.amount.currency.text()).add(row.reference);
  add_sealed(rows, row.payer);
  rows.add(to_text(row.state)).add(row.attempt).add(row.taken).add(row.returned);
  rows.add(row.member).add(row.order).add(row.charge);
  add_name(rows, row.refusal);
  rows.add(row.actor).add(row.reason).add(row.made_at).add(row.at);
}

void put(store::RowBuffer& rows, const Credit& row) {
  put_key(rows, row.key).add(row.order).add(row.charge);
  rows.add(row.amount.minor).add(row.amount.currency.text()).add(row.taken);
  add_name(rows, row.refusal);
  rows.add(row.at);
}

template <class Key, class Row>
Status write(store::Session& session, const store::Table& table, const std::set<Key>& changed,
             const std::map<Key, Row>& all) {
  store::RowBuffer rows(table);
  rows.reserve(changed.size());
  for (const auto& key : changed)
    put(rows, all.at(key));
  return store::upsert(session, table, rows);
}

template <class Row>
Status append(store::Session& session, const store::Table& table, const std::vector<Row>& added) {
  store::RowBuffer rows(table);
  rows.reserve(added.size());
  for (const auto& row : added)
    put(rows, row);
  auto done = store::insert(session, table, rows);
  if (!done) return done.error();
  return {};
}

Status add_totals(store::Session& session, const std::vector<Entry>& entries) {
  std::map<std::tuple<AccountName, std::int32_t, Currency>, std::int64_t> sums;
  for (const auto& entry : entries)
    sums[{entry.account, entry.shard, entry.amount.currency}] += entry.amount.minor;
  store::RowBuffer rows(kTotals);
  for (const auto& [key, sum] : sums)
    rows.add(to_text(std::get<0>(key))).add(std::get<1>(key)).add(std::get<2>(key).text()).add(sum);
  return store::add_to(session, kTotals, rows);
}

}  // namespace

Result<Book> load(store::Session& session, Wanted wanted) {
  Book book;
  if (auto done = take(session, kWallets, wanted.wallets, read_wallet, book.wallets); !done)
    return done.error();
  if (auto done = take(session, kPayments, wanted.payments, read_payment, book.payments); !done)
    return done.error();
  if (auto done = take(session, kRefunds, wanted.refunds, read_refund, book.refunds); !done)
    return done.error();
  if (auto done = take(session, kCharges, wanted.charges, read_charge, book.charges); !done)
    return done.error();
  if (auto done = take(session, kReturns, wanted.returns, read_return, book.returns); !done)
    return done.error();
  if (auto done = take(session, kDeposits, wanted.deposits, read_deposit, book.deposits); !done)
    return done.error();
  if (auto done = take(session, kCredits, wanted.credits, read_credit, book.credits); !done)
    return done.error();
  return book;
}

Status save(store::Session& session, const Book& book) {
  if (auto done = write(session, kWallets, book.wallets_changed, book.wallets); !done) return done;
  if (auto done = append(session, kEntries, book.entries); !done) return done;
  if (auto done = add_totals(session, book.entries); !done) return done;
  if (auto done = write(session, kPayments, book.payments_changed, book.payments); !done)
    return done;
  if (auto done = append(session, kRefunds, book.refunds_new); !done) return done;
  if (auto done = write(session, kCharges, book.charges_changed, book.charges); !done) return done;
  if (auto done = write(session, kReturns, book.returns_changed, book.returns); !done) return done;
  if (auto done = write(session, kDeposits, book.deposits_changed, book.deposits); !done)
    return done;
  return append(session, kCredits, book.credits_new);
}

}  // namespace dropline::payments
