#pragma once

#include <optional>
#include <span>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/stock/stock.hpp"
#include "dropline/store/database.hpp"

namespace dropline::stock {

/// What stock's permanent row says of an order; absent where it has not judged it.
[[nodiscard]] Result<std::optional<Order>> find_order(store::Session& session, const OrderId& id);

/// Those of `ids` that stock has judged, in no order. One statement.
[[nodiscard]] Result<std::vector<OrderId>> known_orders(store::Session& session,
                                                        std::span<const OrderId> ids);

}  // namespace dropline::stock
