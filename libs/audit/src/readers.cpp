#include "readers.hpp"

#include "dropline/catalog/catalog_worker.hpp"
#include "dropline/coupons/coupons_worker.hpp"
#include "dropline/deliveries/deliveries_worker.hpp"
#include "dropline/ordering/ordering_worker.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/points/points_worker.hpp"
#include "dropline/rankings/rankings_worker.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "dropline/store/table.hpp"

namespace dropline::audit {

using store::Type;

const std::vector<worker::ServiceSpec>& services() {
  static const std::vector<worker::ServiceSpec> all{
      catalog::CatalogWorker().spec(),
      stock::StockWorker().spec(),
      coupons::CouponsWorker().spec(),
      payments::PaymentsWorker(payments::Terms{}).spec(),
      ordering::OrderingWorker(ordering::Terms{}).spec(),
      deliveries::DeliveriesWorker().spec(),
      points::PointsWorker().spec(),
      rankings::RankingsWorker().spec()};
  return all;
}

Result<Shards> read_shards(store::Session& session) {
  Shards shards;
  for (const auto& service : services()) {
    auto rows = store::query(
        session,
        {"audit shards", service.name,
         "SELECT shard, epoch, seq, positions, watermarks FROM {shards} ORDER BY shard"},
        {}, {Type::int64, Type::int64, Type::int64, Type::text, Type::text});
    if (!rows) return rows.error();
    for (const auto row : *rows) {
      const auto number = static_cast<std::int32_t>(row.int64(0));
      shards[{service.name, number}] = {worker::Shard(number), row.int64(1), row.int64(2),
                                        std::string(row.text(3)), std::string(row.text(4))};
    }
  }
  return shards;
}

Result<Backlog> read_backlog(store::Session& session) {
  Backlog backlog;
  for (const auto& service : services()) {
    auto rows = store::query(session,
                             {"audit outbox", service.name,
                              "SELECT shard, MIN(seq), MAX(seq), COUNT(*) FROM {outbox} "
                              "GROUP BY shard ORDER BY shard"},
                             {}, {Type::int64, Type::int64, Type::int64, Type::int64});
    if (!rows) return rows.error();
    for (const auto row : *rows) {
      const std::pair key{service.name, static_cast<std::int32_t>(row.int64(0))};
      backlog.oldest[key] = row.int64(1);
      backlog.newest[key] = row.int64(2);
      backlog.rows += row.int64(3);
    }
  }
  return backlog;
}

}  // namespace dropline::audit
