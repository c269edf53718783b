#pragma once

#include <vector>

#include "dropline/telemetry/health.hpp"
#include "dropline/telemetry/metrics.hpp"

namespace dropline::telemetry {

/// dropline_ready and dropline_component_ready{component}, 1 or 0, asked at each scrape. Both must
/// outlive what is returned.
[[nodiscard]] std::vector<Metrics::Registration> measure_health(Metrics& metrics, Health& health);

}  // namespace dropline::telemetry
