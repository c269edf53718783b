// Catalog's rows survive the database, in both dialects.
#include "dropline/catalog/catalog_store.hpp"

#include "dropline/catalog/catalog_queries.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"
#include "place.hpp"
#include "scene.hpp"

using namespace dropline;
using namespace dropline::catalog::testing;
namespace catalog = dropline::catalog;

namespace {

struct Kept {
  ManualClock clock;
  std::unique_ptr<Place> place = make_place(clock);
  store::Session session = place->database().open().value();

  Status try_save(const catalog::Book& book) {
    auto transaction = store::Transaction::begin(session).value();
    auto saved = catalog::save(session, book, clock.now());
    if (!saved) {
      transaction.rollback();
      return saved;
    }
    return transaction.commit();
  }
  void save(const catalog::Book& book) {
    const auto saved = try_save(book);
    REQUIRE_MESSAGE(saved.has_value(), (saved ? "" : saved.error().text()));
  }
  catalog::Book load(catalog::Wanted wanted) {
    auto book = catalog::load(session, std::move(wanted));
    REQUIRE_MESSAGE(book.has_value(), (book ? "" : book.error().text()));
    return std::move(*book);
  }
};

/// Something of everything.
Scene lively_scene() {
  Scene scene;
  auto first = put(1, 1, {option("a", 10, 3), option("b")});
  first.description = "quotes \" and 한글 and \\ and \t";
  REQUIRE(scene.ask(first) == "changed 1");
  REQUIRE(scene.ask(put(2, 2, {option("c", kMaxExact)})) == "changed 1");
  REQUIRE(scene.ask(retire(3, 2)) == "changed 2");
  REQUIRE(scene.ask(put(4, 3, {option("c")})) == "refused sku_taken c");
  auto drop_one = schedule(5, 1, {terms("a", 1), terms("b", 1, 7, 0)});
  drop_one.terms.limit_per_member = 4;
  drop_one.terms.product_limits = std::vector{ProductLimit{product(1), 3}};
  drop_one.terms.opens_at = kOpens + kTick;
  REQUIRE(scene.ask(drop_one) == "changed 1");
  return scene;
}

catalog::Wanted everything(const catalog::Book& book) {
  catalog::Wanted wanted;
  for (int twice = 0; twice < 2; ++twice) {
    for (const auto& [id, ignored] : book.products)
      wanted.products.push_back(id);
    for (const auto& [id, ignored] : book.drops)
      wanted.drops.push_back(id);
    for (const auto& [sku, ignored] : book.skus)
      wanted.skus.push_back(sku);
    for (const auto& [key, ignored] : book.changes)
      wanted.changes.push_back(key);
  }
  return wanted;
}

void check_same(const catalog::Book& loaded, const catalog::Book& saved) {
  REQUIRE(loaded.products.size() == saved.products.size());
  for (const auto& [id, product] : saved.products) {
    CHECK(loaded.products.at(id).state == product.state);
    CHECK(loaded.products.at(id).shard == product.shard);
    CHECK(loaded.products.at(id).at == product.at);
  }
  REQUIRE(loaded.drops.size() == saved.drops.size());
  for (const auto& [id, drop] : saved.drops) {
    CHECK(loaded.drops.at(id).listing == drop.listing);
    CHECK(loaded.drops.at(id).shard == drop.shard);
    CHECK(loaded.drops.at(id).at == drop.at);
  }
  CHECK(loaded.skus == saved.skus);
  CHECK(loaded.changes == saved.changes);
}

}  // namespace

TEST_CASE("what is saved is what is loaded") {
  Kept kept;
  const auto scene = lively_scene();
  kept.save(scene.book);
  const auto loaded = kept.load(everything(scene.book));
  check_same(loaded, scene.book);
  CHECK(loaded.products_changed.empty());
  CHECK(loaded.changes_new.empty());
}

TEST_CASE("what is loaded is changed and saved again") {
  Kept kept;
  auto scene = lively_scene();
  kept.save(scene.book);
  Scene later;
  later.book = kept.load(everything(scene.book));
  REQUIRE(later.ask(put(6, 1, {option("b"), option("d", 4)})) == "changed 2");
  CHECK(later.offers() == "d 4; a gone limit 3");
  REQUIRE(later.ask(schedule(7, 1, {terms("d", 1)})) == "changed 2");
  CHECK(later.revision() == 2);
  CHECK(later.ask(retire(3, 2)) == "changed 2");
  kept.save(later.book);
  check_same(kept.load(everything(later.book)), later.book);
}

TEST_CASE("nothing is loaded where nothing is wanted or known") {
  Kept kept;
  CHECK(kept.load({}).products.empty());
  const auto book = kept.load(everything(lively_scene().book));
  CHECK(book.products.empty());
  CHECK(book.drops.empty());
  CHECK(book.skus.empty());
  CHECK(book.changes.empty());
}

