#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dropline/store/migrations.hpp"
#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"
#include "place.hpp"

namespace dropline::store {
namespace {

constexpr std::string_view kShards =
    "-- The loop's; it isn't {anything}.\nCREATE TABLE {shards} (shard {int64} NOT NULL PRIMARY "
    "KEY);";
constexpr std::string_view kOffers =
    "CREATE TABLE {offers} (sku {text} NOT NULL PRIMARY KEY, doc {json} NOT NULL DEFAULT '{}') "
    "{strict};\n"
    "/* {not_a_word} */ CREATE INDEX {index:offers_by_sku} ON {offers} (sku);";
constexpr std::string_view kLevels = "CREATE TABLE {levels} (id {uuid} NOT NULL PRIMARY KEY);";

std::vector<Migration> set_of(const Place& place, int files) {
  std::vector<Migration> all = {{kSharedSource, 1, "loop", kShards},
                                {place.service(), 1, "offers", kOffers},
                                {place.service(), 2, "levels", kLevels},
                                {"another", 1, "broken", "THIS IS NOT FOR US"}};
  all.erase(all.begin() + files, all.end() - 1);
  return all;
}

TEST_CASE("a schema is made, brought up to date, and left alone when it is") {
  const auto place = make_place();
  auto session = place->open();
  CHECK(errc_of(check_schema(session, place->service(), set_of(*place, 2))) ==
        Errc::schema_too_old);
  std::vector<std::string> steps;
  MigrateOptions options;
  options.on_step = [&](const MigrationStep& step) {
    steps.push_back(step.path + (step.applied ? " done" : ""));
  };
  const auto first = migrate(session, place->service(), set_of(*place, 2), options);
  REQUIRE_DONE(first);
  CHECK(first->applied == 2);
  CHECK(first->total == 2);
  const std::string offers = place->service() + "/001_offers.sql";
  CHECK(steps == std::vector<std::string>{"worker/001_loop.sql", "worker/001_loop.sql done", offers,
                                          offers + " done"});
  CHECK(place->count(session, "shards") == 0);
  REQUIRE_DONE(check_schema(session, place->service(), set_of(*place, 2)));
  CHECK(errc_of(check_schema(session, place->service(), set_of(*place, 3))) ==
        Errc::schema_too_old);
  CHECK(migrate(session, place->service(), set_of(*place, 3))->applied == 1);
  CHECK(migrate(session, place->service(), set_of(*place, 3))->applied == 0);
  CHECK(place->count(session, "levels") == 0);
  CHECK(place->count(session, "schema_migrations") == 3);
}

TEST_CASE("a file that changed after it was applied is named, with both checksums") {
  const auto place = make_place();
  auto session = place->open();
  REQUIRE_DONE(migrate(session, place->service(), set_of(*place, 2)));
  auto changed = set_of(*place, 2);
  const std::string text = std::string(kOffers) + " ";
  changed[1].sql = text;
  for (int i = 0; i < 2; ++i) {
    const Status done =
        i == 0 ? Status(check_schema(session, place->service(), changed)) : Status([&]() -> Status {
          auto report = migrate(session, place->service(), changed);
          if (report.has_error()) return report.error();
          return {};
        }());
    CHECK(errc_of(done) == Errc::bad_migration);
    CHECK(done.error().severity() == Severity::fatal);
    CHECK(done.error().detail.find(place->service() + "/001_offers.sql") != std::string::npos);
    CHECK(done.error().detail.find(" now, ") != std::string::npos);
  }
  // Line ends are a checkout's business.
  std::string crlf;
  for (const char c : kOffers)
    crlf += c == '\n' ? "\r\n" : std::string(1, c);
  changed[1].sql = crlf;
  REQUIRE_DONE(check_schema(session, place->service(), changed));
}

TEST_CASE("a database newer than the program is left alone") {
  const auto place = make_place();
  auto session = place->open();
  REQUIRE_DONE(migrate(session, place->service(), set_of(*place, 3)));
  const auto done = migrate(session, place->service(), set_of(*place, 2));
  CHECK(errc_of(done) == Errc::schema_too_new);
  CHECK(done.error().detail.find("levels") != std::string::npos);
  CHECK(errc_of(check_schema(session, place->service(), set_of(*place, 2))) ==
        Errc::schema_too_new);
}

TEST_CASE("a migration that fails half-way leaves nothing of itself, and the ones before stay") {
  const auto place = make_place();
  auto session = place->open();
  auto files = set_of(*place, 2);
  files.push_back({place->service(), 2, "half",
                   "CREATE TABLE {half} (id {int64}); INSERT INTO {half} VALUES (1);"
                   "CREATE TABLE {offers} (id {int64});"});
  const auto done = migrate(session, place->service(), files);
  CHECK(errc_of(done) == Errc::bad_migration);
  CHECK(done.error().detail.find("002_half.sql") != std::string::npos);
  CHECK_FALSE(session.in_transaction());
  CHECK(place->count(session, "schema_migrations") == 2);
  CHECK(query(session, {"half", place->service(), "SELECT id FROM {half}"}, {}, {Type::int64})
            .has_error());
  files.back().sql = "CREATE TABLE {half} (id {int64});";
  REQUIRE_DONE(migrate(session, place->service(), files));
}

TEST_CASE("a migration that ends its own transaction is caught") {
  for (const std::string_view sql :
       {"COMMIT;", "ROLLBACK;", "COMMIT; CREATE TABLE {x} (id {int64});"}) {
    const auto place = make_place();
    auto session = place->open();
    const std::vector<Migration> files = {{place->service(), 1, "odd", sql}};
    CHECK(errc_of(migrate(session, place->service(), files)) == Errc::bad_migration);
    CHECK_FALSE(session.in_transaction());
  }
}

TEST_CASE("processes that start together migrate once") {
  const auto place = make_place();
  // Slow enough that they meet.
  std::string slow(kLevels);
  for (int i = 0; i < 40; ++i) {
    slow += "CREATE TABLE {t" + std::to_string(i) + "} (id {int64} NOT NULL PRIMARY KEY);";
  }
  auto files = set_of(*place, 2);
  files.insert(files.begin() + 2, {place->service(), 2, "slow", slow});
  constexpr int kProcesses = 6;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto session = place->database().open();
      const auto done = session ? migrate(*session, place->service(), files)
                                : Result<MigrateReport>(session.error());
      if (done.has_error()) std::fprintf(stderr, "%s\n", done.error().text().c_str());
      _exit(done.has_error() ? 100 : static_cast<int>(done->applied));
    }
    children.push_back(child);
  }
  int applied = 0;
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) <= 3);
    applied += WEXITSTATUS(status);
  }
  CHECK(applied == 3);
  auto session = place->open();
  CHECK(place->count(session, "schema_migrations") == 3);
}

