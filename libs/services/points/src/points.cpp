#include "dropline/points/points.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"

namespace dropline::points {
namespace {

using contracts::kMaxExact;

constexpr std::int64_t kWhole = 10'000;

/// a × b ÷ c, rounded down, where the product may be longer than 64 bits.
std::int64_t share(std::int64_t a, std::int64_t b, std::int64_t c) {
  __extension__ using Wide = __int128;
  return static_cast<std::int64_t>(static_cast<Wide>(a) * b / c);
}

void add(Book& book, const OrderKey& order, EntryKind kind, std::int64_t points, std::int64_t money,
         Timestamp at) {
  auto& balance = book.balances[order.member];
  balance.member = order.member;
  balance.balance += points;
  ++balance.entries;
  balance.at = at;
  const Entry entry{order.member, balance.entries, kind,  order.order,
                    points,       balance.balance, money, at};
  book.changed.insert(order.member);
  book.entries.push_back(entry);
  enter(book, entry);
}

/// Takes back what the money that went back is worth, less what was taken back before.
void settle(Book& book, const OrderKey& key, std::int64_t gone_back, Timestamp at) {
  const auto& account = book.orders[key];
  if (!account.paid) {
    if (gone_back > account.gone_back) add(book, key, EntryKind::reversal, 0, gone_back, at);
    return;
  }
  const auto all = gone_back >= *account.paid;
  const auto due = all ? account.accrued : share(account.accrued, gone_back, *account.paid);
  if (due > account.reversed)
    add(book, key, EntryKind::reversal, account.reversed - due, gone_back, at);
}

}  // namespace

std::int64_t points_for(std::int64_t paid, std::int64_t rate) {
  ensure(paid >= 0 && rate >= 0 && rate <= kMaxRate, "a rate is a part of what is paid");
  return share(paid, rate, kWhole);
}

void enter(Book& book, const Entry& entry) {
  auto& account = book.orders[{entry.order, entry.member}];
  if (entry.kind == EntryKind::accrual) {
    account.paid = entry.money;
    account.accrued = entry.points;
    return;
  }
  account.reversed -= entry.points;
  account.gone_back = std::max(account.gone_back, entry.money);
}

std::size_t accrue(Book& book, const Terms& terms, const contracts::OrderPaid& order,
                   Timestamp at) {
  const auto begin = book.entries.size();
  const OrderKey key{order.order_id, order.member};
  const auto before = book.orders[key];
  if (before.paid) return begin;
  add(book, key, EntryKind::accrual, points_for(order.paid.minor, terms.rate), order.paid.minor,
      at);
  if (before.gone_back > 0) settle(book, key, before.gone_back, at);
  return begin;
}

std::size_t reverse(Book& book, const contracts::OrderCancelled& order, Timestamp at) {
  const auto begin = book.entries.size();
  const OrderKey key{order.order_id, order.member};
  // An order that ended unpaid never had a point; there will be no accrual to take back.
  if (order.refunded.minor > 0 || book.orders[key].paid) settle(book, key, kMaxExact, at);
  return begin;
}

std::size_t reverse(Book& book, const contracts::OrderPartlyRefunded& order, Timestamp at) {
  const auto begin = book.entries.size();
  settle(book, {order.order_id, order.member}, order.refunded_total.minor, at);
  return begin;
}

std::size_t reverse(Book& book, const contracts::OrderRefunded& order, Timestamp at) {
  const auto begin = book.entries.size();
  settle(book, {order.order_id, order.member}, kMaxExact, at);
  return begin;
}

}  // namespace dropline::points
