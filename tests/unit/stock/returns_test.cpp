// Units that go back, and units that stay.
#include <doctest/doctest.h>

#include "scene.hpp"

using namespace dropline;
using namespace dropline::stock::testing;

TEST_CASE("an order's units go back once") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5), terms("b", 10, 5)});
  REQUIRE(scene.buys(1, {{"a", 2}, {"b", 1}}) == "reserved 30");
  const auto order = scene.last;
  CHECK(scene.release({order}) == 1);
  CHECK(scene.release({order}) == 0);
  CHECK(scene.release({order, order}) == 0);
  CHECK(scene.counts("a") == "5 5 0 0 0");
  CHECK(scene.counts("b") == "5 5 0 0 0");
  CHECK(scene.book.order(order.order_id)->outcome == StockOutcome::released);
}

TEST_CASE("an order named twice in one command goes back once") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  REQUIRE(scene.buys(1, {{"a", 2}}) == "reserved 20");
  CHECK(scene.release({scene.last, scene.last}) == 1);
  CHECK(scene.counts("a") == "5 5 0 0 0");
}

TEST_CASE("what is not that member's order of that drop, or was granted nothing, is passed over") {
  Scene scene;
  scene.open(1, {terms("a", 10, 2)});
  scene.open(2, {terms("a", 10, 2)});
  REQUIRE(scene.put("a", 10, 2) == "OfferPut");
  REQUIRE(scene.buys(1, {{"a", 2}}) == "reserved 20");
  const auto order = scene.last;
  REQUIRE(scene.buys(2, {{"a", 1}}) == "refused all_held a");
  const auto refused = scene.last;
  const auto unknown = order_of(member(9), drop(1), {{"a", 1}}, "never");
  auto foreign = order;
  foreign.member = member(2);
  for (const auto& given : {refused, unknown, foreign}) {
    CHECK(scene.release({given}) == 0);
    CHECK(scene.settle({given}) == 0);
  }
  CHECK(scene.release({order}, drop(2)) == 0);
  CHECK(scene.release({order}, std::nullopt) == 0);
  CHECK(scene.settle({order}, drop(2)) == 0);
  CHECK(scene.settle({order}, std::nullopt) == 0);
  CHECK(scene.counts("a") == "2 0 2 0 0");
  CHECK(scene.release({refused, foreign, order, unknown}) == 1);
}

TEST_CASE("an order is settled once, and not after it went back") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  REQUIRE(scene.buys(1, {{"a", 2}}) == "reserved 20");
  const auto paid = scene.last;
  REQUIRE(scene.buys(2, {{"a", 1}}) == "reserved 10");
  const auto expired = scene.last;
  REQUIRE(scene.release({expired}) == 1);
  CHECK(scene.settle({paid, expired, paid}) == 1);
  CHECK(scene.counts("a") == "5 3 2 2 0");
  CHECK(scene.settle({paid}) == 0);
  CHECK(scene.counts("a") == "5 3 2 2 0");
  SUBCASE("a refund takes it back from both counts") {
    CHECK(scene.release({paid}) == 1);
    CHECK(scene.counts("a") == "5 5 0 0 0");
    CHECK(scene.settle({paid}) == 0);
  }
}

TEST_CASE("what goes back serves later orders only") {
  Scene scene;
  scene.open(1, {terms("a", 10, 1)});
  REQUIRE(scene.buys(1, {{"a", 1}}) == "reserved 10");
  const auto winner = scene.last;
  REQUIRE(scene.buys(2, {{"a", 1}}) == "refused all_held a");
  const auto loser = scene.last;
  REQUIRE(scene.release({winner}) == 1);
  CHECK(scene.place(loser) == "repeated refused all_held");
  CHECK(scene.buys(2, {{"a", 1}}) == "reserved 10");
}

TEST_CASE("units go back also when the drop is paused, closed or ended") {
  for (int i = 0; i < 3; ++i) {
    Scene scene;
    scene.open(1, {terms("a", 10, 1)});
    REQUIRE(scene.buys(1, {{"a", 1}}) == "reserved 10");
    if (i == 0) REQUIRE(scene.turn<PauseDrop>() == "DropPaused");
    if (i == 1) scene.now = kCloses + std::chrono::hours(100);
    if (i == 2) REQUIRE(scene.turn<EndDrop>() == "DropEnded");
    CHECK(scene.release({scene.last}) == 1);
    CHECK(scene.counts("a") == "1 1 0 0 0");
  }
}

TEST_CASE("ordinary orders are released and settled by member") {
  Scene scene;
  REQUIRE(scene.put("o", 10, 3) == "OfferPut");
  REQUIRE(scene.buys(1, {{"o", 1}}, std::nullopt) == "reserved 10");
  const auto first = scene.last;
  REQUIRE(scene.buys(2, {{"o", 1}}, std::nullopt) == "reserved 10");
  CHECK(scene.settle({first}, std::nullopt) == 1);
  CHECK(scene.release({scene.last}, std::nullopt) == 1);
  CHECK(scene.counts("o", std::nullopt) == "3 2 1 1 0");
}
