#include "dropline/deliveries/deliveries_queries.hpp"
#include "dropline/deliveries/deliveries_worker.hpp"
#include "scene.hpp"
#include "support/service/cluster.hpp"

using namespace dropline;
using namespace dropline::deliveries;
using namespace dropline::deliveries::testing;

namespace {

struct Depot : Cluster {
  Depot() : Cluster("deliveries", [] { return std::make_unique<DeliveriesWorker>(); }) {}
  [[nodiscard]] DeliveryState state(std::uint32_t id, std::uint32_t who) {
    return find_delivery(ground.session, order(id), member(who)).value().value().state;
  }
};

}  // namespace

TEST_CASE("the log tells a delivery's life in order") {
  Depot depot;
  Cluster::Process a(depot, "a");
  depot.say(paid(1, 1));
  depot.run({&a});
  depot.say(ship_delivery(1, 1), {.source = "ingress/a"});
  depot.say(close_delivery(1, 1));
  depot.say(deliver_delivery(1, 1), {.source = "ingress/a"});
  depot.say(ship_delivery(2, 1), {.source = "ingress/a"});
  depot.run({&a});
  CHECK(depot.types("deliveries.events") ==
        std::vector<std::string>{"DeliveryPreparing", "DeliveryShipped", "DeliveryShipped",
                                 "DeliveryDelivered", "DeliveryChangeRefused"});
  CHECK(depot.state(1, 1) == DeliveryState::delivered);
}

TEST_CASE("nobody without the services' key sends goods away, and keys must fit") {
  Depot depot;
  Cluster::Process a(depot, "a");
  depot.say(paid(1, 1));
  depot.run({&a});
  depot.say(ship_delivery(1, 1), {.sign = false});
  depot.say(close_delivery(1, 1), {.sign = false});
  depot.say(ship_delivery(1, 1), {.key = member(2).text()});
  depot.say(paid(2, 1), {.key = member(2).text()});
  depot.run({&a});
  CHECK(depot.types("deliveries.commands.dead").size() == 3);
  CHECK(depot.types("orders.events.dead").size() == 1);
  CHECK(depot.state(1, 1) == DeliveryState::preparing);
}

TEST_CASE("steps of an order that are not about its goods are passed over") {
  Depot depot;
  Cluster::Process a(depot, "a");
  depot.say(step<OrderReserved>(1, 1, OrderState::reserved, 1));
  depot.say(cancelled(1, 1));
  depot.run({&a});
  CHECK(depot.types("orders.events.dead").empty());
  CHECK(depot.ground.number("SELECT count(*) FROM {deliveries}") == 0);
}

TEST_CASE("two workers, a failing database and one that dies: of close and ship one wins") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    Depot depot;
    Shaky shaky;
    SeededRandom dice(seed);
    auto a = std::make_unique<Cluster::Process>(depot, "a", &shaky);
    Cluster::Process b(depot, "b");
    constexpr std::uint32_t kOrders = 60;
    for (std::uint32_t i = 1; i <= kOrders; ++i) {
      const auto who = i % 5;
      if (dice.below(4) != 0) depot.say(paid(i, who));
      for (int copies = 0; copies < 2; ++copies) {
        if (dice.below(2) == 0) depot.say(ship_delivery(i, who), {.source = "ingress/a"});
        if (dice.below(2) == 0) depot.say(close_delivery(i, who));
      }
      if (i == kOrders / 2) {
        depot.run({a.get(), &b}, 40);
        a->stream.kill();
        a.reset();
      }
      if (i % 7 == 0) {
        if (a) {
          depot.run({a.get(), &b}, 3);
        } else {
          depot.run({&b}, 3);
        }
      }
    }
    depot.clock.advance(10s);
    depot.run({&b}, 200);
    CHECK(shaky.failed > 0);
    CHECK(b.worker->health().empty());
    std::map<std::string, std::set<std::string>> ends;
    for (const auto& text : depot.read("deliveries.events", [](const auto& record) {
           return std::string(record.header("ce_subject").value_or("")) + ' ' +
                  std::string(record.header("ce_type").value_or(""));
         }))
      ends[text.substr(0, 36)].insert(text.substr(37));
    for (const auto& [id, types] : ends) {
      CAPTURE(id);
      CHECK_FALSE((types.contains("DeliveryShipped") && types.contains("DeliveryClosed")));
    }
    CHECK(depot.ground.number("SELECT count(*) FROM {deliveries} WHERE state = 'closed'") > 0);
    CHECK(depot.ground.number("SELECT count(*) FROM {deliveries} WHERE state = 'shipped'") > 0);
  }
}
