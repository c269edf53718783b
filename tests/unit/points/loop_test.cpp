#include "dropline/points/points_queries.hpp"
#include "dropline/points/points_worker.hpp"
#include "support/service/cluster.hpp"
#include "support/service/orders.hpp"

using namespace dropline;
using namespace dropline::points;
using namespace dropline::contracts;
using namespace dropline::testing;

namespace {

struct Office : Cluster {
  Office() : Cluster("points", [] { return std::make_unique<PointsWorker>(Terms{500}); }) {}
  void check_tables() {
    CHECK(ground.number("SELECT count(*) FROM {balances} AS b WHERE balance <> (SELECT "
                        "sum(points) FROM {entries} AS e WHERE e.member = b.member) OR entries <> "
                        "(SELECT count(*) FROM {entries} AS e WHERE e.member = b.member)") == 0);
    CHECK(ground.number("SELECT count(*) FROM (SELECT order_id FROM {entries} WHERE kind = "
                        "'accrual' GROUP BY order_id HAVING count(*) <> 1) AS odd") == 0);
  }
};

}  // namespace

TEST_CASE("what is given and taken is told in order, and nothing is told of no points") {
  Office office;
  Cluster::Process a(office, "a");
  office.say(paid(1, 1, {{"TEE-M", 1, 10'000}}));
  office.say(paid(2, 1, {{"TEE-M", 1, 10}}));
  office.say(
      refunded<OrderPartlyRefunded>(1, 1, {{"TEE-M", 1, 10'000}}, {{"TEE-M", 1, 5'000}}, 5'000, 3));
  office.say(cancelled(2, 1, {{"TEE-M", 1, 10}}));
  office.say(
      refunded<OrderRefunded>(1, 1, {{"TEE-M", 1, 10'000}}, {{"TEE-M", 1, 5'000}}, 10'000, 4));
  office.run({&a});
  CHECK(office.types("points.events") ==
        std::vector<std::string>{"PointsAccrued", "PointsReversed", "PointsReversed"});
  CHECK(find_balance(office.ground.session, member(1)).value().balance == 0);
  office.check_tables();
}

TEST_CASE("a record of another member's key is set aside") {
  Office office;
  Cluster::Process a(office, "a");
  office.say(paid(1, 1), {.key = member(2).text()});
  office.run({&a});
  CHECK(office.types("orders.events.dead").size() == 1);
  CHECK(office.types("points.events").empty());
}

TEST_CASE("two workers, a failing database, copies and one that dies: the ledger stays whole") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    Office office;
    Shaky shaky;
    SeededRandom dice(seed);
    auto a = std::make_unique<Cluster::Process>(office, "a", &shaky);
    Cluster::Process b(office, "b");
    std::map<std::uint32_t, std::int64_t> expected;
    for (std::uint32_t i = 1; i <= 80; ++i) {
      const auto who = i % 6;
      const auto price = static_cast<std::int64_t>(dice.below(50'000));
      const std::vector<Bought> lines{{"TEE-M", 1, price}};
      office.say(paid(i, who, lines));
      expected[who] += price * 500 / 10'000;
      if (dice.below(3) == 0) {
        office.say(cancelled(i, who, lines));
        expected[who] -= price * 500 / 10'000;
      }
      // A copy under another source: no watermark knows it.
      if (dice.below(3) == 0) office.say(paid(i, who, lines), {.source = "ordering/3"});
      if (i % 9 == 0 && a) office.run({a.get(), &b}, 3);
      if (i == 40) {
        office.run({a.get(), &b}, 40);
        a->stream.kill();
        a.reset();
      }
    }
    office.clock.advance(10s);
    office.run({&b}, 200);
    CHECK(shaky.failed > 0);
    CHECK(b.worker->health().empty());
    for (const auto& [who, balance] : expected)
      CHECK(find_balance(office.ground.session, member(who)).value().balance == balance);
    office.check_tables();
  }
}