TEST_CASE("of two shards that take one SKU, the second is told to try again and then refuses") {
  Kept kept;
  Scene first;
  Scene second;
  const auto ask_second = [](Scene& scene) {
    return scene.ask(put(2, 2, {option("x"), option("s")}));
  };
  REQUIRE(first.ask(put(1, 1, {option("s")})) == "changed 1");
  REQUIRE(ask_second(second) == "changed 1");
  kept.save(first.book);
  const auto late = kept.try_save(second.book);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == store::Errc::serialization);
  CHECK(late.error().transient());
  // Nothing of it was kept.
  auto wanted = everything(second.book);
  Scene again;
  again.book = kept.load(wanted);
  CHECK(again.book.products.empty());
  CHECK(again.book.skus.size() == 1);
  CHECK(ask_second(again) == "refused sku_taken s");
  kept.save(again.book);
  CHECK_FALSE(kept.load(wanted).skus.contains(sku("x")));
}

TEST_CASE("a change that another transaction has answered is not answered over") {
  Kept kept;
  Scene first;
  Scene stale;
  REQUIRE(first.ask(retire(1, 1)) == "refused unknown_product");
  REQUIRE(stale.ask(retire(1, 1)) == "refused unknown_product");
  kept.save(first.book);
  const auto saved = kept.try_save(stale.book);
  REQUIRE_FALSE(saved.has_value());
  CHECK(saved.error().code == store::Errc::constraint);
}

TEST_CASE("a new owner is given its shards' products and drops, not what is long over") {
  Kept kept;
  auto scene = lively_scene();
  kept.save(scene.book);
  const std::vector<std::int32_t> mine{3};
  const std::vector<std::int32_t> others{2, 4};
  auto book = catalog::load_shards(kept.session, mine, kBefore).value();
  CHECK(book.products.size() == 2);
  CHECK(book.drops.size() == 1);
  CHECK(catalog::load_shards(kept.session, others, kBefore).value().products.empty());
  book = catalog::load_shards(kept.session, mine, kCloses + kTick).value();
  CHECK(book.products.size() == 1);  // the retired one is gone
  CHECK(book.drops.empty());
}

TEST_CASE("an operator finds products and drops, and pages through them") {
  Kept kept;
  Scene scene;
  for (std::uint32_t i = 1; i <= 5; ++i) {
    REQUIRE(scene.ask(put(i, i, {option("s" + std::to_string(i))})) == "changed 1");
    auto command = schedule(i, i, {terms("s" + std::to_string(i), i)});
    command.terms.opens_at = kOpens + std::chrono::minutes(i / 2);
    REQUIRE(scene.ask(command) == "changed 1");
  }
  kept.save(scene.book);
  auto& session = kept.session;
  CHECK(catalog::find_product(session, product(3)).value()->state ==
        scene.book.product(product(3))->state);
  CHECK_FALSE(catalog::find_product(session, product(9)).value().has_value());
  CHECK(catalog::find_drop(session, drop(3)).value()->listing == scene.book.drop(drop(3))->listing);
  CHECK_FALSE(catalog::find_drop(session, drop(9)).value().has_value());

  auto products = catalog::product_page(session, std::nullopt, 3).value();
  REQUIRE(products.size() == 3);
  CHECK(products[2].state.product == product(3));
  products = catalog::product_page(session, product(3), 1'000).value();
  REQUIRE(products.size() == 2);
  CHECK(products[0].state.product == product(4));
  CHECK(catalog::product_page(session, product(5), 1).value().empty());
  CHECK(catalog::product_page(session, std::nullopt, 0).value().size() == 1);

  std::vector<DropId> seen;
  std::optional<catalog::DropCursor> cursor;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = catalog::drop_page(session, cursor, 2).value();
    if (page.empty()) break;
    for (const auto& each : page)
      seen.push_back(each.listing.drop);
    cursor = {page.back().listing.terms.opens_at, page.back().listing.drop};
  }
  CHECK(seen == std::vector{drop(5), drop(4), drop(3), drop(2), drop(1)});
}

TEST_CASE("a row that was changed by hand is noticed") {
  Kept kept;
  auto scene = lively_scene();
  kept.save(scene.book);
  const auto planted = store::change(
      kept.session, {"plant", "catalog", "UPDATE {products} SET version = version + 1"}, {});
  REQUIRE(planted.has_value());
  const auto book = catalog::load(kept.session, everything(scene.book));
  REQUIRE_FALSE(book.has_value());
  CHECK(book.error().text().find("catalog.products") != std::string::npos);
}
