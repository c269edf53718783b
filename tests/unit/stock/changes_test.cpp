// Changes of drops and offers.
#include <doctest/doctest.h>

#include "scene.hpp"

using namespace dropline;
using namespace dropline::stock::testing;

TEST_CASE("terms move until the drop opens and not after, by append time") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  auto second = Scene::terms_of(1, {terms("a", 12, 7), terms("b", 1, 1)}, 2);
  SUBCASE("in the last moment") {
    scene.now = kOpens - kTick;
    CHECK(scene.ask(second) == "DropOpened");
    scene.now = kOpens;
    CHECK(scene.counts("a") == "7 7 0 0 0");
    CHECK(scene.buys(1, {{"a", 1}, {"b", 1}}) == "reserved 13");
  }
  SUBCASE("a moment too late") {
    CHECK(scene.ask(second) == "refused terms_fixed");
    CHECK(scene.counts("a") == "5 5 0 0 0");
  }
  SUBCASE("to another time, and so again open to change") {
    scene.now = kOpens - kTick;
    second.terms.opens_at = kOpens + std::chrono::minutes(30);
    CHECK(scene.ask(second) == "DropOpened");
    scene.now = kOpens;
    CHECK(scene.buys(1, {{"a", 1}}) == "refused not_open");
    CHECK(scene.ask(Scene::terms_of(1, {terms("a", 10, 5)}, 3)) == "DropOpened");
    CHECK(scene.buys(1, {{"a", 1}}) == "reserved 10");
  }
  SUBCASE("an old revision is refused, also the same one") {
    scene.now = kOpens - kTick;
    REQUIRE(scene.ask(second) == "DropOpened");
    CHECK(scene.ask(Scene::terms_of(1, {terms("a", 1, 1)}, 2)) == "refused old_revision");
    CHECK(scene.ask(Scene::terms_of(1, {terms("a", 1, 1)}, 1)) == "refused old_revision");
    CHECK(scene.ask(Scene::terms_of(1, {terms("a", 1, 1)}, 9)) == "DropOpened");
  }
  SUBCASE("never again once it ended") {
    scene.now = kOpens - kTick;
    REQUIRE(scene.turn<EndDrop>() == "DropEnded");
    CHECK(scene.ask(second) == "refused already_ended");
  }
  SUBCASE("what is left out is no longer offered, and as good as new when it comes back") {
    scene.now = kOpens - kTick;
    REQUIRE(scene.ask(Scene::terms_of(1, {terms("b", 1, 1)}, 2)) == "DropOpened");
    CHECK(scene.counts("a") == "0 0 0 0 0");
    CHECK(scene.restock("a", 1) == "refused unknown_offer");
    SUBCASE("by revision") {
      CHECK(scene.ask(Scene::terms_of(1, {terms("a", 3, 4, {}, 2)}, 3)) == "DropOpened");
    }
    SUBCASE("by itself, even as another product's") {
      CHECK(scene.put("a", 3, 4, {}, drop(1), 2) == "OfferPut");
    }
    CHECK(scene.counts("a") == "4 4 0 0 0");
    scene.now = kOpens;
    CHECK(scene.buys(1, {{"a", 1}}) == "reserved 3");
  }
}

TEST_CASE("a log whose clock steps back cannot take back what was promised") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  REQUIRE(scene.buys(1, {{"a", 5}}) == "reserved 50");
  scene.now = kOpens - kTick;
  CHECK(scene.ask(Scene::terms_of(1, {terms("a", 10, 1)}, 2)) == "refused terms_fixed");
  CHECK(scene.counts("a") == "5 0 5 0 0");
}

TEST_CASE("pausing, resuming and ending answer by what the drop is") {
  Scene scene;
  CHECK(scene.turn<PauseDrop>() == "refused unknown_drop");
  CHECK(scene.turn<ResumeDrop>() == "refused unknown_drop");
  CHECK(scene.turn<EndDrop>() == "refused unknown_drop");
  scene.open(1, {terms("a", 10, 5)});
  CHECK(scene.turn<ResumeDrop>() == "refused not_paused");
  CHECK(scene.turn<PauseDrop>() == "DropPaused");
  CHECK(scene.turn<PauseDrop>() == "refused already_paused");
  SUBCASE("new terms do not resume it") {
    scene.now = kOpens - kTick;
    REQUIRE(scene.ask(Scene::terms_of(1, {terms("a", 1, 1)}, 2)) == "DropOpened");
    scene.now = kOpens;
    CHECK(scene.buys(1, {{"a", 1}}) == "refused paused");
  }
  SUBCASE("ended is for good") {
    CHECK(scene.turn<EndDrop>() == "DropEnded");
    CHECK(scene.turn<EndDrop>() == "refused already_ended");
    CHECK(scene.turn<PauseDrop>() == "refused already_ended");
    CHECK(scene.turn<ResumeDrop>() == "refused already_ended");
    CHECK(scene.restock("a", 1) == "refused already_ended");
    CHECK(scene.correct("a", -1) == "refused already_ended");
    CHECK(scene.put("a", 1, {}, {}, drop(1)) == "refused terms_fixed");
  }
}

