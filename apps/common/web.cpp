#include "common/web.hpp"

#include <iostream>

#include "common/options.hpp"
#include "dropline/shop/operations.hpp"
#include "dropline/telemetry/request_metrics.hpp"

namespace dropline::apps {

/// Tells telemetry what the server does.
class Web::Observer final : public http::RequestObserver {
 public:
  Observer(telemetry::Metrics& metrics, const Clock& clock, telemetry::Tracer* tracer)
      : metrics_(metrics), clock_(clock), tracer_(tracer) {}

  void on_request(const http::Observation& seen) override {
    if (tracer_ && seen.request) trace(seen);
    metrics_.request(seen.listener, seen.route, seen.status, seen.duration, seen.request_bytes,
                     seen.response_bytes);
  }
  void on_refusal(std::string_view listener, http::Refusal refusal) override {
    metrics_.refusal(listener, http::to_text(refusal));
  }
  void on_connection(std::string_view listener, int change) override {
    metrics_.connection(listener, change);
  }
  void on_stream(std::string_view listener, int change) override {
    metrics_.stream(listener, change);
  }

 private:
  void trace(const http::Observation& seen) {
    const auto own = telemetry::TraceContext::parse(seen.request->trace().text());
    if (!own) return;
    const auto caller =
        telemetry::TraceContext::parse(seen.request->header("traceparent").value_or(""));
    tracer_->record_as("http: " + std::string(seen.route), *own,
                       caller ? caller->span : telemetry::SpanId{},
                       clock_.now() - std::chrono::floor<Timestamp::duration>(seen.duration),
                       seen.duration, {{"listener", seen.listener}, {"status", seen.status}});
  }

  telemetry::RequestMetrics metrics_;
  const Clock& clock_;
  telemetry::Tracer* tracer_;
};

Web::~Web() = default;

Result<std::unique_ptr<Web>> Web::start(const config::Settings& settings, Process& process,
                                        const Keys& keys, stream::Stream& stream,
                                        const store::Database& database) {
  auto rules = caller_rules(settings, keys);
  if (!rules) return rules.error();
  const auto address = settings.address("http.address");
  std::unique_ptr<Web> web(new Web());
  shop::ApiOptions options;
  options.name = settings.text("http.name");
  options.topic_prefix = settings.text("topics.prefix");
  options.partitions = static_cast<std::int32_t>(settings.integer("topics.partitions"));
  options.callers = std::move(*rules);
  options.read_threads = static_cast<std::size_t>(settings.integer("http.read_threads"));
  options.max_wait = settings.duration<std::chrono::seconds>("http.max_wait");
  const auto rate = [&](const char* policy, const std::string& name) {
    return shop::RateRule{policy, settings.integer(name), settings.integer(name + "_burst")};
  };
  options.member_rate = rate("member", "http.member_rate");
  options.address_rate = rate("address", "http.address_rate");
  options.cors_origins = settings.list("http.cors_origins");
  auto api = shop::Api::start(
      {stream,
       database,
       process.clock,
       process.random,
       process.metrics,
       process.health,
       {keys.commands, keys.receipts, keys.recipients, keys.digests, keys.gateway, keys.bank}},
      std::move(options));
  if (!api) return api.error();
  web->api_ = std::move(*api);
  web->observer_ = std::make_unique<Observer>(process.metrics, process.clock, process.tracing);
  auto server = server_options(settings);
  server.observer = web->observer_.get();
  server.clock = &process.clock;
  std::vector<http::ListenerOptions> listeners;
  listeners.push_back(
      {.name = "public",
       .address = address.host == "localhost" ? "127.0.0.1" : address.host,
       .port = address.port,
       .router = web->api_->public_routes(),
       .before = [&api = *web->api_](const http::ExchangePtr& exchange) { api.admit(exchange); },
       .after = [&api = *web->api_](const http::Request& request,
                                    http::Response& response) { api.finish(request, response); }});
  if (settings.has("admin.address")) {
    const auto admin = settings.address("admin.address");
    listeners.push_back({.name = "admin",
                         .address = admin.host,
                         .port = admin.port,
                         .router = web->api_->admin_routes()});
  }
  auto started = http::Server::start(server, std::move(listeners));
  if (!started) return started.error();
  web->server_ = std::move(*started);
  log::info("listening", {{"address", address.host + ':' + std::to_string(web->server_->port())}});
  return web;
}

void Web::drain(std::chrono::milliseconds limit) {
  server_->announce_drain();
  server_->drain(limit / 2);
  api_->drain(limit / 2);
}

Result<std::unique_ptr<http::Server>> start_operations(const config::Settings& settings,
                                                       Process& process) {
  if (!settings.has("admin.address")) return std::unique_ptr<http::Server>();
  const auto address = settings.address("admin.address");
  http::ServerOptions options;
  options.io_threads = 1;
  std::vector<http::ListenerOptions> listeners(1);
  listeners[0].name = "admin";
  listeners[0].address = address.host;
  listeners[0].port = address.port;
  shop::add_operation_routes(listeners[0].router, process.health, process.metrics);
  return http::Server::start(options, std::move(listeners));
}

int fail(const Error& error) {
  log::flush(std::chrono::seconds(1));
  std::cerr << "dropline: " << error.detail << " [" << error.code.category().name() << ": "
            << error.code.message() << "]\n";
  return &error.code.category() == &config::category() ? config::kExitUsage : 1;
}

}  // namespace dropline::apps
