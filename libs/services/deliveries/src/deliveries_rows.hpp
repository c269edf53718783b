#pragma once

#include "dropline/deliveries/deliveries.hpp"
#include "dropline/store/table.hpp"

/// How a delivery looks in its table; shared by what writes and what reads it.
namespace dropline::deliveries {

using store::Type;

inline constexpr store::Column kColumns[] = {{"order_id", Type::uuid},
                                             {"member", Type::uuid},
                                             {"state", Type::text},
                                             {"paid_version", Type::int64},
                                             {"closed_version", Type::int64},
                                             {"cause", Type::text},
                                             {"drop_id", Type::uuid},
                                             {"recipient", Type::text},
                                             {"recipient_digest", Type::text},
                                             {"carrier", Type::text},
                                             {"waybill", Type::text},
                                             {"shipped_by", Type::text},
                                             {"shipped_change", Type::uuid},
                                             {"shipped_at", Type::int64},
                                             {"delivered_by", Type::text},
                                             {"delivered_change", Type::uuid},
                                             {"delivered_at", Type::int64},
                                             {"opened_at", Type::int64},
                                             {"at", Type::int64}};
inline constexpr store::Table kDeliveries{"deliveries", "deliveries", kColumns, 2};

void put(store::RowBuffer& rows, const Delivery& delivery);
/// Errors mean a row that this program did not write.
[[nodiscard]] Result<Delivery> read_delivery(const store::Rows::Row& row);

}  // namespace dropline::deliveries
