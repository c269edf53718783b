#pragma once

#include "dropline/ordering/ordering.hpp"
#include "dropline/store/table.hpp"

/// How ordering's rows look in its table; shared by what writes and what reads them.
namespace dropline::ordering {

using store::Type;

inline constexpr store::Column kOrderColumns[] = {
    {"order_id", Type::uuid},  {"member", Type::uuid},   {"drop_id", Type::uuid},
    {"state", Type::text},     {"version", Type::int64}, {"placed_at", Type::int64},
    {"currency", Type::text},  {"total", Type::int64},   {"paid", Type::int64},
    {"refunded", Type::int64}, {"due_at", Type::int64},  {"shard", Type::int64},
    {"deadline", Type::int64}, {"facts", Type::json},    {"timeline", Type::json}};
inline constexpr store::Table kOrders{"ordering", "orders", kOrderColumns, 2};

void put_order(store::RowBuffer& rows, const Order& order);

/// Errors here mean rows that this program did not write.
[[nodiscard]] Result<Order> read_order(const store::Rows::Row& row);

}  // namespace dropline::ordering