TEST_CASE("units are added, and written off down to what is promised") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  REQUIRE(scene.buys(1, {{"a", 3}}) == "reserved 30");
  struct Row {
    std::int64_t delta;
    const char* told;
    const char* counts;
  };
  for (const auto& row :
       {Row{-3, "refused below_allocated", "5 2 3 0 0"}, Row{-2, "StockCorrected", "5 0 3 0 2"},
        Row{-1, "refused below_allocated", "5 0 3 0 2"}, Row{4, "StockCorrected", "9 4 3 0 2"},
        Row{-4, "StockCorrected", "9 0 3 0 6"}}) {
    CAPTURE(row.delta);
    CHECK(scene.correct("a", row.delta) == row.told);
    CHECK(scene.counts("a") == row.counts);
  }
  CHECK(scene.restock("a", 1) == "StockRestocked");
  CHECK(scene.counts("a") == "10 1 3 0 6");
}

TEST_CASE("what is written off before the drop opens is forgotten by new terms") {
  Scene scene;
  scene.now = kOpens - kTick;
  scene.open(1, {terms("a", 10, 5)});
  REQUIRE(scene.correct("a", -2) == "StockCorrected");
  REQUIRE(scene.ask(Scene::terms_of(1, {terms("a", 10, 5)}, 2)) == "DropOpened");
  CHECK(scene.counts("a") == "5 5 0 0 0");
}

TEST_CASE("no supply passes its bound") {
  Scene scene;
  scene.open(1, {terms("a", 1, kMaxUnits - 1)});
  CHECK(scene.restock("a", 2) == "refused too_many_units");
  CHECK(scene.correct("a", 2) == "refused too_many_units");
  CHECK(scene.restock("a", 1) == "StockRestocked");
  CHECK(scene.correct("a", 1) == "refused too_many_units");
  CHECK(scene.correct("a", -kMaxUnits) == "StockCorrected");
  CHECK(scene.counts("a") == "1000000000 0 0 0 1000000000");
}

TEST_CASE("no drop has more offers than its level can show") {
  Scene scene;
  scene.now = kOpens - kTick;
  std::vector<OfferTerms> offers;
  for (int i = 1; i < kMaxOffers; ++i)
    offers.push_back(terms("s" + std::to_string(i), 1, 1));
  scene.open(1, offers);
  CHECK(scene.put("last", 1, 1, {}, drop(1)) == "OfferPut");
  CHECK(scene.put("over", 1, 1, {}, drop(1)) == "refused too_many_units");
  CHECK(scene.put("last", 2, 1, {}, drop(1)) == "OfferPut");
  auto level = level_of(*scene.book.drop(drop(1)));
  level.version = 1;
  CHECK(decode<DropLevel>(encode(level)).has_value());
}

TEST_CASE("changes name their offer rightly or are refused") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  REQUIRE(scene.put("o", 1, 1, {}, std::nullopt, 4) == "OfferPut");
  CHECK(scene.restock("a", 1, drop(9)) == "refused unknown_drop");
  CHECK(scene.restock("x", 1) == "refused unknown_offer");
  CHECK(scene.restock("a", 1, drop(1), 2) == "refused wrong_product");
  CHECK(scene.restock("a", 1, std::nullopt) == "refused unknown_offer");
  CHECK(scene.restock("o", 1, std::nullopt, 1) == "refused wrong_product");
  CHECK(scene.restock("o", 1, std::nullopt, 4) == "StockRestocked");
  CHECK(scene.correct("x", 1) == "refused unknown_offer");
  CHECK(scene.correct("a", 1, drop(1), 2) == "refused wrong_product");
}

