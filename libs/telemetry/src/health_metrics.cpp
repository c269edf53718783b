#include "dropline/telemetry/health_metrics.hpp"

namespace dropline::telemetry {

std::vector<Metrics::Registration> measure_health(Metrics& metrics, Health& health) {
  std::vector<Metrics::Registration> registrations;
  registrations.push_back(metrics.sample(
      MetricKind::gauge, "dropline_ready", "1 when this process takes work, as /readyz says.",
      [&health](Metrics::Sample& out) { out(health.ready() ? 1 : 0); }));
  registrations.push_back(
      metrics.sample(MetricKind::gauge, "dropline_component_ready",
                     "1 when the component is ready.", [&health](Metrics::Sample& out) {
                       for (const Health::Line& line : health.report().lines) {
                         out({{"component", line.component}}, line.problem ? 0 : 1);
                       }
                     }));
  return registrations;
}

}  // namespace dropline::telemetry
