// /v1/admin: what operators ask of products, drops and offers. Commands, answered when the log has
// them; catalog and stock decide at their offset and answer on catalog.events and stock.events.
#include "changes.hpp"
#include "dropline/contracts/catalog_commands.hpp"
#include "dropline/contracts/orders_commands.hpp"

namespace dropline::shop {
namespace {

using namespace contracts;  // NOLINT: the commands are all this file is about

/// What the bodies have in common with the commands, less what the server fills in.
struct OpenRequest {
  DropId drop;
  std::optional<std::int64_t> revision;
  DropTerms terms;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("revision", self.revision, kVersionBounds);
    DropTerms::fields(self.terms, visit);
  }
  [[nodiscard]] Status check() const { return terms.check(); }
};

struct OfferRequest {
  std::optional<DropId> drop;
  ProductId product;
  Sku sku;
  Money price;
  std::optional<std::int64_t> units;
  std::optional<std::int64_t> limit;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("product", self.product);
    visit("sku", self.sku);
    visit("price", self.price);
    visit("units", self.units, kUnitBounds);
    visit("limit", self.limit, kLimitBounds);
  }
};

struct ProductRequest {
  LocalText name;
  std::optional<std::string> description;
  std::vector<ProductOption> options;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("name", self.name);
    visit("description", self.description, Bounds{0, 4'000});
    visit("options", self.options, Bounds{1, kMaxOptions});
  }
};

struct ScheduleRequest {
  LocalText title;
  DropTerms terms;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("title", self.title);
    DropTerms::fields(self.terms, visit);
  }
  [[nodiscard]] Status check() const { return terms.check(); }
};

struct CountRequest {
  std::optional<DropId> drop;
  ProductId product;
  std::int64_t units = 0;  ///< restock: more; correction: signed
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("drop", self.drop);
    visit("product", self.product);
    visit("units", self.units, Bounds{-kMaxUnits, kMaxUnits});
    visit("reason", self.reason, kReasonBounds);
  }
};

struct SwitchRequest {
  std::string reason;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("reason", self.reason, kReasonBounds);
  }
};

/// The product or drop in the path, or has answered that there is none.
template <class T>
std::optional<T> id_of(const http::ExchangePtr& exchange) {
  const auto id = T::parse(exchange->request().path_parameter("id"));
  if (!id) exchange->respond(http::not_found(exchange->request().language()).response());
  return id;
}

void put_product(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<ProductId>(exchange);
  if (!id) return;
  auto body = body_of<ProductRequest>(exchange);
  if (!body) return;
  auto command = begin<PutProduct>(core, *caller);
  command.product = *id;
  command.name = std::move(body->name);
  command.description = std::move(body->description);
  command.options = std::move(body->options);
  send(core, exchange, command);
}

void retire_product(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<ProductId>(exchange);
  if (!id) return;
  auto body = body_of<SwitchRequest>(exchange);
  if (!body) return;
  auto command = begin<RetireProduct>(core, *caller);
  command.product = *id;
  command.reason = std::move(body->reason);
  send(core, exchange, command);
}

void schedule_drop(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto id = id_of<DropId>(exchange);
  if (!id) return;
  auto body = body_of<ScheduleRequest>(exchange);
  if (!body) return;
  auto command = begin<ScheduleDrop>(core, *caller);
  command.drop = *id;
  command.title = std::move(body->title);
  command.terms = std::move(body->terms);
  send(core, exchange, command);
}

void open_drop(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  auto body = body_of<OpenRequest>(exchange);
  if (!body) return;
  auto command = begin<OpenDrop>(core, *caller);
  command.drop = body->drop;
  command.revision = body->revision.value_or(1);
  command.terms = std::move(body->terms);
  send(core, exchange, command);
}

template <class Command>
void switch_drop(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto drop = id_of<DropId>(exchange);
  if (!drop) return;
  auto body = body_of<SwitchRequest>(exchange);
  if (!body) return;
  auto command = begin<Command>(core, *caller);
  command.drop = *drop;
  command.reason = std::move(body->reason);
  send(core, exchange, command);
}

void put_offer(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  auto body = body_of<OfferRequest>(exchange);
  if (!body) return;
  auto command = begin<PutOffer>(core, *caller);
  command.drop = body->drop;
  command.product = body->product;
  command.sku = body->sku;
  command.price = body->price;
  command.units = body->units;
  command.limit = body->limit;
  send(core, exchange, command);
}

template <class Command>
void count_offer(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto caller = identified_admin(*core, exchange);
  if (!caller) return;
  const auto sku = Sku::parse(exchange->request().path_parameter("sku"));
  if (!sku) {
    exchange->respond(http::not_found(exchange->request().language()).response());
    return;
  }
  auto body = body_of<CountRequest>(exchange);
  if (!body) return;
  auto command = begin<Command>(core, *caller);
  command.drop = body->drop;
  command.product = body->product;
  command.sku = *sku;
  if constexpr (std::same_as<Command, Restock>) {
    command.units = body->units;
  } else {
    command.delta = body->units;
  }
  command.reason = std::move(body->reason);
  send(core, exchange, command);
}

}  // namespace

void add_admin_routes(http::Router& router, const CorePtr& core) {
  const auto post = [&](std::string_view path, std::string name, auto handler) {
    router.add(http::Method::post, path, std::move(name),
               [core, handler](const http::ExchangePtr& exchange) { handler(core, exchange); });
  };
  const auto put = [&](std::string_view path, std::string name, auto handler) {
    router.add(http::Method::put, path, std::move(name),
               [core, handler](const http::ExchangePtr& exchange) { handler(core, exchange); });
  };
  put("/v1/admin/products/{id}", "admin.products.put", put_product);
  post("/v1/admin/products/{id}/retirement", "admin.products.retire", retire_product);
  put("/v1/admin/drops/{id}", "admin.drops.schedule", schedule_drop);
  post("/v1/admin/drops", "admin.drops.open", open_drop);
  post("/v1/admin/drops/{id}/pause", "admin.drops.pause", switch_drop<PauseDrop>);
  post("/v1/admin/drops/{id}/resumption", "admin.drops.resume", switch_drop<ResumeDrop>);
  post("/v1/admin/drops/{id}/end", "admin.drops.end", switch_drop<EndDrop>);
  post("/v1/admin/offers", "admin.offers.put", put_offer);
  post("/v1/admin/offers/{sku}/restock", "admin.offers.restock", count_offer<Restock>);
  post("/v1/admin/offers/{sku}/correction", "admin.offers.correct", count_offer<CorrectStock>);
}

}  // namespace dropline::shop
