#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "dropline/store/transaction.hpp"
#include "place.hpp"

namespace dropline::store {
namespace {

constexpr Column kColumns[] = {{"id", Type::uuid}, {"n", Type::int64}, {"yes", Type::boolean}};

Database parsed(const std::string& url, const Clock& clock) {
  auto database = Database::parse(url, clock);
  REQUIRE_DONE(database);
  return *database;
}

TEST_CASE("a file is opened for durability") {
  const auto place = make_place();
  auto session = place->open();
  const auto value = [&](const std::string& sql, Type type) {
    auto rows = query(session, {"pragma", "shop", sql}, {}, {type});
    REQUIRE_DONE(rows);
    return type == Type::int64 ? std::to_string(rows->front().int64(0))
                               : std::string(rows->front().text(0));
  };
  CHECK(value("PRAGMA journal_mode", Type::text) == "wal");
  CHECK(value("PRAGMA synchronous", Type::int64) == "2");
  CHECK(value("PRAGMA foreign_keys", Type::int64) == "1");
}

TEST_CASE("the clock of a file is the one that was given") {
  const auto place = make_place();
  auto session = place->open();
  CHECK(*session.now() == place->clock().now());
}

TEST_CASE("each in-memory database is its session's own") {
  const ManualClock clock;
  const Database database = parsed("sqlite::memory:", clock);
  auto one = database.open();
  auto other = database.open();
  REQUIRE_DONE(one);
  REQUIRE_DONE(other);
  REQUIRE_DONE(one->execute("make", "CREATE TABLE t (id INTEGER)"));
  CHECK(errc_of(other->execute("use", "INSERT INTO t VALUES (1)")) == Errc::bad_statement);
}

TEST_CASE("a value put there by hand that is none of its column's kind is an error, not a guess") {
  const auto place = make_place();
  place->make("CREATE TABLE {loose} (id TEXT PRIMARY KEY, n, yes)");
  auto session = place->open();
  const Table table{place->service(), "loose", kColumns, 1};
  const std::string id = Uuid{}.text();
  RowBuffer keys = RowBuffer::keys(table);
  keys.add(Uuid{});
  for (const char* cells : {"'text', 1", "1.5, 1", "1, 2", "1, 'yes'", "x'00', 1"}) {
    CAPTURE(cells);
    REQUIRE_DONE(
        session.execute("put", "REPLACE INTO shop_loose VALUES ('" + id + "', " + cells + ")"));
    CHECK(errc_of(load(session, table, keys)) == Errc::bad_value);
  }
  const auto rows = query(session, {"ids", "shop", "SELECT 'not-a-uuid'"}, {}, {Type::uuid});
  CHECK(errc_of(rows) == Errc::bad_value);
}

TEST_CASE("files that are no databases, and folders that are not there, are told apart") {
  const ManualClock clock;
  const auto folder = std::filesystem::temp_directory_path();
  const auto garbage = folder / ("dropline-garbage-" + std::to_string(getpid()));
  std::ofstream(garbage) << std::string(8'192, 'x');
  const auto opened = parsed("sqlite:" + garbage.string(), clock).open();
  CHECK(errc_of(opened) == Errc::not_a_database);
  CHECK(opened.error().detail.find(garbage.string()) != std::string::npos);
  std::filesystem::remove(garbage);
  const auto nowhere = parsed("sqlite:/nonexistent/folder/x.db", clock).open();
  CHECK(errc_of(nowhere) == Errc::bad_config);
  CHECK(nowhere.error().detail.find("folder") != std::string::npos);
  const auto missing = parsed("sqlite:" + garbage.string(), clock).open({.read_only = true});
  CHECK(errc_of(missing) == Errc::bad_config);
  CHECK_FALSE(std::filesystem::exists(garbage));
}

TEST_CASE("a full disk loses nothing and can be tried again") {
  const auto place = make_place();
  place->make(
      "CREATE TABLE {big} (id {int64} NOT NULL PRIMARY KEY, data {bytes} NOT NULL) {strict}");
  auto session = place->open();
  static constexpr Column kBig[] = {{"id", Type::int64}, {"data", Type::bytes}};
  const Table table{place->service(), "big", kBig, 1};
  RowBuffer rows(table);
  for (int i = 0; i < 100; ++i)
    rows.add(i).add(std::string(10'000, 'x'));
  REQUIRE_DONE(session.execute("limit", "PRAGMA max_page_count = 20"));
  {
    auto transaction = Transaction::begin(session);
    REQUIRE_DONE(transaction);
    const auto done = insert(session, table, rows);
    CHECK(errc_of(done) == Errc::disk_full);
    CHECK(done.error().transient());
    CHECK(errc_of(transaction->commit()) == Errc::disk_full);
  }
  CHECK_FALSE(session.in_transaction());
  CHECK(place->count(session, "big") == 0);
  REQUIRE_DONE(session.execute("free", "PRAGMA max_page_count = 100000"));
  REQUIRE_DONE(insert(session, table, rows));
  CHECK(place->count(session, "big") == 100);
}

TEST_CASE("a transaction that the database ended by itself is not saved by a savepoint") {
  const auto place = make_place();
  place->make("CREATE TABLE {t} (id {int64} NOT NULL PRIMARY KEY) {strict}");
  auto session = place->open();
  auto transaction = Transaction::begin(session);
  REQUIRE_DONE(transaction);
  {
    auto savepoint = Savepoint::begin(session);
    REQUIRE_DONE(savepoint);
    CHECK(errc_of(session.execute("end",
                                  "INSERT INTO shop_t VALUES (1);"
                                  "INSERT OR ROLLBACK INTO shop_t VALUES (1)")) ==
          Errc::constraint);
  }
  CHECK(errc_of(session.execute("more", "INSERT INTO shop_t VALUES (2)")) == Errc::constraint);
  CHECK(errc_of(transaction->commit()) == Errc::constraint);
  CHECK(place->count(session, "t") == 0);
}

}  // namespace
}  // namespace dropline::store
