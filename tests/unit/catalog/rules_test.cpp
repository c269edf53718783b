// What may be said of products and drops, case by case.
#include "scene.hpp"

using namespace dropline;
using namespace dropline::catalog::testing;
using namespace std::chrono_literals;
namespace catalog = dropline::catalog;

TEST_CASE("a product is made, and replaced whole, each time with a higher version") {
  Scene scene;
  CHECK(scene.ask(put(1, 1, {option("a"), option("b")})) == "changed 1");
  auto command = put(2, 1, {option("b"), option("c")});
  command.name = {};
  command.name.ko = "새 이름";
  command.description = "text";
  CHECK(scene.ask(command) == "changed 2");
  const auto& state = scene.book.product(product(1))->state;
  CHECK_FALSE(state.name.en.has_value());
  CHECK(state.description == "text");
  CHECK(state.options == command.options);
  CHECK(state.version == 2);
  CHECK_FALSE(state.retired);
  CHECK(scene.book.product(product(1))->shard == 3);
}

TEST_CASE("options with a price are put on sale, and go off it when they lose price or place") {
  Scene scene;
  struct Row {
    std::vector<ProductOption> options;
    const char* offers;
  };
  const Row rows[] = {
      {{option("a"), option("b")}, ""},
      {{option("a", 10), option("b", 7, 2)}, "a 10; b 7 limit 2"},
      {{option("a", 12), option("b", 7)}, "a 12; b 7"},
      {{option("a"), option("b", 7, 1)}, "b 7 limit 1; a gone"},
      {{option("a", 9)}, "a 9; b gone limit 1"},
      {{option("c")}, "a gone"},
      {{option("c")}, ""},
      {{option("a", 1), option("b", 2), option("c", 3)}, "a 1; b 2; c 3"},
  };
  std::uint32_t change = 0;
  for (const auto& row : rows) {
    CAPTURE(change);
    REQUIRE(scene.ask(put(++change, 1, row.options)).starts_with("changed"));
    CHECK(scene.offers() == row.offers);
    for (const auto& offer : scene.last.offers) {
      CHECK(offer.partition_key() == product(1).text());
      CHECK_FALSE(offer.drop.has_value());
      CHECK_FALSE(offer.units.has_value());
      CHECK(offer.change == catalog::offer_change(change_id(change), offer.sku));
    }
  }
}

TEST_CASE("a SKU belongs to one product for ever") {
  Scene scene;
  REQUIRE(scene.ask(put(1, 1, {option("a")})) == "changed 1");
  CHECK(scene.ask(put(2, 2, {option("x"), option("a")})) == "refused sku_taken a");
  CHECK(scene.book.product(product(2)) == nullptr);
  CHECK_FALSE(scene.book.skus.contains(sku("x")));  // all or nothing
  REQUIRE(scene.ask(put(3, 1, {option("b")})) == "changed 2");
  CHECK(scene.ask(put(4, 2, {option("a")})) == "refused sku_taken a");
  CHECK(scene.ask(retire(5, 1)) == "changed 3");
  CHECK(scene.ask(put(6, 2, {option("b")})) == "refused sku_taken b");
  CHECK(scene.ask(put(7, 2, {option("x")})) == "changed 1");
  CHECK(scene.ask(put(8, 3, {option("A")})) == "changed 1");  // another name
}

TEST_CASE("a retired product goes off sale and stays so") {
  Scene scene;
  CHECK(scene.ask(retire(1, 1)) == "refused unknown_product");
  REQUIRE(scene.ask(put(2, 1, {option("a", 10, 2), option("b")})) == "changed 1");
  CHECK(scene.ask(retire(3, 1)) == "changed 2");
  CHECK(scene.offers() == "a gone limit 2");
  CHECK(scene.book.product(product(1))->state.retired);
  CHECK(scene.book.product(product(1))->state.options.size() == 2);
  CHECK(scene.ask(retire(4, 1)) == "refused retired");
  CHECK(scene.offers().empty());
  CHECK(scene.ask(put(5, 1, {option("a", 10)})) == "refused retired");
  CHECK(scene.offers().empty());
  CHECK(scene.ask(schedule(6, 1, {terms("a", 1)})) == "refused retired a");
}

