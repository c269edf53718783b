// What an order is answered.
#include <doctest/doctest.h>

#include "scene.hpp"

using namespace dropline;
using namespace dropline::stock::testing;

TEST_CASE("an order is in time from opens_at until just before closes_at, by append time") {
  struct Row {
    Timestamp at;
    const char* told;
  };
  for (const auto& row :
       {Row{kOpens - std::chrono::hours(24), "refused not_open"},
        Row{kOpens - kTick, "refused not_open"}, Row{kOpens, "reserved 10"},
        Row{kOpens + kTick, "reserved 10"}, Row{kCloses - kTick, "reserved 10"},
        Row{kCloses, "refused drop_closed"}, Row{kCloses + kTick, "refused drop_closed"}}) {
    Scene scene;
    scene.open(1, {terms("a", 10, 5)});
    scene.now = row.at;
    CAPTURE(unix_us(row.at) - unix_us(kOpens));
    CHECK(scene.buys(1, {{"a", 1}}) == row.told);
  }
}

TEST_CASE("a drop nobody opened is not open") {
  Scene scene;
  CHECK(scene.buys(1, {{"a", 1}}) == "refused not_open");
  CHECK(scene.buys(1, {{"a", 1}}, drop(2)) == "refused not_open");
}

TEST_CASE("standing and time of a drop are told apart") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  SUBCASE("paused while open") {
    REQUIRE(scene.turn<PauseDrop>() == "DropPaused");
    CHECK(scene.buys(1, {{"a", 1}}) == "refused paused");
    REQUIRE(scene.turn<ResumeDrop>() == "DropResumed");
    CHECK(scene.buys(1, {{"a", 1}}) == "reserved 10");
  }
  SUBCASE("paused before it opens: it is not open, which is nearer the truth") {
    REQUIRE(scene.turn<PauseDrop>() == "DropPaused");
    scene.now = kOpens - kTick;
    CHECK(scene.buys(1, {{"a", 1}}) == "refused not_open");
  }
  SUBCASE("paused past its end: it is closed") {
    REQUIRE(scene.turn<PauseDrop>() == "DropPaused");
    scene.now = kCloses;
    CHECK(scene.buys(1, {{"a", 1}}) == "refused drop_closed");
  }
  SUBCASE("ended, whatever the time") {
    REQUIRE(scene.turn<EndDrop>() == "DropEnded");
    CHECK(scene.buys(1, {{"a", 1}}) == "refused drop_closed");
    scene.now = kOpens - kTick;
    CHECK(scene.buys(1, {{"a", 1}}) == "refused drop_closed");
  }
}

TEST_CASE("what is not offered is unknown") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  scene.open(2, {terms("b", 10, 5)});
  REQUIRE(scene.put("c", 10, 5) == "OfferPut");
  CHECK(scene.buys(1, {{"x", 1}}) == "refused unknown_product x");
  CHECK(scene.buys(1, {{"b", 1}}) == "refused unknown_product b");
  CHECK(scene.buys(1, {{"c", 1}}) == "refused unknown_product c");
  CHECK(scene.buys(1, {{"a", 1}}, std::nullopt) == "refused unknown_product a");
  CHECK(scene.buys(1, {{"a", 1}, {"x", 1}}) == "refused unknown_product x");
  CHECK(scene.counts("a") == "5 5 0 0 0");
}

TEST_CASE("all lines or none") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5), terms("b", 20, 1), terms("c", 30, 0)});
  CHECK(scene.buys(1, {{"a", 2}, {"b", 1}}) == "reserved 40");
  CHECK(scene.buys(2, {{"a", 2}, {"b", 1}}) == "refused all_held b");
  CHECK(scene.buys(3, {{"c", 1}, {"a", 1}}) == "refused sold_out c");
  CHECK(scene.counts("a") == "5 3 2 0 0");
  CHECK(scene.counts("b") == "1 0 1 0 0");
}

