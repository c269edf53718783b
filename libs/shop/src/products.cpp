// /v1/products: what can be bought, and how much of it is left outside drops.
#include "core.hpp"
#include "json_fields.hpp"
#include "page.hpp"
#include "tagged.hpp"

namespace dropline::shop {
namespace {

constexpr std::size_t kUsualPage = 20;
constexpr std::size_t kMaxPage = 100;

void write_option(contracts::JsonWriter& out, const contracts::ProductOption& option,
                  const Shelf::Product& product) {
  out.open_object();
  write_field(out, "sku", option.sku);
  write_field(out, "name", option.name);
  const auto offer = std::ranges::find(product.offers, option.sku, &contracts::OfferLevel::sku);
  if (offer != product.offers.end() && !offer->withdrawn.value_or(false)) {
    write_field(out, "price", offer->price);
    write_field(out, "limit", offer->limit);
    write_field(out, "free", offer->free);
    write_field(out, "as_of", offer->at);
  }
  out.close_object();
}

void write_fields(contracts::JsonWriter& out, const Shelf::Product& product) {
  write_field(out, "product", product.state.product);
  write_field(out, "name", product.state.name);
  write_field(out, "description", product.state.description);
  write_field(out, "retired", product.state.retired);
  out.name("options");
  out.open_array();
  for (const auto& option : product.state.options)
    write_option(out, option, product);
  out.close_array();
}

void get_product(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto id = ProductId::parse(exchange->request().path_parameter("id"));
  const auto product = id ? core->shelf.product(*id) : std::nullopt;
  if (!product) {
    exchange->respond(http::not_found(exchange->request().language()).response());
    return;
  }
  respond_tagged(exchange, core->parts.clock.now(),
                 [&](contracts::JsonWriter& out) { write_fields(out, *product); });
}

void list_products(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto after = page_after(exchange, ProductId::parse);
  if (!after) return;
  const auto limit = page_limit(exchange, kUsualPage, kMaxPage);
  if (!limit) return;
  const auto products = core->shelf.products(*after, *limit);
  respond_tagged(exchange, core->parts.clock.now(), [&](contracts::JsonWriter& out) {
    out.name("products");
    out.open_array();
    for (const auto& product : products) {
      if (product.state.retired) continue;
      out.open_object();
      write_fields(out, product);
      out.close_object();
    }
    out.close_array();
    if (products.size() == *limit) write_field(out, "next", products.back().state.product);
  });
}

}  // namespace

void add_product_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/products", "products.list",
             [core](const http::ExchangePtr& exchange) { list_products(core, exchange); });
  router.add(http::Method::get, "/v1/products/{id}", "products.show",
             [core](const http::ExchangePtr& exchange) { get_product(core, exchange); });
}

}  // namespace dropline::shop
