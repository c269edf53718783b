// /v1/admin/shipments and /v1/admin/courier-reports: what operators and couriers do with a paid
// order's goods; /v1/orders/{id}/delivery: what its owner sees of it. Commands, answered when the
// log has them; deliveries decides at their offset and answers on deliveries.events.
#include "changes.hpp"
#include "dropline/crypto/seal.hpp"
#include "dropline/deliveries/deliveries_queries.hpp"
#include "json_fields.hpp"
#include "page.hpp"
#include "recipient.hpp"
#include "texts.hpp"

namespace dropline::shop {
namespace {

using contracts::kCarrierBounds;
using contracts::kWaybillBounds;
using deliveries::Delivery;
using deliveries::DeliveryState;

constexpr std::size_t kUsualPage = 20;
constexpr std::size_t kMaxPage = 100;

struct ShippingRequest {
  std::string carrier;
  std::string waybill;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("carrier", self.carrier, kCarrierBounds);
    visit("waybill", self.waybill, kWaybillBounds);
  }
};

struct WaybillRequest {
  std::string carrier;
  std::string waybill;
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("carrier", self.carrier, kCarrierBounds);
    visit("waybill", self.waybill, kWaybillBounds);
    visit("reason", self.reason, contracts::kReasonBounds);
  }
};

enum class CourierStatus { delivered };
constexpr auto names_of(CourierStatus) {
  return std::to_array<std::string_view>({"delivered"});
}

struct CourierRequest {
  std::string carrier;
  std::string waybill;
  CourierStatus status = CourierStatus::delivered;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("carrier", self.carrier, kCarrierBounds);
    visit("waybill", self.waybill, kWaybillBounds);
    visit("status", self.status);
  }
};

/// What everybody may know who may know of the delivery at all.
void write_progress(contracts::JsonWriter& out, const Delivery& delivery) {
  write_field(out, "order_id", delivery.key.order);
  write_field(out, "state", delivery.state);
  if (delivery.shipped) {
    write_field(out, "carrier", delivery.carrier);
    write_field(out, "waybill", delivery.waybill);
    write_field(out, "shipped_at", delivery.shipped->at);
  }
  if (delivery.delivered) write_field(out, "delivered_at", delivery.delivered->at);
  write_field(out, "reason", delivery.cause);
}

/// Sealed by a key that this ingress does not have, it stays sealed.
void write_recipient(contracts::JsonWriter& out, const Delivery& delivery,
                     const crypto::SealKey& key) {
  if (!delivery.recipient) return;
  const auto plain = crypto::open(key, delivery.recipient->sealed, delivery.key.order.text());
  const auto recipient =
      plain ? contracts::decode<Recipient>(*plain) : Result<Recipient>(plain.error());
  if (recipient) {
    write_field(out, "recipient", *recipient);
  } else {
    write_field(out, "recipient_sealed", delivery.recipient->sealed);
  }
}

void write_shipment(contracts::JsonWriter& out, const Delivery& delivery,
                    const crypto::SealKey& key) {
  out.open_object();
  write_progress(out, delivery);
  write_field(out, "member", delivery.key.member);
  write_field(out, "drop", delivery.drop);
  write_recipient(out, delivery, key);
  write_field(out, "opened_at", delivery.opened_at);
  out.close_object();
}

http::Response private_json(std::string body) {
  auto response = http::json_response(200, std::move(body));
  response.header("Cache-Control", "no-store");
  return response;
}

/// "<microseconds>.<order>", of the last row of a page.
std::string next_of(const Delivery& delivery) {
  return std::to_string(unix_us(delivery.opened_at)) + '.' + delivery.key.order.text();
}

std::optional<deliveries::Behind> parse_next(std::string_view text) {
  const auto end = parse_page_end(text, '.');
  if (!end) return std::nullopt;
  return deliveries::Behind{from_unix_us(end->time), OrderId(end->id)};
}

