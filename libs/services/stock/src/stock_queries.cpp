#include "dropline/stock/stock_queries.hpp"

#include "stock_rows.hpp"

namespace dropline::stock {

Result<std::optional<Order>> find_order(store::Session& session, const OrderId& id) {
  auto keys = store::RowBuffer::keys(kOrders);
  keys.add(id);
  auto rows = store::load(session, kOrders, keys);
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Order>();
  auto order = read_order(rows->front());
  if (!order) return order.error();
  return std::optional<Order>(std::move(*order));
}

Result<std::vector<OrderId>> known_orders(store::Session& session, std::span<const OrderId> ids) {
  auto keys = store::RowBuffer::keys(kOrders);
  for (const auto& id : ids)
    keys.add(id);
  auto rows = store::load(session, kOrders, keys);
  if (!rows) return rows.error();
  std::vector<OrderId> known;
  known.reserve(rows->size());
  for (const auto row : *rows) {
    auto order = read_order(row);
    if (!order) return order.error();
    known.push_back(order->id);
  }
  return known;
}

}  // namespace dropline::stock
