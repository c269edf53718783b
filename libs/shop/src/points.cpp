// /v1/points: what paid orders gave the caller, and what refunds took back.
#include "core.hpp"
#include "dropline/points/points_queries.hpp"
#include "json_fields.hpp"
#include "page.hpp"

namespace dropline::shop {
namespace {

constexpr std::size_t kUsualPage = 20;
constexpr std::size_t kMaxPage = 100;

void write_entry(contracts::JsonWriter& out, const points::Entry& entry) {
  out.open_object();
  write_field(out, "number", entry.number);
  write_field(out, "kind", entry.kind);
  write_field(out, "points", entry.points);
  write_field(out, "balance", entry.balance);
  write_field(out, "order_id", entry.order);
  write_field(out, "at", entry.at);
  out.close_object();
}

Result<http::Response> points_page(store::Session& session, const MemberId& member,
                                   std::optional<std::int64_t> before, std::size_t limit) {
  const auto balance = points::find_balance(session, member);
  if (!balance) return balance.error();
  const auto entries =
      points::points_page(session, member, before, static_cast<std::int64_t>(limit));
  if (!entries) return entries.error();
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  write_field(out, "balance", balance->balance);
  out.name("entries");
  out.open_array();
  for (const auto& entry : *entries)
    write_entry(out, entry);
  out.close_array();
  if (entries->size() == limit) write_field(out, "next", entries->back().number);
  out.close_object();
  auto response = http::json_response(200, std::move(body));
  response.header("Cache-Control", "no-store");
  return response;
}

void get_points(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto before = page_after(exchange, parse_page_number);
  if (!before) return;
  const auto limit = page_limit(exchange, kUsualPage, kMaxPage);
  if (!limit) return;
  respond_from_tables(core, exchange,
                      [member = caller->member, before = *before, limit = *limit](auto& session) {
                        return points_page(session, member, before, limit);
                      });
}

}  // namespace

void add_point_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/points", "points.show",
             [core](const http::ExchangePtr& exchange) { get_points(core, exchange); });
}

}  // namespace dropline::shop