void list_shipments(const CorePtr& core, const http::ExchangePtr& exchange) {
  if (!identified_admin(*core, exchange)) return;
  const auto& request = exchange->request();
  auto state = std::optional(DeliveryState::preparing);
  if (const auto text = request.query("state")) state = contracts::parse_enum<DeliveryState>(*text);
  if (!state) {
    exchange->respond(http::bad_request(request.language(),
                                        "state: is one of preparing, shipped, delivered, closed")
                          .response());
    return;
  }
  const auto behind = page_after(exchange, parse_next);
  if (!behind) return;
  const auto limit = page_limit(exchange, kUsualPage, kMaxPage);
  if (!limit) return;
  respond_from_tables(core, exchange,
                      [&key = core->parts.keys.recipients, state = *state, behind = *behind,
                       limit = *limit](auto& session) -> Result<http::Response> {
                        const auto page = deliveries::deliveries_page(
                            session, state, behind, static_cast<std::int64_t>(limit));
                        if (!page) return page.error();
                        std::string body;
                        contracts::JsonWriter out(body);
                        out.open_object();
                        out.name("shipments");
                        out.open_array();
                        for (const auto& delivery : *page)
                          write_shipment(out, delivery, key);
                        out.close_array();
                        if (page->size() == limit) write_field(out, "next", next_of(page->back()));
                        out.close_object();
                        return private_json(std::move(body));
                      });
}

/// The order in the path, or has answered that there is none.
std::optional<OrderId> order_of(const http::ExchangePtr& exchange) {
  const auto id = OrderId::parse(exchange->request().path_parameter("id"));
  if (!id) exchange->respond(http::not_found(exchange->request().language()).response());
  return id;
}

void get_shipment(const CorePtr& core, const http::ExchangePtr& exchange) {
  if (!identified_admin(*core, exchange)) return;
  const auto id = order_of(exchange);
  if (!id) return;
  const auto language = exchange->request().language();
  respond_from_tables(core, exchange,
                      [&key = core->parts.keys.recipients, id = *id,
                       language](auto& session) -> Result<http::Response> {
                        const auto delivery = deliveries::find_delivery(session, id);
                        if (!delivery) return delivery.error();
                        if (!*delivery)
                          return http::not_found(language).retry_after(kRetryAfter).response();
                        std::string body;
                        contracts::JsonWriter out(body);
                        write_shipment(out, **delivery, key);
                        return private_json(std::move(body));
                      });
}

void get_delivery(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified(*core, exchange);
  if (!caller) return;
  const auto id = order_of(exchange);
  if (!id) return;
  const auto language = exchange->request().language();
  respond_from_tables(
      core, exchange,
      [id = *id, member = caller->member, language](auto& session) -> Result<http::Response> {
        const auto delivery = deliveries::find_delivery(session, id, member);
        if (!delivery) return delivery.error();
        if (!*delivery || (*delivery)->paid_version == 0)
          return http::not_found(language).retry_after(kRetryAfter).response();
        std::string body;
        contracts::JsonWriter out(body);
        out.open_object();
        write_progress(out, **delivery);
        out.close_object();
        return private_json(std::move(body));
      });
}

/// Gives the command of an order to the log once its member is known: records are keyed by member,
/// and an operator names the order alone.
template <class Command>
void send_for_order(const CorePtr& core, const http::ExchangePtr& exchange, Command command) {
  const auto language = exchange->request().language();
  const bool queued = core->reads->submit([core, exchange, command = std::move(command),
                                           language](Result<store::Session*> session) mutable {
    auto delivery = session ? deliveries::find_delivery(**session, command.order_id)
                            : Result<std::optional<Delivery>>(session.error());
    if (!delivery) {
      exchange->try_respond(
          http::unavailable(language, kRetryAfter, "the database cannot be read now").response());
    } else if (!*delivery) {
      exchange->try_respond(http::not_found(language).retry_after(kRetryAfter).response());
    } else {
      command.member = (*delivery)->key.member;
      send(core, exchange, command);
    }
  });
  if (!queued) exchange->try_respond(http::unavailable(language, kRetryAfter).response());
}

/// The number as it is kept, or has answered that this carrier gives out none like it.
std::optional<std::string> number_of(const http::ExchangePtr& exchange, const std::string& carrier,
                                     const std::string& waybill) {
  auto number = deliveries::waybill_of(carrier, waybill);
  if (!number)
    exchange->respond(
        problem(
            422, "bad_waybill",
            {"The carrier gives out no such number", "해당 택배사의 운송장 번호 형식이 아닙니다"},
            exchange->request().language())
            .detail("carrier: a-z, 0-9 and -; waybill: letters and digits, of a known "
                    "carrier in its own form")
            .response());
  return number;
}