TEST_CASE("a drop offers options of products that are sold") {
  Scene scene;
  REQUIRE(scene.ask(put(1, 1, {option("a"), option("b", 3)})) == "changed 1");
  REQUIRE(scene.ask(put(2, 2, {option("c")})) == "changed 1");
  struct Row {
    std::vector<OfferTerms> offers;
    const char* answer;
  };
  const Row rows[] = {
      {{terms("a", 9)}, "refused unknown_product a"},
      {{terms("a", 1), terms("c", 1)}, "refused unknown_sku c"},
      {{terms("z", 1)}, "refused unknown_sku z"},
      {{terms("a", 2)}, "refused unknown_sku a"},
      {{terms("a", 1), terms("b", 1), terms("c", 2)}, "changed 1"},
  };
  std::uint32_t change = 10;
  for (const auto& row : rows) {
    CAPTURE(row.answer);
    CHECK(scene.ask(schedule(++change, 1, row.offers)) == row.answer);
    CHECK(scene.last.proposal.has_value() == std::string_view(row.answer).starts_with("changed"));
  }
  // An option that its product no longer has is not offered anew.
  REQUIRE(scene.ask(put(20, 1, {option("b")})) == "changed 2");
  CHECK(scene.ask(schedule(21, 2, {terms("a", 1)})) == "refused unknown_sku a");
}

TEST_CASE("a drop's terms are proposed to stock under the command's own id") {
  Scene scene;
  REQUIRE(scene.ask(put(1, 1, {option("a")})) == "changed 1");
  auto command = schedule(7, 1, {terms("a", 1)});
  command.terms.limit_per_member = 2;
  REQUIRE(scene.ask(command) == "changed 1");
  const auto& proposal = scene.last.proposal.value();
  CHECK(proposal.change == command.change);
  CHECK(proposal.drop == drop(1));
  CHECK(proposal.revision == 1);
  CHECK(proposal.terms == command.terms);
  CHECK(proposal.actor == command.actor);
  CHECK(proposal.partition_key() == drop(1).text());
  const auto& listing = scene.book.drop(drop(1))->listing;
  CHECK(listing.terms == command.terms);
  CHECK(listing.title == command.title);
}

TEST_CASE("terms move until the drop opens and not after, by append time") {
  Scene scene;
  REQUIRE(scene.ask(put(1, 1, {option("a"), option("b")})) == "changed 1");
  REQUIRE(scene.ask(schedule(2, 1, {terms("a", 1)})) == "changed 1");
  auto later = schedule(3, 1, {terms("b", 1)});
  scene.now = kOpens - kTick;
  CHECK(scene.ask(later) == "changed 2");
  CHECK(scene.revision() == 2);
  later.change = change_id(4);
  later.terms.offers[0].units = 6;
  scene.now = kOpens;
  CHECK(scene.ask(later) == "refused drop_open");
  CHECK(scene.revision() == 0);
  later.change = change_id(5);
  scene.now = kCloses - kTick;
  CHECK(scene.ask(later) == "refused drop_open");
  later.change = change_id(6);
  scene.now = kCloses;
  CHECK(scene.ask(later) == "refused drop_ended");
  // A drop that was moved is open at its new time.
  scene.now = kBefore;
  auto moved = schedule(7, 1, {terms("a", 1)});
  moved.terms.opens_at = kOpens + 1min;
  CHECK(scene.ask(moved) == "changed 3");
  scene.now = kOpens + 30s;
  moved.change = change_id(8);
  moved.terms.offers[0].units = 1;
  CHECK(scene.ask(moved) == "changed 4");
  CHECK(scene.revision() == 4);
}