TEST_CASE("sold out means that not even returns could serve the order") {
  Scene scene;
  scene.open(1, {terms("a", 10, 2), terms("b", 10, 1)});
  REQUIRE(scene.buys(1, {{"a", 1}}) == "reserved 10");
  const auto first = scene.last;
  REQUIRE(scene.buys(2, {{"a", 1}}) == "reserved 10");
  const auto second = scene.last;
  CHECK(scene.buys(3, {{"a", 1}}) == "refused all_held a");
  CHECK(scene.buys(3, {{"a", 3}}) == "refused sold_out a");
  REQUIRE(scene.settle({first}) == 1);
  CHECK(scene.buys(3, {{"a", 1}}) == "refused all_held a");
  CHECK(scene.buys(3, {{"a", 2}}) == "refused sold_out a");
  REQUIRE(scene.settle({second}) == 1);
  CHECK(scene.buys(3, {{"a", 1}}) == "refused sold_out a");
  SUBCASE("of two lines, the one that is gone for good decides") {
    REQUIRE(scene.buys(4, {{"b", 1}}) == "reserved 10");
    CHECK(scene.buys(5, {{"b", 1}, {"a", 1}}) == "refused sold_out a");
    CHECK(scene.buys(5, {{"b", 1}}) == "refused all_held b");
  }
  SUBCASE("a refund of a settled order serves later orders") {
    REQUIRE(scene.release({first}) == 1);
    CHECK(scene.counts("a") == "2 1 1 1 0");
    CHECK(scene.buys(6, {{"a", 1}}) == "reserved 10");
  }
}

TEST_CASE("ordinary offers are sold out, never held") {
  Scene scene;
  REQUIRE(scene.put("o", 10, 1) == "OfferPut");
  CHECK(scene.buys(1, {{"o", 1}}, std::nullopt) == "reserved 10");
  CHECK(scene.buys(2, {{"o", 1}}, std::nullopt) == "refused sold_out o");
}

TEST_CASE("the limit of an option counts every unreleased order of the member") {
  Scene scene;
  scene.open(1, {terms("a", 10, 100, 3), terms("b", 10, 100)});
  CHECK(scene.buys(1, {{"a", 4}}) == "refused limit_exceeded a");
  CHECK(scene.buys(1, {{"a", 2}}) == "reserved 20");
  const auto first = scene.last;
  CHECK(scene.buys(1, {{"a", 2}}) == "refused limit_exceeded a");
  CHECK(scene.buys(1, {{"b", 50}, {"a", 1}}) == "reserved 510");
  CHECK(scene.buys(1, {{"a", 1}}) == "refused limit_exceeded a");
  CHECK(scene.buys(2, {{"a", 3}}) == "reserved 30");
  REQUIRE(scene.settle({first}) == 1);
  CHECK(scene.buys(1, {{"a", 1}}) == "refused limit_exceeded a");
  REQUIRE(scene.release({first}) == 1);
  CHECK(scene.buys(1, {{"a", 3}}) == "refused limit_exceeded a");
  CHECK(scene.buys(1, {{"a", 2}}) == "reserved 20");
}

TEST_CASE("the limit of a product counts all its options") {
  Scene scene;
  auto command =
      Scene::terms_of(1, {terms("a", 10, 100), terms("b", 10, 100), terms("c", 10, 100, {}, 2)});
  command.terms.product_limits = std::vector{ProductLimit{product(1), 3}};
  scene.open(command);
  CHECK(scene.buys(1, {{"a", 2}, {"b", 2}}) == "refused limit_exceeded b");
  CHECK(scene.buys(1, {{"a", 2}, {"c", 9}}) == "reserved 110");
  CHECK(scene.buys(1, {{"b", 2}}) == "refused limit_exceeded b");
  CHECK(scene.buys(1, {{"b", 1}}) == "reserved 10");
  CHECK(scene.buys(1, {{"a", 1}}) == "refused limit_exceeded a");
  CHECK(scene.buys(1, {{"c", 9}}) == "reserved 90");
}

TEST_CASE("the limit of a drop counts everything in it, and nothing beside it") {
  Scene scene;
  auto command = Scene::terms_of(1, {terms("a", 10, 100), terms("b", 10, 100, {}, 2)});
  command.terms.limit_per_member = 3;
  scene.open(command);
  scene.open(2, {terms("a", 10, 100)});
  REQUIRE(scene.put("a", 10, 100) == "OfferPut");
  CHECK(scene.buys(1, {{"a", 50}}, drop(2)) == "reserved 500");
  CHECK(scene.buys(1, {{"a", 50}}, std::nullopt) == "reserved 500");
  CHECK(scene.buys(1, {{"a", 2}, {"b", 2}}) == "refused limit_exceeded b");
  CHECK(scene.buys(1, {{"a", 2}}) == "reserved 20");
  CHECK(scene.buys(1, {{"b", 2}}) == "refused limit_exceeded b");
  CHECK(scene.buys(1, {{"b", 1}}) == "reserved 10");
  CHECK(scene.buys(1, {{"b", 1}}) == "refused limit_exceeded b");
}

