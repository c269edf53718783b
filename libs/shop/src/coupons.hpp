#pragma once

#include "core.hpp"

namespace dropline::coupons {
struct Owned;
}

namespace dropline::shop {

/// A coupon as its member sees it.
void write_coupon(contracts::JsonWriter& out, const coupons::Owned& owned);

/// POST /v1/coupon-campaigns/{id}/coupons, GET /v1/coupons: what shoppers do.
void add_coupon_routes(http::Router& router, const CorePtr& core);

/// /v1/admin/coupon-campaigns: what operators do.
void add_campaign_routes(http::Router& router, const CorePtr& core);

}  // namespace dropline::shop
