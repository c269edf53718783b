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

// Only what waits has a deadline, so the index of deadlines is all that is read.
constexpr store::Statement kWaiting{
    "waiting_orders", "ordering",
    "SELECT order_id, member FROM {orders} "
    "WHERE deadline IS NOT NULL AND shard {any:shards:int64} AND due_at < :until "
    "AND drop_id = :drop"};
constexpr store::Statement kWaitingOrdinary{
    "waiting_ordinary_orders", "ordering",
    "SELECT order_id, member FROM {orders} "
    "WHERE deadline IS NOT NULL AND shard {any:shards:int64} AND due_at < :until "
    "AND drop_id IS NULL"};

Result<Book> load_found(store::Session& session, const Result<store::Rows>& rows) {
  if (!rows) return rows.error();
  if (rows->empty()) return Book();
  std::vector<OrderKey> found;
  found.reserve(rows->size());
  for (const auto row : *rows)
    found.push_back({row.id<OrderId>(0), row.id<MemberId>(1)});
  return load(session, std::move(found));
}

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
  return load_found(session, store::query(session, kDue, params, {Type::uuid, Type::uuid}));
}

Result<Book> load_waiting(store::Session& session, std::span<const std::int32_t> shards,
                          const std::optional<DropId>& drop, Timestamp until) {
  const std::vector<std::int64_t> numbers(shards.begin(), shards.end());
  store::Params params;
  params.add_list("shards", numbers).add("until", until);
  if (drop) params.add("drop", *drop);
  return load_found(session, store::query(session, drop ? kWaiting : kWaitingOrdinary, params,
                                          {Type::uuid, Type::uuid}));
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
