#include "dropline/rankings/rankings_store.hpp"

#include "dropline/store/errors.hpp"
#include "dropline/store/table.hpp"

namespace dropline::rankings {
namespace {

using store::Type;

constexpr store::Column kSaleColumns[] = {{"hour", Type::int64},
                                          {"sku", Type::text},
                                          {"shard", Type::int64},
                                          {"product", Type::uuid},
                                          {"units", Type::int64}};
constexpr store::Table kSales{"rankings", "sales", kSaleColumns, 3};

constexpr store::Column kSnapshotColumns[] = {{"window_name", Type::text},
                                              {"version", Type::int64},
                                              {"until_hour", Type::int64},
                                              {"body", Type::text}};
constexpr store::Table kSnapshots{"rankings", "snapshots", kSnapshotColumns, 1};

// The product of a SKU is the one last sold under it, should a shop ever move an option.
constexpr store::Statement kBest{
    "best_of_span", "rankings",
    "SELECT s.sku, s.units, p.product FROM (SELECT sku, CAST(sum(units) AS bigint) AS units, "
    "max(hour) AS latest FROM {sales} WHERE hour >= :from AND hour < :until "
    "GROUP BY sku HAVING sum(units) > 0 ORDER BY sum(units) DESC, sku LIMIT :ranks) AS s "
    "JOIN {sales} AS p ON p.sku = s.sku AND p.hour = s.latest AND p.shard = (SELECT min(shard) "
    "FROM {sales} AS q WHERE q.sku = s.sku AND q.hour = s.latest) "
    "ORDER BY s.units DESC, s.sku"};

constexpr store::Statement kAllSales{"all_sales", "rankings",
                                     "SELECT hour, sku, shard, product, units FROM {sales} "
                                     "ORDER BY hour, sku, shard"};
constexpr store::Statement kAllSnapshots{"all_snapshots", "rankings",
                                         "SELECT body FROM {snapshots} ORDER BY window_name"};

Error damaged(std::string_view what) {
  return store::error(store::Errc::failed,
                      "rankings." + std::string(what) + " holds what this program never wrote");
}

}  // namespace

Status add(store::Session& session, const Sales& sales) {
  store::RowBuffer rows(kSales);
  rows.reserve(sales.size());
  for (const auto& [key, sale] : sales)
    rows.add(key.hour).add(key.sku.text()).add(key.shard).add(sale.product).add(sale.units);
  return store::add_to(session, kSales, rows);
}

Result<std::vector<contracts::RankedSku>> best_in(store::Session& session, const Span& span) {
  store::Params params;
  params.add("from", span.from).add("until", span.until).add("ranks", contracts::kMaxRanks);
  auto rows = store::query(session, kBest, params, {Type::text, Type::int64, Type::uuid});
  if (!rows) return rows.error();
  std::vector<Sum> sums;
  for (const auto row : *rows) {
    const auto sku = Sku::parse(row.text(0));
    if (!sku) return damaged("sales.sku");
    sums.push_back({*sku, row.id<ProductId>(2), row.int64(1)});
  }
  return best_of(std::move(sums));
}

Result<std::vector<contracts::RankingSnapshot>> load_snapshots(store::Session& session) {
  auto rows = store::query(session, kAllSnapshots, {}, {Type::text});
  if (!rows) return rows.error();
  std::vector<contracts::RankingSnapshot> all;
  for (const auto row : *rows) {
    auto snapshot = contracts::decode<contracts::RankingSnapshot>(row.text(0));
    if (!snapshot) return damaged("snapshots.body");
    all.push_back(std::move(*snapshot));
  }
  return all;
}

Status save_snapshot(store::Session& session, const contracts::RankingSnapshot& snapshot) {
  store::RowBuffer rows(kSnapshots);
  rows.add(contracts::to_text(snapshot.window)).add(snapshot.version);
  rows.add(hour_of(snapshot.until)).add(contracts::encode(snapshot));
  return store::upsert(session, kSnapshots, rows);
}

Result<Sales> load_sales(store::Session& session) {
  auto rows = store::query(session, kAllSales, {},
                           {Type::int64, Type::text, Type::int64, Type::uuid, Type::int64});
  if (!rows) return rows.error();
  Sales sales;
  for (const auto row : *rows) {
    const auto sku = Sku::parse(row.text(1));
    if (!sku) return damaged("sales.sku");
    sales[{row.int64(0), *sku, static_cast<std::int32_t>(row.int64(2))}] = {row.id<ProductId>(3),
                                                                            row.int64(4)};
  }
  return sales;
}

}  // namespace dropline::rankings