template <class Command, class Body>
void change_waybill(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = order_of(exchange);
  if (!id) return;
  auto body = body_of<Body>(exchange);
  if (!body) return;
  auto number = number_of(exchange, body->carrier, body->waybill);
  if (!number) return;
  auto command = begin<Command>(core, *caller);
  command.order_id = *id;
  command.carrier = std::move(body->carrier);
  command.waybill = std::move(*number);
  if constexpr (requires { body->reason; }) command.reason = std::move(body->reason);
  send_for_order(core, exchange, std::move(command));
}

void deliver(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = order_of(exchange);
  if (!id) return;
  auto command = begin<contracts::DeliverDelivery>(core, *caller);
  command.order_id = *id;
  send_for_order(core, exchange, std::move(command));
}

/// One command for each order in the parcel. Those that arrived before are told nothing new, so a
/// report that is sent again does no harm.
void take_report(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto body = body_of<CourierRequest>(exchange);
  if (!body) return;
  const auto number = number_of(exchange, body->carrier, body->waybill);
  if (!number) return;
  const auto language = exchange->request().language();
  const bool queued = core->reads->submit([core, exchange, caller = *caller, language,
                                           carrier = body->carrier,
                                           number = *number](Result<store::Session*> session) {
    const auto parcel = session ? deliveries::under_waybill(**session, carrier, number)
                                : Result<std::vector<Delivery>>(session.error());
    if (!parcel) {
      exchange->try_respond(
          http::unavailable(language, kRetryAfter, "the database cannot be read now").response());
      return;
    }
    if (parcel->empty()) {
      exchange->try_respond(http::not_found(language).retry_after(kRetryAfter).response());
      return;
    }
    std::string answer;
    contracts::JsonWriter out(answer);
    out.open_object();
    out.name("orders");
    out.open_array();
    for (const auto& delivery : *parcel)
      out.plain(delivery.key.order.text());
    out.close_array();
    out.close_object();
    for (std::size_t i = 0; i < parcel->size(); ++i) {
      auto command = begin<contracts::DeliverDelivery>(core, caller);
      command.order_id = (*parcel)[i].key.order;
      command.member = (*parcel)[i].key.member;
      // The log keeps the order in which it was given them: with the last it has them all.
      const bool last = i + 1 == parcel->size();
      send_command(core, exchange, command, command.order_id.text(),
                   last ? std::optional(http::json_response(202, answer)) : std::nullopt);
    }
  });
  if (!queued) exchange->try_respond(http::unavailable(language, kRetryAfter).response());
}

}  // namespace

void add_delivery_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/orders/{id}/delivery", "orders.delivery",
             [core](const http::ExchangePtr& exchange) { get_delivery(core, exchange); });
}

void add_shipment_routes(http::Router& router, const CorePtr& core) {
  const auto add = [&](http::Method method, std::string_view path, std::string name, auto handler) {
    router.add(method, path, std::move(name),
               [core, handler](const http::ExchangePtr& exchange) { handler(core, exchange); });
  };
  using contracts::CorrectWaybill;
  using contracts::ShipDelivery;
  using http::Method;
  add(Method::get, "/v1/admin/shipments", "admin.shipments.list", list_shipments);
  add(Method::get, "/v1/admin/shipments/{id}", "admin.shipments.show", get_shipment);
  add(Method::post, "/v1/admin/shipments/{id}/shipping", "admin.shipments.ship",
      change_waybill<ShipDelivery, ShippingRequest>);
  add(Method::post, "/v1/admin/shipments/{id}/waybill", "admin.shipments.correct",
      change_waybill<CorrectWaybill, WaybillRequest>);
  add(Method::post, "/v1/admin/shipments/{id}/delivery", "admin.shipments.deliver", deliver);
  add(Method::post, "/v1/admin/courier-reports", "admin.couriers.report", take_report);
}

}  // namespace dropline::shop
