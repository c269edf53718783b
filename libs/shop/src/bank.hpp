#pragma once

#include "core.hpp"

namespace dropline::shop {

/// POST /v1/bank-deposits: what the bank says came in.
void add_deposit_routes(http::Router& router, const CorePtr& core);

/// /v1/admin/deposits and /v1/admin/returns: money that matches nothing, and money that nobody
/// knows where to send.
void add_money_admin_routes(http::Router& router, const CorePtr& core);

}  // namespace dropline::shop
