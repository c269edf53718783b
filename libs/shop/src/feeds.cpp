// /v1/admin/feeds: what another platform has not taken yet.
#include "core.hpp"
#include "dropline/feeds/feeds_queries.hpp"
#include "json_fields.hpp"

namespace dropline::shop {
namespace {

constexpr std::int64_t kStuckShown = 20;

void get_feeds(const CorePtr& core, const http::ExchangePtr& exchange) {
  if (!identified_admin(*core, exchange)) return;
  respond_from_tables(core, exchange, [](auto& session) -> Result<http::Response> {
    const auto backlog = feeds::read_backlog(session);
    if (!backlog) return backlog.error();
    const auto stuck = feeds::read_stuck(session, kStuckShown);
    if (!stuck) return stuck.error();
    std::string body;
    contracts::JsonWriter out(body);
    out.open_object();
    write_field(out, "events", backlog->events);
    write_field(out, "members", backlog->members);
    write_field(out, "oldest", backlog->oldest);
    out.name("repeated");
    out.open_array();
    for (const auto& call : *stuck) {
      out.open_object();
      write_field(out, "event", call.event);
      write_field(out, "type", call.kind);
      write_field(out, "attempts", call.attempts);
      write_field(out, "next_at", call.due_at);
      out.close_object();
    }
    out.close_array();
    out.close_object();
    auto response = http::json_response(200, std::move(body));
    response.header("Cache-Control", "no-store");
    return response;
  });
}

}  // namespace

void add_feed_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/admin/feeds", "admin.feeds.show",
             [core](const http::ExchangePtr& exchange) { get_feeds(core, exchange); });
}

}  // namespace dropline::shop
