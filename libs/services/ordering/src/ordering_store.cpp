#include "dropline/ordering/ordering_store.hpp"

#include <algorithm>

#include "ordering_rows.hpp"

namespace dropline::ordering {
namespace {

Result<Book> book_of(const Result<store::Rows>& rows) {
  if (!rows) return rows.error();
  Book book;
  for (const auto row : *rows) {
    auto order = read_order(row);
    if (!order) return order.error();
    const auto key = order->key;
    book.orders.emplace(key, std::move(*order));
  }
  return book;
}

constexpr store::Statement kDue{
    "due_orders", "ordering",
    "SELECT order_id, member FROM {orders} "
    "WHERE deadline IS NOT NULL AND shard {any:shards:int64} AND deadline <= :now "
    "ORDER BY deadline, order_id LIMIT :limit"};

}  // namespace

Result<Book> load(store::Session& session, std::vector<OrderKey> wanted) {
  std::ranges::sort(wanted);
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  auto keys = store::RowBuffer::keys(kOrders);
  keys.reserve(wanted.size());
  for (const auto& key : wanted)
    keys.add(key.order).add(key.member);
  return book_of(store::load(session, kOrders, keys));
}

Result<Book> load_due(store::Session& session, std::span<const std::int32_t> shards, Timestamp now,
                      std::size_t limit) {
  const std::vector<std::int64_t> numbers(shards.begin(), shards.end());
  store::Params params;
  params.add_list("shards", numbers).add("now", now).add("limit", limit);
  auto rows = store::query(session, kDue, params, {Type::uuid, Type::uuid});
  if (!rows) return rows.error();
  if (rows->empty()) return Book();
  std::vector<OrderKey> due;
  due.reserve(rows->size());
  for (const auto row : *rows)
    due.push_back({row.id<OrderId>(0), row.id<MemberId>(1)});
  return load(session, std::move(due));
}

Status save(store::Session& session, const Book& book) {
  store::RowBuffer rows(kOrders);
  rows.reserve(book.changed.size());
  for (const auto& key : book.changed)
    put_order(rows, book.orders.at(key));
  if (auto done = store::upsert(session, kOrders, rows); !done) return done;
  auto gone = store::RowBuffer::keys(kOrders);
  for (const auto& key : book.gone)
    gone.add(key.order).add(key.member);
  auto erased = store::erase(session, kOrders, gone);
  if (!erased) return erased.error();
  return {};
}

}  // namespace dropline::ordering
