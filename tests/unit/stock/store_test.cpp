// Stock's rows survive the database, in both dialects.
#include "dropline/stock/stock_store.hpp"

#include <doctest/doctest.h>

#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"
#include "place.hpp"
#include "scene.hpp"

using namespace dropline;
using namespace dropline::stock::testing;
namespace stock = dropline::stock;

namespace {

struct Kept {
  ManualClock clock;
  std::unique_ptr<Place> place = make_place(clock);
  store::Session session = place->database().open().value();

  void save(stock::Book& book) {
    auto transaction = store::Transaction::begin(session).value();
    const auto saved = stock::save(session, book, clock.now());
    REQUIRE_MESSAGE(saved.has_value(), (saved ? "" : saved.error().text()));
    REQUIRE(transaction.commit());
  }
  stock::Book load(stock::Wanted wanted) {
    auto transaction = store::Transaction::begin(session).value();
    auto book = stock::load(session, std::move(wanted));
    REQUIRE_MESSAGE(book.has_value(), (book ? "" : book.error().text()));
    REQUIRE(transaction.commit());
    return std::move(*book);
  }
};

std::string level(const stock::Offer& offer) {
  return encode(stock::level_of(offer)) + std::to_string(offer.shard);
}

/// Everything there is, asked for by name.
stock::Wanted everything(const stock::Book& book) {
  stock::Wanted wanted;
  for (const auto& [id, order] : book.orders) {
    wanted.orders.push_back(id);
    wanted.members.emplace_back(order.drop, order.member);
  }
  for (const auto& [id, ignored] : book.drops)
    wanted.whole_drops.push_back(id);
  for (const auto& [key, ignored] : book.offers)
    wanted.offers.push_back(key);
  wanted.changes.assign(book.changes.begin(), book.changes.end());
  return wanted;
}

void check_same(const stock::Book& loaded, const stock::Book& saved) {
  REQUIRE(loaded.drops.size() == saved.drops.size());
  for (const auto& [id, drop] : saved.drops) {
    CHECK(encode(stock::level_of(loaded.drops.at(id))) == encode(stock::level_of(drop)));
    CHECK(loaded.drops.at(id).shard == drop.shard);
  }
  REQUIRE(loaded.offers.size() == saved.offers.size());
  for (const auto& [key, offer] : saved.offers)
    CHECK(level(loaded.offers.at(key)) == level(offer));
  REQUIRE(loaded.orders.size() == saved.orders.size());
  for (const auto& [id, order] : saved.orders) {
    const auto& copy = loaded.orders.at(id);
    CHECK(copy.member == order.member);
    CHECK(copy.drop == order.drop);
    CHECK(copy.outcome == order.outcome);
    CHECK(copy.reason == order.reason);
    CHECK(copy.body_hash == order.body_hash);
    CHECK(copy.first == order.first);
    CHECK(copy.placed_at == order.placed_at);
    CHECK(copy.total == order.total);
    CHECK(copy.lines == order.lines);
    CHECK(copy.settled == order.settled);
  }
  REQUIRE(loaded.holdings.size() == saved.holdings.size());
  for (const auto& [key, holding] : saved.holdings) {
    CHECK(loaded.holdings.at(key).units == holding.units);
    CHECK(loaded.holdings.at(key).product == holding.product);
  }
  CHECK(loaded.changes == saved.changes);
}

/// Something of everything.
Scene lively_scene() {
  Scene scene;
  auto command = Scene::terms_of(1, {terms("a", 10, 5, 3), terms("b", 7, 0, {}, 2)});
  command.terms.limit_per_member = 4;
  command.terms.product_limits = std::vector{ProductLimit{product(1), 3}};
  scene.open(command);
  scene.open(2, {terms("a", 1, kMaxUnits)});
  REQUIRE(scene.put("o", kMaxExact, 9) == "OfferPut");
  REQUIRE(scene.buys(1, {{"a", 2}}) == "reserved 20");
  const auto paid = scene.last;
  REQUIRE(scene.buys(2, {{"a", 1}}) == "reserved 10");
  REQUIRE(scene.release({scene.last}) == 1);
  REQUIRE(scene.settle({paid}) == 1);
  REQUIRE(scene.buys(3, {{"b", 1}}) == "refused sold_out b");
  REQUIRE(scene.buys(4, {{"o", 1}}, std::nullopt) != "");
  REQUIRE(scene.correct("a", -1) == "StockCorrected");
  REQUIRE(scene.withdraw("o") == "OfferPut");
  REQUIRE(scene.turn<PauseDrop>(2) == "DropPaused");
  REQUIRE(scene.turn<ResumeDrop>(1) == "refused not_paused");
  return scene;
}

}  // namespace

