// GET /v1/events: the caller's orders as they change, as server-sent events.
#include "core.hpp"
#include "coupons.hpp"
#include "dropline/coupons/coupons_queries.hpp"
#include "dropline/ordering/ordering_queries.hpp"
#include "json_fields.hpp"

namespace dropline::shop {
namespace {

/// How many orders a snapshot tells of: the newest.
constexpr std::int64_t kSnapshotOrders = 50;

std::string snapshot_of(const ordering::Page& page, const coupons::Page& owned) {
  std::string body;
  contracts::JsonWriter out(body);
  out.open_object();
  out.name("orders");
  out.open_array();
  for (const auto& order : page.orders)
    view_of(order).write(out);
  out.close_array();
  out.name("coupons");
  out.open_array();
  for (const auto& coupon : owned.coupons)
    write_coupon(out, coupon);
  out.close_array();
  out.close_object();
  std::string event;
  static_cast<void>(http::append_event(event, {"", "snapshot", body}));
  return event;
}

/// Reads what the caller missed, then lets the stream go on. Where the database cannot be read the
/// stream ends: the client comes back by itself.
void send_snapshot(const CorePtr& core, const MemberId& member, std::uint64_t ticket,
                   const http::EventStreamPtr& stream) {
  const bool queued =
      core->reads->submit([core, member, ticket, stream](Result<store::Session*> session) {
        const auto page = session ? ordering::orders_page(**session, member, ordering::Listing::all,
                                                          std::nullopt, kSnapshotOrders)
                                  : Result<ordering::Page>(session.error());
        if (!page) return stream->close();
        const auto owned =
            coupons::coupons_page(**session, member, std::nullopt, coupons::kMaxPage);
        if (!owned) return stream->close();
        core->live.begin(member, ticket, snapshot_of(*page, *owned));
      });
  if (!queued) stream->close();
}

void follow(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto last = Live::Place::parse(exchange->last_event_id());
  const auto language = exchange->request().language();
  if (core->live.streams_of(caller->member) >= Live::kMaxStreamsOfMember) {
    exchange->respond(http::too_many_requests(language, kRetryAfter)
                          .detail("this member follows on too many connections")
                          .response());
    return;
  }
  const auto stream = exchange->event_stream();
  if (!stream) return;
  const auto opened = core->live.open(caller->member, stream, last, caller->until);
  if (!opened) return stream->close();
  stream->on_closed([weak = std::weak_ptr(core), member = caller->member, ticket = opened->ticket] {
    if (const auto alive = weak.lock()) alive->live.close(member, ticket);
  });
  if (opened->wants_snapshot) send_snapshot(core, caller->member, opened->ticket, stream);
}

}  // namespace

void add_event_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/events", "events.follow",
             [core](const http::ExchangePtr& exchange) { follow(core, exchange); });
}

}  // namespace dropline::shop
