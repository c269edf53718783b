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

}  // namespace dropline::stock
