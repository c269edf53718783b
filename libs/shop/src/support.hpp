#pragma once

#include "core.hpp"

namespace dropline::shop {

/// /v1/admin/orders, /v1/admin/drops/{id}/deadlines, /v1/admin/exports: what support does.
void add_support_routes(http::Router& router, const CorePtr& core);

}  // namespace dropline::shop
