#pragma once

#include "dropline/coupons/coupons.hpp"
#include "dropline/store/table.hpp"

/// How coupons' rows look in its tables; shared by what writes and what reads them.
namespace dropline::coupons {

using store::Type;

inline constexpr store::Column kCampaignColumns[] = {
    {"campaign", Type::uuid},         {"standing", Type::text},      {"quantity", Type::int64},
    {"issued", Type::int64},          {"terms", Type::json},         {"shard", Type::int64},
    {"place_partition", Type::int64}, {"place_offset", Type::int64}, {"at", Type::int64}};
inline constexpr store::Table kCampaigns{"coupons", "campaigns", kCampaignColumns, 1};

inline constexpr store::Column kCouponColumns[] = {
    {"coupon", Type::uuid},           {"campaign", Type::uuid},
    {"member", Type::uuid},           {"state", Type::text},
    {"order_id", Type::uuid},         {"granted_by", Type::json},
    {"place_partition", Type::int64}, {"place_offset", Type::int64},
    {"issued_at", Type::int64},       {"at", Type::int64}};
inline constexpr store::Table kCoupons{"coupons", "coupons", kCouponColumns, 1};

inline constexpr store::Column kUseColumns[] = {{"coupon", Type::uuid},   {"order_id", Type::uuid},
                                                {"member", Type::uuid},   {"state", Type::text},
                                                {"reason", Type::text},   {"discount", Type::int64},
                                                {"currency", Type::text}, {"at", Type::int64}};
inline constexpr store::Table kUses{"coupons", "uses", kUseColumns, 2};

inline constexpr store::Column kChangeColumns[] = {{"change_id", Type::uuid}, {"at", Type::int64}};
inline constexpr store::Table kChanges{"coupons", "changes", kChangeColumns, 1};

void put(store::RowBuffer& rows, const Campaign& campaign);
void put(store::RowBuffer& rows, const Coupon& coupon);
void put(store::RowBuffer& rows, const Use& use);

/// Errors here mean rows that this program did not write.
[[nodiscard]] Result<Campaign> read_campaign(const store::Rows::Row& row);
[[nodiscard]] Result<Coupon> read_coupon(const store::Rows::Row& row);
[[nodiscard]] Result<Use> read_use(const store::Rows::Row& row);

}  // namespace dropline::coupons
