#include "dropline/points/points_store.hpp"

#include <algorithm>

#include "dropline/store/errors.hpp"
#include "points_rows.hpp"

namespace dropline::points {
namespace {

template <class Key>
void sort_out(std::vector<Key>& keys) {
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

}  // namespace

Result<Entry> read_entry(const store::Rows::Row& row) {
  const auto kind = contracts::parse_enum<EntryKind>(row.text(2));
  if (!kind)
    return store::error(
        store::Errc::failed,
        "points.entries.kind holds '" + std::string(row.text(2)) + "', which means nothing");
  return Entry{row.id<MemberId>(0), row.int64(1), *kind,        row.id<OrderId>(3),
               row.int64(4),        row.int64(5), row.int64(6), row.time(7)};
}

Balance read_balance(const store::Rows::Row& row) {
  return {row.id<MemberId>(0), row.int64(1), row.int64(2), row.time(3)};
}

Result<Book> load(store::Session& session, std::vector<OrderKey> orders) {
  Book book;
  if (orders.empty()) return book;
  sort_out(orders);
  auto keys = store::RowBuffer::keys(kEntries, {"order_id", "member"});
  keys.reserve(orders.size());
  std::vector<MemberId> members;
  members.reserve(orders.size());
  for (const auto& order : orders) {
    keys.add(order.order).add(order.member);
    members.push_back(order.member);
  }
  auto entries = store::load(session, kEntries, keys);
  if (!entries) return entries.error();
  for (const auto row : *entries) {
    const auto entry = read_entry(row);
    if (!entry) return entry.error();
    enter(book, *entry);
  }
  sort_out(members);
  auto whose = store::RowBuffer::keys(kBalances);
  whose.reserve(members.size());
  for (const auto& member : members)
    whose.add(member);
  auto balances = store::load(session, kBalances, whose);
  if (!balances) return balances.error();
  for (const auto row : *balances) {
    const auto balance = read_balance(row);
    book.balances.emplace(balance.member, balance);
  }
  return book;
}

Status save(store::Session& session, const Book& book) {
  store::RowBuffer entries(kEntries);
  entries.reserve(book.entries.size());
  for (const auto& entry : book.entries) {
    entries.add(entry.member).add(entry.number).add(contracts::to_text(entry.kind));
    entries.add(entry.order).add(entry.points).add(entry.balance).add(entry.money).add(entry.at);
  }
  if (auto done = store::insert(session, kEntries, entries); !done) return done.error();
  store::RowBuffer balances(kBalances);
  balances.reserve(book.changed.size());
  for (const auto& member : book.changed) {
    const auto& balance = book.balances.at(member);
    balances.add(balance.member).add(balance.balance).add(balance.entries).add(balance.at);
  }
  return store::upsert(session, kBalances, balances);
}

}  // namespace dropline::points