TEST_CASE("an offer of a drop is put only before it opens; an ordinary one any day") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  CHECK(scene.put("b", 1, 1, {}, drop(1)) == "refused terms_fixed");
  CHECK(scene.put("a", 1, 1, {}, drop(1)) == "refused terms_fixed");
  CHECK(scene.put("b", 1, 1, {}, drop(7)) == "refused unknown_drop");
  scene.now = kOpens - kTick;
  CHECK(scene.put("b", 1, 2, {}, drop(1)) == "OfferPut");
  CHECK(scene.put("a", 11, 99, 2, drop(1)) == "OfferPut");
  CHECK(scene.put("a", 11, {}, {}, drop(1), 2) == "refused wrong_product");
  scene.now = kOpens;
  CHECK(scene.counts("a") == "5 5 0 0 0");
  CHECK(scene.buys(1, {{"a", 3}}) == "refused limit_exceeded a");
  CHECK(scene.buys(1, {{"a", 2}, {"b", 2}}) == "reserved 24");

  CHECK(scene.put("o", 5) == "OfferPut");
  CHECK(scene.counts("o", std::nullopt) == "0 0 0 0 0");
  CHECK(scene.buys(1, {{"o", 1}}, std::nullopt) == "refused sold_out o");
  REQUIRE(scene.restock("o", 3, std::nullopt) == "StockRestocked");
  CHECK(scene.buys(1, {{"o", 1}}, std::nullopt) == "reserved 5");
  CHECK(scene.put("o", 6, 100) == "OfferPut");
  CHECK(scene.counts("o", std::nullopt) == "3 2 1 0 0");
  CHECK(scene.buys(1, {{"o", 1}}, std::nullopt) == "reserved 6");
  CHECK(scene.put("o", 6, {}, {}, std::nullopt, 2) == "refused wrong_product");
}

TEST_CASE("an offer that is withdrawn sells nothing until it is put again, and keeps its units") {
  Scene scene;
  REQUIRE(scene.put("o", 10, 5) == "OfferPut");
  REQUIRE(scene.buys(1, {{"o", 2}}, std::nullopt) == "reserved 20");
  const auto bought = scene.last;
  CHECK(scene.withdraw("o") == "OfferPut");
  CHECK(level_of(scene.offer("o", std::nullopt)).withdrawn == true);
  CHECK(scene.buys(2, {{"o", 1}}, std::nullopt) == "refused unknown_product o");
  CHECK(scene.place(bought) == "repeated reserved");
  CHECK(scene.restock("o", 1, std::nullopt) == "StockRestocked");
  CHECK(scene.release({bought}, std::nullopt) == 1);
  CHECK(scene.counts("o", std::nullopt) == "6 6 0 0 0");
  CHECK(scene.put("o", 11) == "OfferPut");
  CHECK_FALSE(level_of(scene.offer("o", std::nullopt)).withdrawn.has_value());
  CHECK(scene.buys(2, {{"o", 1}}, std::nullopt) == "reserved 11");

  scene.now = kOpens - std::chrono::hours(2);
  scene.open(1, {terms("a", 10, 5)});
  CHECK(scene.withdraw("a", drop(1)) == "OfferPut");
  scene.now = kOpens;
  CHECK(scene.buys(3, {{"a", 1}}) == "refused unknown_product a");
  CHECK(scene.withdraw("a", drop(1)) == "refused terms_fixed");
  scene.now = kOpens - std::chrono::hours(2);
  CHECK(scene.ask(Scene::terms_of(1, {terms("a", 9, 4)}, 2)) == "DropOpened");
  scene.now = kOpens;
  CHECK(scene.buys(3, {{"a", 1}}) == "reserved 9");
}

TEST_CASE("a change is made once, and refused once, whatever comes under its id") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  Restock command;
  command.change = change_id(700);
  command.drop = drop(1);
  command.product = product(1);
  command.sku = sku("a");
  command.units = 2;
  CHECK(scene.ask(command) == "StockRestocked");
  CHECK(scene.ask(command).empty());
  command.units = 3;
  CHECK(scene.ask(command).empty());
  CHECK(scene.counts("a") == "7 7 0 0 0");
  PauseDrop pause;
  pause.change = change_id(700);
  pause.drop = drop(1);
  CHECK(scene.ask(pause).empty());
  CHECK(scene.buys(1, {{"a", 1}}) == "reserved 10");

  ResumeDrop early;
  early.change = change_id(701);
  early.drop = drop(1);
  CHECK(scene.ask(early) == "refused not_paused");
  REQUIRE(scene.turn<PauseDrop>() == "DropPaused");
  CHECK(scene.ask(early).empty());
  CHECK(scene.buys(1, {{"a", 1}}) == "refused paused");
}

TEST_CASE("answers to changes hold what their readers demand") {
  Scene scene;
  scene.open(1, {terms("a", 10, 5)});
  Restock command;
  command.change = change_id(1'000);
  command.product = product(4);
  command.sku = sku("none");
  command.units = 1;
  command.reason = "r";
  command.actor = {ActorKind::admin, "ann"};
  const auto ordinary = change(scene.book, command, scene.next());
  const auto& refused = std::get<DropChangeRefused>(ordinary);
  CHECK(refused.product == product(4));
  CHECK(refused.command == "Restock");
  CHECK(decode<DropChangeRefused>(encode(refused)).has_value());
  command.change = change_id(1'001);
  command.drop = drop(1);
  const auto of_drop = change(scene.book, command, scene.next());
  CHECK_FALSE(std::get<DropChangeRefused>(of_drop).product.has_value());
  CHECK(decode<DropChangeRefused>(encode(std::get<DropChangeRefused>(of_drop))).has_value());
}
