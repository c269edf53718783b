#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/deliveries/carriers.hpp"
#include "dropline/deliveries/deliveries.hpp"
#include "dropline/store/database.hpp"

namespace dropline::deliveries {

inline constexpr std::int64_t kMaxPage = 200;

/// A place in a list: behind that row.
struct Behind {
  Timestamp opened_at;
  OrderId order;
};

/// Deliveries of a state, those opened first at the front, at most `limit` (1 to kMaxPage; beyond
/// it kMaxPage).
[[nodiscard]] Result<std::vector<Delivery>> deliveries_page(store::Session& session,
                                                            DeliveryState state,
                                                            const std::optional<Behind>& behind,
                                                            std::int64_t limit);

/// Absent where no order of that id was paid. An order's id contains its member: one row at most is
/// genuine, and rows that were only closed are none.
[[nodiscard]] Result<std::optional<Delivery>> find_delivery(store::Session& session,
                                                            const OrderId& order);

/// The member's own; absent where it is another's.
[[nodiscard]] Result<std::optional<Delivery>> find_delivery(store::Session& session,
                                                            const OrderId& order,
                                                            const MemberId& member);

/// What travels under a carrier's number, as waybill_of() keeps it: up to kMaxPage orders may share
/// a parcel.
[[nodiscard]] Result<std::vector<Delivery>> under_waybill(store::Session& session,
                                                          std::string_view carrier,
                                                          std::string_view waybill);

}  // namespace dropline::deliveries