TEST_CASE("a limit that an ordinary offer is given later counts what members hold already") {
  Scene scene;
  REQUIRE(scene.put("o", 10, 100) == "OfferPut");
  REQUIRE(scene.buys(1, {{"o", 2}}, std::nullopt) == "reserved 20");
  const auto first = scene.last;
  REQUIRE(scene.put("o", 10, {}, 3) == "OfferPut");
  CHECK(scene.buys(1, {{"o", 2}}, std::nullopt) == "refused limit_exceeded o");
  CHECK(scene.buys(1, {{"o", 1}}, std::nullopt) == "reserved 10");
  REQUIRE(scene.release({first}, std::nullopt) == 1);
  CHECK(scene.buys(1, {{"o", 3}}, std::nullopt) == "refused limit_exceeded o");
  CHECK(scene.buys(1, {{"o", 2}}, std::nullopt) == "reserved 20");
}

TEST_CASE("a limit comes before units: who may have none need not hear of them") {
  Scene scene;
  scene.open(1, {terms("a", 10, 1, 1)});
  REQUIRE(scene.buys(1, {{"a", 1}}) == "reserved 10");
  CHECK(scene.buys(1, {{"a", 1}}) == "refused limit_exceeded a");
  CHECK(scene.buys(2, {{"a", 1}}) == "refused all_held a");
}

TEST_CASE("the expected total must be the price in force, which is told") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5), terms("b", 7, 5)});
  auto order = order_of(member(1), drop(1), {{"a", 1}, {"b", 2}}, "e1");
  SUBCASE("equal") {
    order.expected_total = won(24);
    CHECK(scene.place(order) == "reserved 24");
  }
  SUBCASE("lower") {
    order.expected_total = won(23);
    CHECK(scene.place(order) == "refused price_changed 24");
  }
  SUBCASE("higher") {
    order.expected_total = won(25);
    CHECK(scene.place(order) == "refused price_changed 24");
  }
  SUBCASE("of another currency") {
    order.expected_total = Money{24, Currency::parse("USD").value()};
    CHECK(scene.place(order) == "refused price_changed 24");
  }
}

