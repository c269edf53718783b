#pragma once

#include <optional>

#include "dropline/base/error.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/stock/stock.hpp"
#include "dropline/store/database.hpp"

namespace dropline::stock {

/// What stock's permanent row says of an order; absent where it has not judged it.
[[nodiscard]] Result<std::optional<Order>> find_order(store::Session& session, const OrderId& id);

}  // namespace dropline::stock