TEST_CASE("what is saved is what is loaded") {
  Kept kept;
  auto scene = lively_scene();
  kept.save(scene.book);
  check_same(kept.load(everything(scene.book)), scene.book);
}

TEST_CASE("versions grow with every change that is saved, and only of what changed") {
  Kept kept;
  auto scene = lively_scene();
  kept.save(scene.book);
  CHECK(scene.offer("a").version == 1);
  auto book = kept.load(everything(scene.book));
  Scene later;
  later.book = std::move(book);
  later.offset = 500;
  later.changes = 500;
  REQUIRE(later.restock("a", 5, drop(1), 2) == "refused wrong_product");
  REQUIRE(later.buys(7, {{"a", 1}}) == "reserved 10");
  kept.save(later.book);
  const auto again = kept.load(everything(later.book));
  CHECK(again.offers.at({drop(1), sku("a")}).version == 2);
  CHECK(again.offers.at({drop(1), sku("b")}).version == 1);
  CHECK(again.drops.at(drop(1)).version == 1);
  check_same(again, later.book);
}

TEST_CASE("releasing loads offers and holdings of the orders it names") {
  Kept kept;
  auto scene = lively_scene();
  const auto order = order_of(member(1), drop(1), {{"a", 2}}, "k1");
  REQUIRE(scene.book.order(order.order_id) != nullptr);
  kept.save(scene.book);
  stock::Wanted wanted;
  wanted.orders = {order.order_id, order.order_id};
  Scene later;
  later.book = kept.load(std::move(wanted));
  CHECK(later.book.offers.size() == 1);
  REQUIRE(later.release({order}) == 1);
  CHECK(later.counts("a") == "5 4 0 0 1");
  const auto& holding = later.book.holdings.at({drop(1), member(1), sku("a")});
  CHECK(holding.units == 0);
  kept.save(later.book);
}

TEST_CASE("nothing is loaded where nothing is wanted or known") {
  Kept kept;
  CHECK(kept.load({}).offers.empty());
  stock::Wanted wanted;
  wanted.orders = {order_of(member(1), {}, {{"a", 1}}, "k").order_id};
  wanted.drops = {drop(1)};
  wanted.whole_drops = {drop(2)};
  wanted.offers = {{std::nullopt, sku("a")}, {drop(1), sku("a")}};
  wanted.members = {{std::nullopt, member(1)}};
  wanted.changes = {change_id(1)};
  const auto book = kept.load(std::move(wanted));
  CHECK(book.orders.empty());
  CHECK(book.drops.empty());
  CHECK(book.offers.empty());
  CHECK(book.holdings.empty());
  CHECK(book.changes.empty());
}

TEST_CASE("a new owner is given its shards' drops and offers, not those long closed") {
  Kept kept;
  auto scene = lively_scene();
  kept.save(scene.book);
  const std::vector<std::int32_t> mine{3};
  const std::vector<std::int32_t> others{2, 4};
  auto book = stock::load_shards(kept.session, mine, kOpens).value();
  CHECK(book.drops.size() == 2);
  CHECK(book.offers.size() == 4);
  CHECK(stock::load_shards(kept.session, others, kOpens).value().offers.empty());
  book = stock::load_shards(kept.session, mine, kCloses + kTick).value();
  CHECK(book.drops.empty());
  CHECK(book.offers.size() == 1);  // the ordinary one
}

TEST_CASE("the tables refuse a count that does not add up") {
  Kept kept;
  auto scene = lively_scene();
  kept.save(scene.book);
  const auto planted = store::change(
      kept.session,
      {"plant", "stock", "UPDATE {offers} SET allocated = allocated + 1 WHERE sku = 'a'"}, {});
  CHECK_FALSE(planted.has_value());
}
