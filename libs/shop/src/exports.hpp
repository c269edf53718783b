#pragma once

#include "core.hpp"

namespace dropline::shop {

/// /v1/admin/exports/{orders,payments}: files for spreadsheets, of a drop and a period.
void add_export_routes(http::Router& router, const CorePtr& core);

}  // namespace dropline::shop
