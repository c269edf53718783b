#include "dropline/rankings/rankings_store.hpp"
#include "dropline/rankings/rankings_worker.hpp"
#include "dropline/rankings/rebuild.hpp"
#include "support/service/cluster.hpp"
#include "support/service/orders.hpp"

using namespace dropline;
using namespace dropline::rankings;
using namespace dropline::contracts;
using namespace dropline::testing;

namespace {

struct Office : Cluster {
  /// It is New Year of 2026, 09:00 in Seoul, a Thursday.
  Office() : Cluster("rankings", [] { return std::make_unique<RankingsWorker>(); }) {}
  /// The last snapshot of a window in the log, as "until: SKU units, …"; empty: none.
  std::string last(std::string_view window) {
    std::string text;
    std::int64_t version = 0;
    for (const auto& value : values("rankings.snapshots")) {
      const auto snapshot = decode<RankingSnapshot>(value).value();
      if (to_text(snapshot.window) != window) continue;
      CHECK(snapshot.version >= version);
      version = snapshot.version;
      text = rfc3339(snapshot.until) + ":";
      for (const auto& sku : snapshot.best)
        text += ' ' + sku.sku.text() + ' ' + std::to_string(sku.units);
    }
    return text;
  }
  Sales recounted() {
    Recount recount;
    auto consumer = outside.consumer().value();
    std::vector<stream::Position> from;
    for (std::int32_t p = 0; p < kPartitions; ++p)
      from.push_back({{"orders.events", p}, stream::Position::kStart});
    REQUIRE(consumer->assign(from));
    for (int quiet = 0; quiet < 3;) {
      const auto batch = consumer->poll(1'000, 0ms).value();
      quiet = batch.empty() ? quiet + 1 : 0;
      for (const auto& record : batch.records())
        recount.take(record);
    }
    return recount.sales();
  }
};

OrderPaid sold(std::uint32_t id, std::uint32_t who, const std::vector<Bought>& lines,
               Timestamp when) {
  auto out = paid(id, who, lines);
  out.paid_at = when;
  return out;
}

}  // namespace

TEST_CASE("what sells best of three days follows sales and refunds, and forgets") {
  Office office;
  Cluster::Process a(office, "a");
  office.run({&a}, 20);
  const auto now = office.clock.now();
  office.say(sold(1, 1, {{"TEE", 5}}, now));
  office.say(sold(2, 2, {{"CAP", 7}}, now));
  office.say(sold(3, 3, {{"TEE", 3}, {"BAG", 1}}, now));
  office.run({&a}, 200);
  CHECK(office.last("3d") == "2026-01-01T01:00:00Z: TEE 8 CAP 7 BAG 1");
  auto back = cancelled(1, 1, {{"TEE", 5}});
  back.paid_at = now;
  office.say(back);
  office.run({&a}, 200);
  CHECK(office.last("3d") == "2026-01-01T01:00:00Z: CAP 7 TEE 3 BAG 1");
  office.clock.advance(72h);
  office.run({&a}, 200);
  CHECK(office.last("3d") == "2026-01-04T01:00:00Z:");
}

TEST_CASE("the week's best stand from Friday to Friday, whatever goes back meanwhile") {
  Office office;
  Cluster::Process a(office, "a");
  office.run({&a}, 20);
  CHECK(office.last("week") == "2025-12-26T08:00:00Z:");
  office.say(sold(1, 1, {{"TEE", 5}}, office.clock.now()));
  office.run({&a}, 200);
  CHECK(office.last("week") == "2025-12-26T08:00:00Z:");
  office.clock.advance(std::chrono::duration_cast<std::chrono::microseconds>(
      parse_rfc3339("2026-01-02T17:00:30+09:00").value() - office.clock.now()));
  office.run({&a}, 20);
  CHECK(office.last("week") == "2025-12-26T08:00:00Z:");
  office.clock.advance(60s);
  office.run({&a}, 200);
  CHECK(office.last("week") == "2026-01-02T08:00:00Z: TEE 5");
  office.say(cancelled(1, 1, {{"TEE", 5}}));
  office.run({&a}, 200);
  CHECK(office.last("week") == "2026-01-02T08:00:00Z: TEE 5");
}

TEST_CASE("two workers, a failing database, copies and one that dies: live equals recounted") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    Office office;
    Shaky shaky;
    SeededRandom dice(seed);
    auto a = std::make_unique<Cluster::Process>(office, "a", &shaky);
    Cluster::Process b(office, "b");
    for (std::uint32_t i = 1; i <= 80; ++i) {
      const auto who = i % 6;
      const std::vector<Bought> lines{
          {dice.below(2) == 0 ? "TEE" : "CAP", static_cast<std::int32_t>(1 + dice.below(4))}};
      const auto when = kNewYear + std::chrono::hours(dice.below(30));
      office.say(sold(i, who, lines, when));
      // A copy: the same source says the same message again.
      if (dice.below(3) == 0)
        office.say(sold(i, who, lines, when), {.id = std::to_string(office.said) + "-0"});
      if (dice.below(3) == 0) {
        auto back = cancelled(i, who, lines);
        back.paid_at = when;
        office.say(back);
      }
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
    auto live = load_sales(office.ground.session).value();
    CHECK(differences(live, office.recounted(), 5) == std::vector<std::string>{});
    // And it can fail.
    live.begin()->second.units += 1;
    CHECK(differences(live, office.recounted(), 5).size() == 1);
  }
}
