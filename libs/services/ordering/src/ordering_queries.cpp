#include "dropline/ordering/ordering_queries.hpp"

#include <algorithm>
#include <limits>

#include "ordering_rows.hpp"

namespace dropline::ordering {
namespace {

// Two statements, so that each has a plan of its own. The columns are kOrderColumns.
constexpr store::Statement kAllOrders{
    "orders_page", "ordering",
    "SELECT order_id, member, drop_id, state, version, placed_at, currency, total, paid, refunded, "
    "due_at, shard, deadline, facts, timeline FROM {orders} "
    "WHERE member = :member AND (placed_at, order_id) < (:placed_at, :order) "
    "ORDER BY placed_at DESC, order_id DESC LIMIT :limit"};
constexpr store::Statement kOpenOrders{
    "open_orders_page", "ordering",
    "SELECT order_id, member, drop_id, state, version, placed_at, currency, total, paid, refunded, "
    "due_at, shard, deadline, facts, timeline FROM {orders} "
    "WHERE member = :member AND (placed_at, order_id) < (:placed_at, :order) "
    "AND state <> 'expired' "
    "ORDER BY placed_at DESC, order_id DESC LIMIT :limit"};

constexpr store::Statement kExport{
    "export_orders", "ordering",
    "SELECT order_id, member FROM {orders} WHERE (order_id, member) > (:order, :member) "
    "AND placed_at >= :from AND placed_at < :until ORDER BY order_id, member LIMIT :limit"};
constexpr store::Statement kExportDrop{
    "export_orders_of_drop", "ordering",
    "SELECT order_id, member FROM {orders} WHERE (order_id, member) > (:order, :member) "
    "AND placed_at >= :from AND placed_at < :until AND drop_id = :drop "
    "ORDER BY order_id, member LIMIT :limit"};

/// Behind every order.
Cursor newest() {
  Uuid last;
  last.bytes.fill(0xFF);
  return {from_unix_us(std::numeric_limits<std::int64_t>::max()), OrderId(last)};
}

}  // namespace

Result<std::optional<Order>> find_order(store::Session& session, const OrderId& id,
                                        const MemberId& member) {
  auto keys = store::RowBuffer::keys(kOrders);
  keys.add(id).add(member);
  auto rows = store::load(session, kOrders, keys);
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Order>();
  auto order = read_order(rows->front());
  if (!order) return order.error();
  if (!order->known) return std::optional<Order>();
  return std::optional<Order>(std::move(*order));
}

Result<Page> orders_page(store::Session& session, const MemberId& member, Listing listing,
                         const std::optional<Cursor>& after, std::int64_t limit) {
  const auto size = std::clamp(limit, std::int64_t{1}, kMaxPage);
  const auto from = after.value_or(newest());
  store::Params params;
  params.add("member", member).add("placed_at", from.placed_at).add("order", from.order);
  params.add("limit", size + 1);
  auto rows = store::query(session, listing == Listing::all ? kAllOrders : kOpenOrders, params,
                           {Type::uuid, Type::uuid, Type::uuid, Type::text, Type::int64,
                            Type::int64, Type::text, Type::int64, Type::int64, Type::int64,
                            Type::int64, Type::int64, Type::int64, Type::json, Type::json});
  if (!rows) return rows.error();
  Page page;
  for (const auto row : *rows) {
    if (std::ssize(page.orders) == size) {
      page.next = {page.orders.back().placed_at, page.orders.back().key.order};
      break;
    }
    auto order = read_order(row);
    if (!order) return order.error();
    page.orders.push_back(std::move(*order));
  }
  return page;
}

Result<std::vector<Order>> export_page(store::Session& session, const Period& period,
                                       const std::optional<OrderKey>& after, std::int64_t limit) {
  const auto from = after.value_or(OrderKey());
  store::Params params;
  params.add("order", from.order).add("member", from.member);
  params.add("from", period.from).add("until", period.until);
  params.add("limit", std::clamp(limit, std::int64_t{1}, kMaxExportPage));
  if (period.drop) params.add("drop", *period.drop);
  auto found =
      store::query(session, period.drop ? kExportDrop : kExport, params, {Type::uuid, Type::uuid});
  if (!found) return found.error();
  auto keys = store::RowBuffer::keys(kOrders);
  for (const auto row : *found)
    keys.add(row.uuid(0)).add(row.uuid(1));
  auto rows = store::load(session, kOrders, keys);
  if (!rows) return rows.error();
  std::vector<Order> orders;
  for (const auto row : *rows) {
    auto order = read_order(row);
    if (!order) return order.error();
    orders.push_back(std::move(*order));
  }
  return orders;
}

}  // namespace dropline::ordering
