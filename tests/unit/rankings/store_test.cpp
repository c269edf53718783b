#include "dropline/rankings/rankings_store.hpp"

#include "support/service/orders.hpp"
#include "support/service/place.hpp"

using namespace dropline;
using namespace dropline::rankings;
using namespace dropline::contracts;
using namespace dropline::testing;

namespace {

SaleKey key(Hour hour, std::string_view sku, std::int32_t shard) {
  return {hour, Sku::parse(sku).value(), shard};
}

}  // namespace

TEST_CASE("sales of shards and hours are added up, within the span and not beyond it") {
  ManualClock clock;
  Ground ground(clock, "rankings");
  REQUIRE(add(ground.session, {{key(10, "TEE", 0), {product(1), 5}},
                               {key(10, "TEE", 3), {product(1), 2}},
                               {key(11, "CAP", 1), {product(2), 6}},
                               {key(12, "TEE", 0), {product(1), 100}},
                               {key(9, "CAP", 0), {product(2), 100}}}));
  REQUIRE(add(ground.session,
              {{key(10, "TEE", 0), {product(1), -1}}, {key(11, "BAG", 2), {product(3), 6}}}));
  const auto best = best_in(ground.session, {10, 12}).value();
  REQUIRE(best.size() == 3);
  CHECK(best[0] == RankedSku{Sku::parse("BAG").value(), product(3), 6});
  CHECK(best[1] == RankedSku{Sku::parse("CAP").value(), product(2), 6});
  CHECK(best[2] == RankedSku{Sku::parse("TEE").value(), product(1), 6});
  CHECK(best_in(ground.session, {20, 30}).value().empty());
  CHECK(load_sales(ground.session).value().at(key(10, "TEE", 0)).units == 4);
}

TEST_CASE("no more than the best five are asked for, and none that sold nothing") {
  ManualClock clock;
  Ground ground(clock, "rankings");
  Sales sales;
  for (int i = 0; i < 40; ++i)
    sales[key(10 + i % 3, "SKU-" + std::to_string(i), i % 4)] = {product(1), i - 36};
  REQUIRE(add(ground.session, sales));
  CHECK(best_in(ground.session, {10, 13}).value().size() == 3);
  for (auto& [where, sale] : sales)
    sale.units = 100;
  REQUIRE(add(ground.session, sales));
  const auto best = best_in(ground.session, {10, 13}).value();
  CHECK(best.size() == 5);
  CHECK(best.front().sku.text() == "SKU-39");
}

TEST_CASE("a snapshot is read back as it was written, the last of its window") {
  ManualClock clock;
  Ground ground(clock, "rankings");
  RankingSnapshot snapshot;
  snapshot.window = RankingWindow::week;
  snapshot.version = 1;
  snapshot.from = time_of(100);
  snapshot.until = time_of(268);
  snapshot.as_of = kNewYear;
  REQUIRE(save_snapshot(ground.session, snapshot));
  snapshot.version = 2;
  snapshot.best = {{Sku::parse("TEE").value(), product(1), 7}};
  REQUIRE(save_snapshot(ground.session, snapshot));
  const auto all = load_snapshots(ground.session).value();
  REQUIRE(all.size() == 1);
  CHECK(all.front() == snapshot);
}
