#include "sales_checks.hpp"

#include <algorithm>

#include "dropline/contracts/orders_events.hpp"
#include "dropline/rankings/rankings_store.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what this file counts

std::map<std::int32_t, std::int64_t> read_by(const Shards& shards) {
  std::map<std::int32_t, std::int64_t> read;
  for (const auto& [key, row] : shards) {
    if (key.first != "rankings") continue;
    const auto positions = worker::parse_positions(row.positions);
    if (!positions) continue;
    const auto at = positions->find(topic::kOrdersEvents);
    read[key.second] = at == positions->end() ? 0 : at->second.next;
  }
  return read;
}

std::string name_of(const rankings::SaleKey& key) {
  return "rankings.sales hour=" + std::to_string(key.hour) + " sku=" + key.sku.text() +
         " shard=" + std::to_string(key.shard);
}

}  // namespace

void SalesChecks::announce(Outcomes& out) {
  out.announce("rankings_sales", "sales are counted as the log has them", Reach::at_rest);
}

SalesChecks::SalesChecks(Outcomes& out, store::Session& session, const Shards& shards)
    : out_(out), session_(session), recount_(read_by(shards)) {}

void SalesChecks::take(const stream::Record& record, const Envelope& envelope) {
  recount_.take(record);
  if (envelope.type != OrderPaid::kType) return;
  if (const auto paid = decode<OrderPaid>(envelope))
    for (const auto& line : paid->lines)
      products_[line.sku].insert(line.product);
}

Status SalesChecks::finish(const std::vector<stream::Extent>& extents) {
  const bool whole =
      std::ranges::all_of(extents, [](const auto& extent) { return extent.start == 0; });
  if (!whole) return {};
  auto live = rankings::load_sales(session_);
  if (!live && live.error().transient()) return live.error();
  if (!live) {
    out_.add("rankings_sales", "rankings.sales", live.error().detail);
    return {};
  }
  auto expected = recount_.sales();
  for (const auto& [key, sale] : *live) {
    const auto counted = expected.find(key);
    const auto units = counted == expected.end() ? 0 : counted->second.units;
    if (sale.units != units)
      out_.add("rankings_sales", name_of(key),
               std::to_string(sale.units) + " units, " + std::to_string(units) + " in the log");
    if (!products_[key.sku].contains(sale.product))
      out_.add("rankings_sales", name_of(key),
               "is of product " + sale.product.text() + ", of which it was never sold");
    if (counted != expected.end()) expected.erase(counted);
  }
  for (const auto& [key, sale] : expected)
    if (sale.units != 0)
      out_.add("rankings_sales", name_of(key),
               "there is no row, and " + std::to_string(sale.units) + " units in the log");
  return {};
}

}  // namespace dropline::audit