TEST_CASE("the title of an open drop may change where its terms stay") {
  Scene scene;
  REQUIRE(scene.ask(put(1, 1, {option("a")})) == "changed 1");
  REQUIRE(scene.ask(schedule(2, 1, {terms("a", 1)})) == "changed 1");
  REQUIRE(scene.ask(retire(3, 1)) == "changed 2");
  auto titled = schedule(4, 1, {terms("a", 1)});
  titled.title.en = "Better";
  scene.now = kOpens;
  CHECK(scene.ask(titled) == "changed 2");
  CHECK_FALSE(scene.last.proposal.has_value());
  CHECK(scene.book.drop(drop(1))->listing.title.en == "Better");
  CHECK(scene.book.drop(drop(1))->listing.revision == 1);
  titled.change = change_id(5);
  scene.now = kCloses;
  CHECK(scene.ask(titled) == "refused drop_ended");
}

TEST_CASE("a drop may open at once, but not be over before it begins") {
  Scene scene;
  REQUIRE(scene.ask(put(1, 1, {option("a")})) == "changed 1");
  scene.now = kCloses - kTick;
  CHECK(scene.ask(schedule(2, 1, {terms("a", 1)})) == "changed 1");
  CHECK(scene.revision() == 1);
  scene.now = kCloses;
  CHECK(scene.ask(schedule(3, 2, {terms("a", 1)})) == "refused drop_ended");
  scene.now = kBefore;
  REQUIRE(scene.ask(schedule(4, 3, {terms("a", 1)})) == "changed 1");
  auto past = schedule(5, 3, {terms("a", 1)});
  past.terms.opens_at = kBefore - 2h;
  past.terms.closes_at = kBefore;
  CHECK(scene.ask(past) == "refused drop_ended");
}

TEST_CASE("a change is answered again as it was, and nothing else happens") {
  Scene scene;
  const auto made = put(1, 1, {option("a", 10)});
  REQUIRE(scene.ask(made) == "changed 1");
  REQUIRE(scene.ask(put(2, 1, {option("a", 11)})) == "changed 2");
  CHECK(scene.ask(made) == "changed 1");
  CHECK(scene.offers().empty());
  CHECK(scene.book.product(product(1))->state.version == 2);
  // Whatever comes under its id.
  CHECK(scene.ask(retire(1, 1)) == "changed 1");
  CHECK_FALSE(scene.book.product(product(1))->state.retired);

  const auto wrong = schedule(3, 1, {terms("b", 1)});
  REQUIRE(scene.ask(wrong) == "refused unknown_sku b");
  REQUIRE(scene.ask(put(4, 1, {option("a"), option("b")})) == "changed 3");
  CHECK(scene.ask(wrong) == "refused unknown_sku b");
  CHECK(scene.book.drop(drop(1)) == nullptr);

  const auto dropped = schedule(5, 1, {terms("b", 1)});
  REQUIRE(scene.ask(dropped) == "changed 1");
  scene.now = kOpens;
  CHECK(scene.ask(dropped) == "changed 1");
  CHECK_FALSE(scene.last.proposal.has_value());
  // Another product's or drop's change is another change.
  CHECK(scene.ask(retire(1, 2)) == "refused unknown_product");
}

TEST_CASE("answers hold what their readers demand") {
  Scene scene;
  scene.ask(put(1, 1, {option("a")}));
  const auto& made = std::get<CatalogChanged>(scene.last.answer);
  CHECK(decode<CatalogChanged>(encode(made)).has_value());
  CHECK(made.command == "PutProduct");
  CHECK(made.product == product(1));
  CHECK(made.partition_key() == product(1).text());
  scene.ask(schedule(2, 1, {terms("z", 1)}));
  const auto& refused = std::get<CatalogChangeRefused>(scene.last.answer);
  CHECK(decode<CatalogChangeRefused>(encode(refused)).has_value());
  CHECK(refused.command == "ScheduleDrop");
  CHECK(refused.drop == drop(1));
  CHECK_FALSE(refused.product.has_value());
  CHECK(refused.partition_key() == drop(1).text());
  CHECK(refused.actor.id == "ann");
}

TEST_CASE("the change of an option's offer is the same again, and no other's") {
  const auto one = catalog::offer_change(change_id(1), sku("a"));
  CHECK(one == catalog::offer_change(change_id(1), sku("a")));
  CHECK(one != catalog::offer_change(change_id(2), sku("a")));
  CHECK(one != catalog::offer_change(change_id(1), sku("b")));
  CHECK(one.uuid().version() == 8);
}