TEST_CASE("who waits too long for another's migration is told that it is busy") {
  const auto place = make_place();
  auto holder = place->open();
  auto waiter = place->open();
  MigrateOptions inner;
  inner.lock_limit = std::chrono::milliseconds(50);
  MigrateOptions outer;
  int met = 0;
  outer.on_step = [&](const MigrationStep& step) {
    if (step.applied) return;
    ++met;
    CHECK(errc_of(migrate(waiter, place->service(), set_of(*place, 2), inner)) == Errc::busy);
  };
  REQUIRE_DONE(migrate(holder, place->service(), set_of(*place, 2), outer));
  CHECK(met == 2);
  CHECK(migrate(waiter, place->service(), set_of(*place, 2), inner)->applied == 0);
}

TEST_CASE("files must be named and numbered without gaps") {
  using Files = std::vector<std::pair<std::string_view, std::string_view>>;
  const auto code = [](const Files& files) { return errc_of(parse_migrations(files)); };
  CHECK(code({{"001_x.sql", ""}}) == Errc::bad_migration);
  CHECK(code({{"stock/1_x.sql", ""}}) == Errc::bad_migration);
  CHECK(code({{"stock/000_x.sql", ""}}) == Errc::bad_migration);
  CHECK(code({{"stock/001_X.sql", ""}}) == Errc::bad_migration);
  CHECK(code({{"stock/001_.sql", ""}}) == Errc::bad_migration);
  CHECK(code({{"stock/001_x.txt", ""}}) == Errc::bad_migration);
  CHECK(code({{"Stock/001_x.sql", ""}}) == Errc::bad_migration);
  CHECK(code({{"stock/002_x.sql", ""}}) == Errc::bad_migration);
  CHECK(code({{"stock/001_x.sql", ""}, {"stock/003_y.sql", ""}}) == Errc::bad_migration);
  CHECK(code({{"stock/001_x.sql", ""}, {"stock/001_y.sql", ""}}) == Errc::bad_migration);
  const auto good = parse_migrations(
      Files{{"a/b/stock/002_y.sql", "2"}, {"stock/001_x.sql", "1"}, {"worker/001_loop.sql", "3"}});
  REQUIRE_DONE(good);
  REQUIRE(good->size() == 3);
  CHECK((*good)[0].path() == "stock/001_x.sql");
  CHECK((*good)[1].sql == "2");
}

TEST_CASE("words in braces mean the same thing in each dialect's words") {
  const auto both = [](std::string_view sql) {
    const auto postgresql = expand(Dialect::postgresql, "stock", sql);
    const auto sqlite = expand(Dialect::sqlite, "stock", sql);
    REQUIRE_DONE(postgresql);
    REQUIRE_DONE(sqlite);
    return *postgresql + " | " + *sqlite;
  };
  CHECK(both("{orders} {service}") == "stock.orders stock | stock_orders stock");
  CHECK(both("{ordering.orders}") == "ordering.orders | ordering_orders");
  CHECK(both("{uuid} {int64} {bytes}") == "uuid bigint bytea | TEXT INTEGER BLOB");
  CHECK(both("'{x}' \"{x}\" 'it''s {x}'") ==
        "'{x}' \"{x}\" 'it''s {x}' | '{x}' \"{x}\" 'it''s {x}'");
  CHECK(both("a\n-- only sqlite\nb\n-- end\nc") == "a\n\n\n\nc | a\n\nb\n\nc");
  for (const std::string_view bad :
       {"{", "{}", "{Orders}", "{a b}", "{a.b.c}", "{index:}", "-- end", "-- only sqlite\nx",
        "-- only mysql\nx\n-- end", "-- only sqlite\n-- only postgresql\n-- end\n-- end"}) {
    CAPTURE(bad);
    CHECK(errc_of(expand(Dialect::sqlite, "stock", bad)) == Errc::bad_migration);
  }
}

}  // namespace
}  // namespace dropline::store
