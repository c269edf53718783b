#pragma once

#include "dropline/http/router.hpp"
#include "dropline/telemetry/health.hpp"
#include "dropline/telemetry/metrics.hpp"

namespace dropline::shop {

/// What operators' tools ask of every process: `/livez`, `/readyz?verbose`, `/metrics`. Answered
/// also while the server has too much to do. Both must outlive the server.
void add_operation_routes(http::Router& router, telemetry::Health& health,
                          telemetry::Metrics& metrics);

}  // namespace dropline::shop
