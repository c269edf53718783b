// What happens to every public request before its handler, and to every answer after: pages of
// other origins (CORS), rate limits.
#include <algorithm>

#include "core.hpp"

namespace dropline::shop {
namespace {

constexpr const char* kMethods = "GET, HEAD, POST, OPTIONS";
constexpr const char* kRequestHeaders =
    "Accept-Language, Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, "
    "Prefer, traceparent";
constexpr const char* kAnswerHeaders =
    "ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After";
constexpr const char* kPreflightSeconds = "600";

/// What probes ask is answered however much else the address asks.
bool is_operation(const http::Request& request) {
  return request.path() == "/livez" || request.path() == "/readyz" || request.path() == "/metrics";
}

/// The origin to allow, as the page's browser has to be told; absent where there is none to allow.
std::optional<std::string> allowed_origin(const Api::Core& core, const http::Request& request) {
  const auto origin = request.header("origin");
  const auto& allowed = core.options.cors_origins;
  if (!origin || allowed.empty()) return std::nullopt;
  if (std::ranges::find(allowed, "*") != allowed.end()) return "*";
  if (std::ranges::find(allowed, *origin) == allowed.end()) return std::nullopt;
  return std::string(*origin);
}

}  // namespace

void Api::admit(const http::ExchangePtr& exchange) {
  const auto& request = exchange->request();
  if (!core_->address_rate.active() || is_operation(request)) return;
  const auto verdict = core_->address_rate.ask(request.client_address());
  if (!verdict.allowed) exchange->respond(rate_limited(verdict, request.language()));
}

void Api::finish(const http::Request& request, http::Response& response) {
  if (!core_->options.cors_origins.empty()) response.header("Vary", "Origin");
  if (const auto origin = allowed_origin(*core_, request)) {
    response.header("Access-Control-Allow-Origin", *origin)
        .header("Access-Control-Expose-Headers", kAnswerHeaders);
    // The server itself answers OPTIONS of what it knows.
    if (request.method() == http::Method::options && response.status == 204 &&
        request.header("access-control-request-method")) {
      response.header("Access-Control-Allow-Methods", kMethods)
          .header("Access-Control-Allow-Headers", kRequestHeaders)
          .header("Access-Control-Max-Age", kPreflightSeconds);
    }
  }
  if (response.has_header("RateLimit") || is_operation(request)) return;
  if (core_->member_rate.active() && request.bearer_token()) {
    const auto caller = core_->callers.identify(request);
    if (const auto* known = std::get_if<Caller>(&caller))
      return http::add_rate_limit(response, core_->member_rate.standing(known->member.text()));
  }
  if (core_->address_rate.active())
    http::add_rate_limit(response, core_->address_rate.standing(request.client_address()));
}

}  // namespace dropline::shop
