#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "dropline/base/random.hpp"
#include "dropline/store/transaction.hpp"
#include "place.hpp"

namespace dropline::store {
namespace {

constexpr Column kStockColumns[] = {
    {"drop_id", Type::uuid}, {"sku", Type::text},   {"free", Type::int64},
    {"held", Type::int64},   {"state", Type::text},
};
constexpr Column kKeyColumns[] = {{"a", Type::text}, {"b", Type::boolean}};

struct Shop {
  std::unique_ptr<Place> place = make_place();
  Table stock{place->service(), "offers", kStockColumns, 2};
  Table marks{place->service(), "marks", kKeyColumns, 2};

  Shop() {
    place->make(
        "CREATE TABLE {offers} (drop_id {uuid} NOT NULL, sku {text} NOT NULL, free {int64} NOT "
        "NULL,"
        " held {int64} NOT NULL, state {text} NOT NULL, PRIMARY KEY (drop_id, sku),"
        " CHECK (free > -1000000)) {clustered};"
        "CREATE INDEX {index:offers_by_state} ON {offers} (state);"
        "CREATE TABLE {marks} (a {text} NOT NULL, b {boolean} NOT NULL, PRIMARY KEY (a, b)) "
        "{clustered}");
  }
};

Uuid drop(std::uint8_t number) {
  Uuid id;
  id.bytes[15] = number;
  id.bytes[6] = 0x70;
  return id;
}

std::string sku(std::size_t number) {
  return "SKU-" + std::to_string(number);
}

std::vector<std::string> texts(const Rows& rows, std::size_t column) {
  std::vector<std::string> all;
  for (const auto row : rows)
    all.emplace_back(row.text(column));
  return all;
}

TEST_CASE("rows are loaded in key order, whatever order they were written and asked in") {
  Shop shop;
  auto session = shop.place->open();
  SeededRandom random(7);
  std::vector<std::size_t> numbers(kMaxRowsAStatement * 2 + 17);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = i;
  for (std::size_t i = numbers.size() - 1; i > 0; --i)
    std::swap(numbers[i], numbers[random.below(i)]);
  RowBuffer rows(shop.stock);
  for (const std::size_t number : numbers) {
    rows.add(drop(number % 3)).add(sku(number)).add(number).add(0).add("open");
  }
  const auto inserted = insert(session, shop.stock, rows);
  REQUIRE_DONE(inserted);
  CHECK(*inserted == numbers.size());

  RowBuffer keys = RowBuffer::keys(shop.stock);
  for (const std::size_t number : numbers)
    keys.add(drop(number % 3)).add(sku(number));
  keys.add(drop(9)).add("SKU-0");  // not there
  keys.add(drop(0)).add("SKU-0");  // twice
  const auto loaded = load(session, shop.stock, keys);
  REQUIRE_DONE(loaded);
  REQUIRE(loaded->size() == numbers.size());
  for (std::size_t i = 1; i < loaded->size(); ++i) {
    const auto before = std::pair((*loaded)[i - 1].uuid(0), (*loaded)[i - 1].text(1));
    CHECK(before < std::pair((*loaded)[i].uuid(0), (*loaded)[i].text(1)));
  }
  for (const auto row : *loaded)
    CHECK(row.text(1) == sku(static_cast<std::size_t>(row.int64(2))));
}

TEST_CASE("text is ordered by byte in every dialect") {
  Shop shop;
  auto session = shop.place->open();
  const std::vector<std::string> names = {"", "A", "B", "a", "a b", "a-b", "ab", "z", "Ä", "가"};
  RowBuffer rows(shop.marks);
  RowBuffer keys = RowBuffer::keys(shop.marks);
  for (auto at = names.rbegin(); at != names.rend(); ++at) {
    rows.add(*at).add(true);
    keys.add(*at).add(true);
  }
  REQUIRE_DONE(upsert(session, shop.marks, rows));
  const auto loaded = load(session, shop.marks, keys);
  REQUIRE_DONE(loaded);
  CHECK(texts(*loaded, 0) == names);
}

TEST_CASE("an existing key refuses the whole insert, or is passed over") {
  Shop shop;
  auto session = shop.place->open();
  RowBuffer first(shop.stock);
  first.add(drop(1)).add("B").add(1).add(1).add("first");
  REQUIRE_DONE(insert(session, shop.stock, first));
  RowBuffer rows(shop.stock);
  for (const char* name : {"C", "B", "A"})
    rows.add(drop(1)).add(name).add(2).add(2).add("second");
  const auto refused = insert(session, shop.stock, rows);
  CHECK(errc_of(refused) == Errc::constraint);
  CHECK(refused.error().detail.find("insert") != std::string::npos);
  CHECK(shop.place->count(session, "offers") == 1);
  const auto added = insert(session, shop.stock, rows, OnConflict::ignore);
  REQUIRE_DONE(added);
  CHECK(*added == 2);
  RowBuffer keys = RowBuffer::keys(shop.stock);
  keys.add(drop(1)).add("B");
  CHECK(load(session, shop.stock, keys)->front().text(4) == "first");
}

TEST_CASE("two rows of one key are refused, or the first counts") {
  Shop shop;
  auto session = shop.place->open();
  RowBuffer rows(shop.stock);
  rows.add(drop(1)).add("A").add(1).add(1).add("one");
  rows.add(drop(1)).add("B").add(1).add(1).add("other");
  rows.add(drop(1)).add("A").add(2).add(2).add("two");
  CHECK(errc_of(insert(session, shop.stock, rows)) == Errc::constraint);
  CHECK(errc_of(upsert(session, shop.stock, rows)) == Errc::constraint);
  CHECK(errc_of(add_to(session, shop.stock, rows)) == Errc::constraint);
  CHECK(shop.place->count(session, "offers") == 0);
  const auto added = insert(session, shop.stock, rows, OnConflict::ignore);
  REQUIRE_DONE(added);
  CHECK(*added == 2);
  RowBuffer keys = RowBuffer::keys(shop.stock);
  keys.add(drop(1)).add("A");
  CHECK(load(session, shop.stock, keys)->front().text(4) == "one");
}

TEST_CASE("upsert replaces what is not the key, add_to adds numbers and replaces the rest") {
  Shop shop;
  auto session = shop.place->open();
  RowBuffer rows(shop.stock);
  rows.add(drop(1)).add("A").add(10).add(1).add("open");
  REQUIRE_DONE(upsert(session, shop.stock, rows));
  rows.clear();
  rows.add(drop(1)).add("A").add(-3).add(3).add("busy");
  rows.add(drop(1)).add("B").add(5).add(0).add("new");
  REQUIRE_DONE(add_to(session, shop.stock, rows));
  RowBuffer keys = RowBuffer::keys(shop.stock);
  keys.add(drop(1)).add("A").add(drop(1)).add("B");
  auto loaded = load(session, shop.stock, keys);
  REQUIRE_DONE(loaded);
  REQUIRE(loaded->size() == 2);
  CHECK((*loaded)[0].int64(2) == 7);
  CHECK((*loaded)[0].int64(3) == 4);
  CHECK((*loaded)[0].text(4) == "busy");
  CHECK((*loaded)[1].int64(2) == 5);
  REQUIRE_DONE(upsert(session, shop.stock, rows));
  loaded = load(session, shop.stock, keys);
  REQUIRE_DONE(loaded);
  CHECK((*loaded)[0].int64(2) == -3);
}

TEST_CASE("a sum beyond int64 is refused and changes nothing") {
  Shop shop;
  auto session = shop.place->open();
  RowBuffer rows(shop.stock);
  rows.add(drop(1)).add("A").add(INT64_MAX).add(0).add("full");
  REQUIRE_DONE(insert(session, shop.stock, rows));
  rows.clear();
  rows.add(drop(1)).add("A").add(1).add(0).add("over");
  const auto done = add_to(session, shop.stock, rows);
  CHECK(errc_of(done) == Errc::bad_value);
  CHECK(done.error().severity() == Severity::permanent);
  RowBuffer keys = RowBuffer::keys(shop.stock);
  keys.add(drop(1)).add("A");
  const auto loaded = load(session, shop.stock, keys);
  REQUIRE_DONE(loaded);
  CHECK(loaded->front().int64(2) == INT64_MAX);
  CHECK(loaded->front().text(4) == "full");
}

TEST_CASE("a table that is all key can be written and read") {
  Shop shop;
  auto session = shop.place->open();
  RowBuffer rows(shop.marks);
  rows.add("x").add(true).add("x").add(false);
  REQUIRE_DONE(upsert(session, shop.marks, rows));
  REQUIRE_DONE(add_to(session, shop.marks, rows));
  const auto loaded = load(session, shop.marks, rows);
  REQUIRE_DONE(loaded);
  REQUIRE(loaded->size() == 2);
  CHECK_FALSE((*loaded)[0].boolean(1));
  CHECK((*loaded)[1].boolean(1));
}

TEST_CASE("rows are found by part of the key, and by other columns, in primary key order") {
  Shop shop;
  auto session = shop.place->open();
  RowBuffer rows(shop.stock);
  for (std::size_t i = 0; i < 20; ++i) {
    rows.add(drop(i % 4)).add(sku(i)).add(i).add(0).add(i % 2 == 0 ? "even" : "odd");
  }
  REQUIRE_DONE(insert(session, shop.stock, rows));
  RowBuffer drops = RowBuffer::keys(shop.stock, {"drop_id"});
  drops.add(drop(2)).add(drop(0)).add(drop(200));
  for (const Lock lock : {Lock::none, Lock::for_update}) {
    auto transaction = Transaction::begin(session);
    REQUIRE_DONE(transaction);
    const auto by_drop = load(session, shop.stock, drops, lock);
    REQUIRE_DONE(by_drop);
    REQUIRE(by_drop->size() == 10);
    CHECK(by_drop->front().uuid(0) == drop(0));
    CHECK((*by_drop)[9].uuid(0) == drop(2));
    RowBuffer states = RowBuffer::keys(shop.stock, {"state", "free"});
    states.add("odd").add(19).add("even").add(4).add("odd").add(4).add("odd").add(1);
    const auto by_state = load(session, shop.stock, states, lock);
    REQUIRE_DONE(by_state);
    CHECK(texts(*by_state, 1) == std::vector<std::string>{"SKU-4", "SKU-1", "SKU-19"});
    REQUIRE_DONE(transaction->commit());
  }
  const auto gone = erase(session, shop.stock, drops);
  REQUIRE_DONE(gone);
  CHECK(*gone == 10);
  CHECK(shop.place->count(session, "offers") == 10);
}

TEST_CASE("empty buffers are no statements") {
  Shop shop;
  auto session = shop.place->open();
  const Table nowhere{"no_service", "no_table", kStockColumns, 2};
  CHECK(*insert(session, nowhere, RowBuffer(nowhere)) == 0);
  CHECK(upsert(session, nowhere, RowBuffer(nowhere)).has_value());
  CHECK(load(session, nowhere, RowBuffer::keys(nowhere))->empty());
  CHECK(*erase(session, nowhere, RowBuffer::keys(nowhere)) == 0);
}

TEST_CASE("unknown tables and columns are the program's fault and say so") {
  Shop shop;
  auto session = shop.place->open();
  const Table nowhere{shop.place->service(), "no_table", kStockColumns, 2};
  static constexpr Column kOther[] = {{"drop_id", Type::uuid}, {"no_column", Type::int64}};
  const Table other{shop.place->service(), "offers", kOther, 1};
  RowBuffer rows(nowhere);
  rows.add(drop(1)).add("A").add(1).add(1).add("x");
  const auto done = insert(session, nowhere, rows);
  CHECK(errc_of(done) == Errc::bad_statement);
  CHECK(done.error().severity() == Severity::permanent);
  CHECK(done.error().detail.find("migrations") != std::string::npos);
  CHECK(done.error().detail.find("no_table") != std::string::npos);
  RowBuffer keys = RowBuffer::keys(other);
  keys.add(drop(1));
  CHECK(errc_of(load(session, other, keys)) == Errc::bad_statement);
  CHECK_FALSE(session.broken());
  CHECK(shop.place->count(session, "offers") == 0);
}

TEST_CASE("outside a transaction a write of any length is all or nothing") {
  Shop shop;
  auto session = shop.place->open();
  RowBuffer rows(shop.stock);
  for (std::size_t i = 0; i < kMaxRowsAStatement + 1; ++i) {
    rows.add(drop(1)).add(sku(i)).add(0).add(0).add("x");
  }
  rows.add(drop(9)).add("last").add(-1'000'000).add(0).add("violates the check");
  CHECK(errc_of(insert(session, shop.stock, rows)) == Errc::constraint);
  CHECK(shop.place->count(session, "offers") == 0);
  CHECK_FALSE(session.in_transaction());
}

TEST_CASE("one session serves more kinds of statements than it keeps prepared") {
  Shop shop;
  auto session = shop.place->open();
  for (std::size_t i = 0; i < kMaxPreparedStatements + 20; ++i) {
    const std::string sql = "SELECT " + std::to_string(i) + " + 0";
    const auto rows = query(session, {"number", "shop", sql}, {}, {Type::int64});
    REQUIRE_DONE(rows);
    REQUIRE(rows->front().int64(0) == static_cast<std::int64_t>(i));
  }
  RowBuffer rows(shop.marks);
  rows.add("x").add(true);
  REQUIRE_DONE(insert(session, shop.marks, rows));
}

}  // namespace
}  // namespace dropline::store
