// /v1/rankings: what sells best.
#include "core.hpp"
#include "json_fields.hpp"
#include "tagged.hpp"

namespace dropline::shop {
namespace {

void write_rank(contracts::JsonWriter& out, std::int64_t rank, const contracts::RankedSku& sku,
                const std::optional<Shelf::Product>& product) {
  out.open_object();
  write_field(out, "rank", rank);
  write_field(out, "sku", sku.sku);
  write_field(out, "product", sku.product);
  if (product) write_field(out, "name", product->state.name);
  write_field(out, "units", sku.units);
  out.close_object();
}

void get_ranking(const CorePtr& core, const http::ExchangePtr& exchange) {
  const auto language = exchange->request().language();
  const auto window =
      contracts::parse_enum<contracts::RankingWindow>(exchange->request().path_parameter("window"));
  if (!window) {
    exchange->respond(http::not_found(language).response());
    return;
  }
  const auto snapshot = core->charts.of(*window);
  if (!snapshot) {
    exchange->respond(
        http::unavailable(language, kRetryAfter, "nothing was added up yet").response());
    return;
  }
  respond_tagged(exchange, core->parts.clock.now(), [&](contracts::JsonWriter& out) {
    write_field(out, "window", snapshot->window);
    write_field(out, "from", snapshot->from);
    write_field(out, "until", snapshot->until);
    write_field(out, "as_of", snapshot->as_of);
    out.name("best");
    out.open_array();
    std::int64_t rank = 0;
    for (const auto& sku : snapshot->best)
      write_rank(out, ++rank, sku, core->shelf.product(sku.product));
    out.close_array();
  });
}

}  // namespace

void add_ranking_routes(http::Router& router, const CorePtr& core) {
  router.add(http::Method::get, "/v1/rankings/{window}", "rankings.show",
             [core](const http::ExchangePtr& exchange) { get_ranking(core, exchange); });
}

}  // namespace dropline::shop