TEST_CASE("a total beyond what can be written exactly is no price") {
  Scene scene;
  scene.open(1, {terms("a", kMaxExact, 5000), terms("b", kMaxExact / 2 + 1, 5000),
                 terms("c", kMaxExact / 1000, 5000)});
  CHECK(scene.buys(1, {{"a", 1}}) == "reserved " + std::to_string(kMaxExact));
  CHECK(scene.buys(1, {{"a", 2}}) == "refused price_changed a");
  CHECK(scene.buys(1, {{"a", 1'000}}) == "refused price_changed a");
  CHECK(scene.buys(1, {{"b", 1}, {"a", 1}}) == "refused price_changed a");
  CHECK(scene.buys(1, {{"b", 2}}) == "refused price_changed b");
  CHECK(scene.buys(1, {{"c", 1'000}}) == "reserved " + std::to_string(kMaxExact / 1000 * 1000));
  CHECK(scene.counts("b") == "5000 5000 0 0 0");
}

TEST_CASE("offers of two currencies do not make one order") {
  Scene scene;
  auto command = Scene::terms_of(1, {terms("a", 10, 5), terms("b", 10, 5)});
  command.terms.offers[1].price.currency = Currency::parse("USD").value();
  scene.open(command);
  CHECK(scene.buys(1, {{"a", 1}, {"b", 1}}) == "refused price_changed b");
}

TEST_CASE("an order judged in vain is refused once and for all") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  const auto order = order_of(member(1), drop(1), {{"a", 1}}, "k");
  CHECK(words(refuse_for_error(scene.book, order, scene.next())) == "refused internal_error");
  CHECK(scene.place(order) == "repeated refused internal_error");
  CHECK(scene.counts("a") == "5 5 0 0 0");
  SUBCASE("but an order that was judged stands") {
    REQUIRE(scene.buys(2, {{"a", 1}}) == "reserved 10");
    CHECK(words(refuse_for_error(scene.book, scene.last, scene.next())) == "repeated reserved");
    CHECK(scene.counts("a") == "5 4 1 0 0");
  }
}

TEST_CASE("the same order again changes nothing and is told what the first was told") {
  Scene scene;
  scene.open(1, {terms("a", 10, 1)});
  REQUIRE(scene.buys(1, {{"a", 1}}) == "reserved 10");
  const auto winner = scene.last;
  const auto place = scene.book.order(winner.order_id)->first;
  REQUIRE(scene.buys(2, {{"a", 1}}) == "refused all_held a");
  const auto loser = scene.last;
  REQUIRE(scene.settle({winner}) == 1);
  const auto before = scene.counts("a");

  const auto again = judge(scene.book, winner, scene.next());
  CHECK(words(again) == "repeated reserved");
  const auto& told = std::get<OrderRepeated>(again);
  CHECK(told.first == place);
  CHECK(told.place.offset == scene.offset - 1);
  CHECK(told.body_hash == body_hash(winner));
  CHECK(scene.place(loser) == "repeated refused all_held");
  CHECK(scene.counts("a") == before);

  SUBCASE("also when it is too late for others") {
    REQUIRE(scene.turn<EndDrop>() == "DropEnded");
    CHECK(scene.place(winner) == "repeated reserved");
  }
  SUBCASE("also after its units went back, without taking them again") {
    REQUIRE(scene.release({winner}) == 1);
    CHECK(scene.place(winner) == "repeated released");
    CHECK(scene.place(loser) == "repeated refused all_held");
    CHECK(scene.counts("a") == "1 1 0 0 0");
  }
  SUBCASE("lines in another order are the same order") {
    scene.open(2, {terms("a", 10, 5), terms("b", 10, 5)});
    REQUIRE(scene.place(order_of(member(3), drop(2), {{"a", 1}, {"b", 1}}, "x")) == "reserved 20");
    CHECK(scene.place(order_of(member(3), drop(2), {{"b", 1}, {"a", 1}}, "x")) ==
          "repeated reserved");
  }
}

TEST_CASE("another order under the same key is a conflict, and the first stands") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5), terms("b", 10, 5)});
  const auto first = order_of(member(1), drop(1), {{"a", 1}}, "k");
  REQUIRE(scene.place(first) == "reserved 10");
  auto other = order_of(member(1), drop(1), {{"a", 2}}, "k");
  const auto answer = judge(scene.book, other, scene.next());
  REQUIRE(words(answer) == "conflict");
  const auto& conflict = std::get<IdempotencyConflict>(answer);
  CHECK(conflict.body_hash == body_hash(other));
  CHECK(conflict.first_body_hash == body_hash(first));
  CHECK(conflict.first == scene.book.order(first.order_id)->first);
  CHECK(scene.place(order_of(member(1), drop(1), {{"b", 1}}, "k")) == "conflict");
  auto dearer = first;
  dearer.expected_total = won(10);
  CHECK(scene.place(dearer) == "conflict");
  auto by_card = first;
  by_card.payment.method = PaymentMethod::card;
  CHECK(scene.place(by_card) == "conflict");
  CHECK(scene.place(first) == "repeated reserved");
  CHECK(scene.counts("a") == "5 4 1 0 0");
  SUBCASE("the key of another member or drop is another order") {
    CHECK(scene.place(order_of(member(2), drop(1), {{"a", 1}}, "k")) == "reserved 10");
    CHECK(scene.place(order_of(member(1), drop(2), {{"a", 1}}, "k")) == "refused not_open");
  }
}

TEST_CASE("a winner's answer carries what payment needs") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5, {}, 7)});
  auto order = order_of(member(1), drop(1), {{"a", 2}}, "k");
  order.payment.method = PaymentMethod::bank;
  order.coupon = numbered<CouponId>(9, 1);
  scene.offset = 41;
  const auto answer = judge(scene.book, order, scene.next());
  const auto& reserved = std::get<StockReserved>(answer);
  CHECK(reserved.check());
  CHECK(reserved.lines == std::vector{PricedLine{sku("a"), product(7), 2, won(10), won(20)}});
  CHECK(reserved.payment.method == PaymentMethod::bank);
  CHECK(reserved.coupon == order.coupon);
  CHECK(reserved.place == LogPlace{3, 41});
  CHECK(reserved.placed_at == scene.now);
}
