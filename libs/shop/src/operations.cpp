// What operators' tools ask of every process: alive, ready, metrics.
#include "dropline/shop/operations.hpp"

namespace dropline::shop {

void add_operation_routes(http::Router& router, telemetry::Health& health,
                          telemetry::Metrics& metrics) {
  const http::RouteOptions always{.always_admit = true};
  router.add(
      http::Method::get, "/livez", "livez",
      [](const http::ExchangePtr& exchange) {
        exchange->respond(http::text_response(200, "ok\n"));
      },
      always);
  router.add(
      http::Method::get, "/readyz", "readyz",
      [&health](const http::ExchangePtr& exchange) {
        const auto report = health.report();
        const bool verbose = exchange->request().query("verbose").has_value();
        const auto text = verbose ? report.text() : report.ready ? "ready\n" : "not ready\n";
        auto response = http::text_response(report.http_status(), text);
        response.header("Cache-Control", "no-store");
        exchange->respond(std::move(response));
      },
      always);
  router.add(
      http::Method::get, "/metrics", "metrics",
      [&metrics](const http::ExchangePtr& exchange) {
        http::Response response;
        response.content_type = telemetry::Metrics::kContentType;
        response.body = metrics.render();
        exchange->respond(std::move(response));
      },
      always);
}

}  // namespace dropline::shop
