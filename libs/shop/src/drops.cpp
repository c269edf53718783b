// /v1/drops: made for everybody reloading at once. From memory, without a caller, under an ETag
// that changes only when something of the drop does.
#include "core.hpp"
#include "json_fields.hpp"
#include "page.hpp"
#include "tagged.hpp"

namespace dropline::shop {
namespace {

constexpr std::size_t kUsualPage = 20;
constexpr std::size_t kMaxPage = 100;

void write_offer(contracts::JsonWriter& out, const contracts::OfferLevel& offer) {
  out.open_object();
  write_field(out, "sku", offer.sku);
  write_field(out, "product", offer.product);
  write_field(out, "price", offer.price);
  write_field(out, "limit", offer.limit);
  write_field(out, "supplied", offer.supplied);
  write_field(out, "free", offer.free);
  write_field(out, "held", offer.allocated - offer.settled);
  write_field(out, "as_of", offer.at);
  out.close_object();
}

/// No unit is to be had, and none can come back unless its order is undone.
bool gone(const contracts::OfferLevel& offer) {
  return offer.free == 0 && offer.allocated == offer.settled;
}

void write_fields(contracts::JsonWriter& out, const Shelf::Drop& drop, Timestamp now) {
  const auto& level = drop.level;
  write_field(out, "drop", level.drop);
  if (drop.listing) write_field(out, "title", drop.listing->title);
  write_field(out, "state", phase_of(level, now));
  write_field(out, "sold_out", !drop.offers.empty() && std::ranges::all_of(drop.offers, gone));
  write_field(out, "revision", level.revision);
  write_field(out, "opens_at", level.opens_at);
  write_field(out, "closes_at", level.closes_at);
  write_field(out, "limit_per_member", level.limit_per_member);
  write_field(out, "product_limits", level.product_limits);
  out.name("offers");
  out.open_array();
  for (const auto& offer : drop.offers)
    write_offer(out, offer);
  out.close_array();
}

void get_drop(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto id = DropId::parse(exchange->request().path_parameter("id"));
  const auto drop = id ? core->shelf.drop(*id) : std::nullopt;
  if (!drop) {
    exchange->respond(http::not_found(exchange->request().language()).response());
    return;
  }
  const auto now = core->parts.clock.now();
  respond_tagged(exchange, now, [&](contracts::JsonWriter& out) { write_fields(out, *drop, now); });
}

void list_drops(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto after = page_after(exchange, DropId::parse);
  if (!after) return;
  const auto limit = page_limit(exchange, kUsualPage, kMaxPage);
  if (!limit) return;
  const auto drops = core->shelf.drops(*after, *limit);
  const auto now = core->parts.clock.now();
  respond_tagged(exchange, now, [&](contracts::JsonWriter& out) {
    out.name("drops");
    out.open_array();
    for (const auto& drop : drops) {
      out.open_object();
      write_fields(out, drop, now);
      out.close_object();
    }
    out.close_array();
    if (drops.size() == *limit) write_field(out, "next", drops.back().level.drop);
  });
}

}  // namespace

void add_drop_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/drops", "drops.list",
             [core](const http::ExchangePtr& exchange) { list_drops(core, exchange); });
  router.add(http::Method::get, "/v1/drops/{id}", "drops.show",
             [core](const http::ExchangePtr& exchange) { get_drop(core, exchange); });
}

}  // namespace dropline::shop
