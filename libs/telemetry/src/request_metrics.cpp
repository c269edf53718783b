#include "dropline/telemetry/request_metrics.hpp"

#include <mutex>

namespace dropline::telemetry {

RequestMetrics::Route RequestMetrics::route(std::string_view listener, std::string_view name,
                                            int status) {
  {
    const std::shared_lock lock(mutex_);
    const auto found = routes_.find(RouteView(listener, name, status));
    if (found != routes_.end()) return found->second;
  }
  const std::string code = std::to_string(status);
  const Route fresh{
      metrics_.counter("dropline_http_requests_total", "Requests answered.",
                       {{"listener", listener}, {"route", name}, {"status", code}}),
      metrics_.histogram("dropline_http_request_seconds",
                         "From the first byte of a request to the hand-over of its answer.",
                         {{"listener", listener}, {"route", name}})};
  const std::lock_guard lock(mutex_);
  // A full map only costs a slower look-up; Metrics has folded the series by then.
  if (routes_.size() < Metrics::kMaxSeries) {
    routes_.try_emplace(RouteKey(listener, name, status), fresh);
  }
  return fresh;
}

RequestMetrics::Listener RequestMetrics::listener(std::string_view name) {
  {
    const std::shared_lock lock(mutex_);
    const auto found = listeners_.find(name);
    if (found != listeners_.end()) return found->second;
  }
  const Listener fresh{
      metrics_.counter("dropline_http_received_bytes_total", "Bytes of requests, head and body.",
                       {{"listener", name}}),
      metrics_.counter("dropline_http_sent_bytes_total", "Bytes of answers, head and body.",
                       {{"listener", name}}),
      metrics_.gauge("dropline_http_connections", "Connections open.", {{"listener", name}}),
      metrics_.gauge("dropline_http_streams", "Event streams open.", {{"listener", name}})};
  const std::lock_guard lock(mutex_);
  if (listeners_.size() < Metrics::kMaxSeries) listeners_.try_emplace(std::string(name), fresh);
  return fresh;
}

void RequestMetrics::request(std::string_view listener_name, std::string_view route_name,
                             int status, std::chrono::nanoseconds duration,
                             std::size_t received_bytes, std::size_t sent_bytes) {
  const Route its = route(listener_name, route_name, status);
  its.requests.add();
  its.duration.observe(duration);
  const Listener at = listener(listener_name);
  at.received.add(received_bytes);
  at.sent.add(sent_bytes);
}

void RequestMetrics::refusal(std::string_view listener_name, std::string_view reason) {
  metrics_
      .counter("dropline_http_refusals_total", "Requests and connections the server turned down.",
               {{"listener", listener_name}, {"reason", reason}})
      .add();
}

void RequestMetrics::connection(std::string_view listener_name, int change) {
  listener(listener_name).connections.add(change);
}

void RequestMetrics::stream(std::string_view listener_name, int change) {
  listener(listener_name).streams.add(change);
}

}  // namespace dropline::telemetry
