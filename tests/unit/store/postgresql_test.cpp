#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "dropline/store/transaction.hpp"
#include "place.hpp"
#include "proxy.hpp"
#include "server_url.hpp"
#include "support/eventually.hpp"
#include "support/ruling_manual_clock.hpp"

namespace dropline::store {
namespace {

using namespace std::chrono_literals;

constexpr Column kColumns[] = {{"id", Type::int64}, {"kind", Type::text}, {"n", Type::int64}};

struct Desk {
  std::unique_ptr<Place> place = make_place();
  Table table{place->service(), "things", kColumns, 1};

  Desk() {
    place->make(
        "CREATE TABLE {things} (id {int64} PRIMARY KEY, kind {text} NOT NULL,"
        " n {int64} NOT NULL); CREATE INDEX {index:things_by_kind} ON {things} (kind)");
  }
  RowBuffer rows(std::int64_t from, std::int64_t to, std::string_view kind = "x") const {
    RowBuffer rows(table);
    for (std::int64_t id = from; id < to; ++id)
      rows.add(id).add(kind).add(1);
    return rows;
  }
  RowBuffer keys(std::initializer_list<std::int64_t> ids) const {
    RowBuffer keys = RowBuffer::keys(table);
    for (const auto id : ids)
      keys.add(id);
    return keys;
  }
  std::int64_t count() const {
    auto session = place->open();
    return place->count(session, "things");
  }
};

std::int64_t number(Session& session, std::string_view sql) {
  const auto rows = query(session, {"number", "x", sql}, {}, {Type::int64});
  REQUIRE_DONE(rows);
  return rows->front().int64(0);
}

void terminate(Desk& desk, std::int64_t pid) {
  auto killer = desk.place->open();
  const auto rows =
      query(killer, {"terminate", "x", "SELECT pg_terminate_backend(CAST(:pid AS int))"},
            Params().add("pid", pid), {Type::boolean});
  REQUIRE_DONE(rows);
  REQUIRE(testing::eventually([&] {
    const auto left =
        query(killer, {"look", "x", "SELECT count(*) FROM pg_stat_activity WHERE pid = :pid"},
              Params().add("pid", pid), {Type::int64});
    return left && left->front().int64(0) == 0;
  }));
}

TEST_CASE("a connection that is cut between statements is noticed, and a new one works") {
  Desk desk;
  auto session = desk.place->open();
  REQUIRE_DONE(insert(session, desk.table, desk.rows(0, 1)));
  terminate(desk, number(session, "SELECT pg_backend_pid()"));
  const auto done = load(session, desk.table, desk.keys({0}));
  CHECK(errc_of(done) == Errc::connection_lost);
  CHECK(done.error().transient());
  CHECK(session.broken());
  CHECK(errc_of(load(session, desk.table, desk.keys({0}))) == Errc::connection_lost);
  session = desk.place->open();
  CHECK(load(session, desk.table, desk.keys({0}))->size() == 1);
}

TEST_CASE("a connection that is cut in a transaction takes the transaction along") {
  Desk desk;
  auto session = desk.place->open();
  auto transaction = Transaction::begin(session);
  REQUIRE_DONE(transaction);
  REQUIRE_DONE(insert(session, desk.table, desk.rows(0, 10)));
  auto savepoint = Savepoint::begin(session);
  REQUIRE_DONE(savepoint);
  terminate(desk, number(session, "SELECT pg_backend_pid()"));
  CHECK(errc_of(insert(session, desk.table, desk.rows(10, 20))) == Errc::connection_lost);
  savepoint->rollback();
  CHECK(errc_of(insert(session, desk.table, desk.rows(10, 20))) == Errc::connection_lost);
  CHECK(errc_of(transaction->commit()) == Errc::connection_lost);
  CHECK(desk.count() == 0);
}

TEST_CASE("outside a transaction a write whose answer is lost is unknown") {
  Desk desk;
  auto session = desk.place->open();
  REQUIRE_DONE(insert(session, desk.table, desk.rows(0, 1)));
  terminate(desk, number(session, "SELECT pg_backend_pid()"));
  CHECK(errc_of(insert(session, desk.table, desk.rows(1, 2))) == Errc::commit_unknown);
}

TEST_CASE("the server's clock counts, unless a clock that rules servers too was given") {
  const SystemClock machine;
  const dropline::testing::RulingManualClock still;
  const auto now = [](const Clock& clock) {
    auto session = Database::parse(server_url(), clock).value().open().value();
    return session.now().value();
  };
  CHECK(std::chrono::abs(now(machine) - machine.now()) < std::chrono::minutes(1));
  CHECK(now(still) == still.now());
}

/// The test's server seen through a proxy.
struct Behind {
  Behind() {
    std::string url = server_url();
    const auto host = url.find('@') + 1;
    const auto port = url.find(':', host) + 1;
    const auto end = url.find('/', port);
    proxy = std::make_unique<Proxy>(
        static_cast<std::uint16_t>(std::stoi(url.substr(port, end - port))));
    url.replace(port, end - port, std::to_string(proxy->port()));
    auto parsed = Database::parse(url, clock);
    REQUIRE_DONE(parsed);
    database = std::make_unique<Database>(*parsed);
  }
  Session open(const SessionOptions& options = {}) const {
    auto session = database->open(options);
    REQUIRE_DONE(session);
    return std::move(*session);
  }
  ManualClock clock;
  std::unique_ptr<Proxy> proxy;
  std::unique_ptr<Database> database;
};

TEST_CASE("a connection that ends during COMMIT leaves the outcome unknown, whichever it was") {
  for (const auto mode : {Proxy::Mode::cut_before, Proxy::Mode::cut_answer}) {
    Desk desk;
    Behind behind;
    auto session = behind.open();
    auto transaction = Transaction::begin(session);
    REQUIRE_DONE(transaction);
    REQUIRE_DONE(insert(session, desk.table, desk.rows(0, 3)));
    behind.proxy->set(mode);
    const auto done = transaction->commit();
    CHECK(errc_of(done) == Errc::commit_unknown);
    CHECK(done.error().transient());
    CHECK(session.broken());
    CHECK_FALSE(session.in_transaction());
    CHECK(desk.count() == (mode == Proxy::Mode::cut_answer ? 3 : 0));
  }
}

TEST_CASE("a connection that was gone before COMMIT was sent committed nothing or is unknown") {
  Desk desk;
  auto session = desk.place->open();
  auto transaction = Transaction::begin(session);
  REQUIRE_DONE(transaction);
  REQUIRE_DONE(insert(session, desk.table, desk.rows(0, 3)));
  terminate(desk, number(session, "SELECT pg_backend_pid()"));
  CHECK(errc_of(transaction->commit()) == Errc::commit_unknown);
  CHECK(session.broken());
  CHECK(desk.count() == 0);
}

TEST_CASE("a server that hangs is given up within its bound") {
  Behind behind;
  auto session = behind.open({.statement_limit = 100ms});
  CHECK(number(session, "SELECT 1") == 1);
  behind.proxy->set(Proxy::Mode::hold);
  const auto began = std::chrono::steady_clock::now();
  const auto rows = query(session, {"hang", "x", "SELECT 1"}, {}, {Type::int64});
  const auto took = std::chrono::steady_clock::now() - began;
  CHECK(errc_of(rows) == Errc::connection_lost);
  CHECK(session.broken());
  CHECK(took >= kSilenceLimit);
  CHECK(took < kSilenceLimit + 3s);
}

TEST_CASE("a statement that takes too long is ended, and the session lives on") {
  Desk desk;
  auto session = desk.place->open({.statement_limit = 50ms});
  const auto done = session.execute("sleep", "SELECT pg_sleep(20)");
  CHECK(errc_of(done) == Errc::timed_out);
  CHECK(done.error().transient());
  CHECK_FALSE(session.broken());
  CHECK(desk.place->count(session, "things") == 0);
}

TEST_CASE("one victim of a deadlock is told so and can try again, the other goes on") {
  Desk desk;
  auto first = desk.place->open();
  auto second = desk.place->open();
  REQUIRE_DONE(insert(first, desk.table, desk.rows(0, 2)));
  auto one = Transaction::begin(first);
  auto two = Transaction::begin(second);
  REQUIRE_DONE(load(first, desk.table, desk.keys({0}), Lock::for_update));
  REQUIRE_DONE(load(second, desk.table, desk.keys({1}), Lock::for_update));
  Result<Rows> crossed;
  std::thread other([&] { crossed = load(second, desk.table, desk.keys({0}), Lock::for_update); });
  const auto straight = load(first, desk.table, desk.keys({1}), Lock::for_update);
  // The victim lets go, so that the other comes through.
  if (straight.has_error()) one->rollback();
  other.join();
  CHECK(straight.has_error() != crossed.has_error());
  const auto& victim = straight.has_error() ? straight : crossed;
  CHECK(errc_of(victim) == Errc::deadlock);
  CHECK(victim.error().transient());
  CHECK_FALSE(first.broken());
  CHECK_FALSE(second.broken());
}

TEST_CASE("transactions that touch the same rows in any order do not deadlock") {
  Desk desk;
  auto setup = desk.place->open();
  REQUIRE_DONE(insert(setup, desk.table, desk.rows(0, 50)));
  std::array<std::string, 3> failures;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < failures.size(); ++thread) {
    auto session = std::make_shared<Session>(desk.place->open());
    threads.emplace_back([&, thread, session] {
      for (int round = 0; round < 60 && failures[thread].empty(); ++round) {
        RowBuffer keys = RowBuffer::keys(desk.table);
        RowBuffer rows(desk.table);
        for (std::int64_t i = 0; i < 50; ++i) {
          const std::int64_t id = thread == 0 ? i : thread == 1 ? 49 - i : (i * 7 + round) % 50;
          keys.add(id);
          rows.add(id).add(thread == 2 ? "y" : "x").add(1);
        }
        auto transaction = Transaction::begin(*session);
        Status status = transaction ? Status() : Status(transaction.error());
        const auto note = [&](const auto& result) {
          if (result.has_error() && failures[thread].empty())
            failures[thread] = result.error().text();
        };
        note(status);
        if (round % 4 == 0) note(load(*session, desk.table, keys, Lock::for_update));
        if (round % 4 == 1) note(upsert(*session, desk.table, rows));
        if (round % 4 == 2) note(add_to(*session, desk.table, rows));
        if (round % 4 == 3) note(erase(*session, desk.table, keys));
        if (failures[thread].empty()) note(transaction->commit());
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  for (const auto& failure : failures)
    CHECK(failure == "");
}

/// Runs `second` while `first` holds its changes, and commits them once `second` waits.
template <class Second>
void overlap(Desk& desk, Session& first, Transaction& held, Second second) {
  auto session = desk.place->open();
  const auto pid = number(session, "SELECT pg_backend_pid()");
  std::thread thread([&] { second(session); });
  CHECK(testing::eventually([&] {
    const auto waits = query(
        first, {"look", "x", "SELECT count(*) FROM pg_locks WHERE pid = :pid AND NOT granted"},
        Params().add("pid", pid), {Type::int64});
    return waits && waits->front().int64(0) > 0;
  }));
  CHECK(held.commit().has_value());
  thread.join();
}

TEST_CASE("erase removes a row that another transaction changed meanwhile") {
  Desk desk;
  auto first = desk.place->open();
  REQUIRE_DONE(insert(first, desk.table, desk.rows(0, 3)));
  auto held = Transaction::begin(first);
  RowBuffer changed(desk.table);
  changed.add(1).add("changed").add(2);
  REQUIRE_DONE(upsert(first, desk.table, changed));
  overlap(desk, first, *held, [&](Session& second) {
    const auto gone = erase(second, desk.table, desk.keys({0, 1, 2}));
    CHECK(gone.has_value());
    CHECK((gone ? *gone : 0) == 3);
  });
  CHECK(desk.count() == 0);
}

TEST_CASE("a row found by a column that changed before its lock was had is left out") {
  Desk desk;
  auto first = desk.place->open();
  REQUIRE_DONE(insert(first, desk.table, desk.rows(0, 3)));
  auto held = Transaction::begin(first);
  RowBuffer changed(desk.table);
  changed.add(1).add("changed").add(2);
  REQUIRE_DONE(upsert(first, desk.table, changed));
  overlap(desk, first, *held, [&](Session& second) {
    RowBuffer kinds = RowBuffer::keys(desk.table, {"kind"});
    kinds.add("x");
    auto transaction = Transaction::begin(second);
    const auto rows = load(second, desk.table, kinds, Lock::for_update);
    CHECK(rows.has_value());
    CHECK((rows ? rows->size() : 0) == 2);
  });
}

TEST_CASE("statements prepared on an empty table use its indexes when it has grown") {
  Desk desk;
  auto session = desk.place->open();
  RowBuffer keys = RowBuffer::keys(desk.table);
  RowBuffer kinds = RowBuffer::keys(desk.table, {"kind"});
  for (std::int64_t i = 0; i < 500; ++i)
    keys.add(i * 37);
  for (std::int64_t i = 0; i < 20; ++i)
    kinds.add("kind " + std::to_string(i));
  const auto touch = [&] {
    REQUIRE_DONE(load(session, desk.table, keys));
    REQUIRE_DONE(load(session, desk.table, kinds));
    REQUIRE_DONE(add_to(session, desk.table, desk.rows(0, 10)));
    REQUIRE_DONE(upsert(session, desk.table, desk.rows(0, 10)));
    REQUIRE_DONE(erase(session, desk.table, desk.keys({1, 5})));
  };
  for (int i = 0; i < 8; ++i)
    touch();
  RowBuffer many(desk.table);
  for (std::int64_t i = 100; i < 40'000; ++i)
    many.add(i).add("kind " + std::to_string(i % 5'000)).add(1);
  REQUIRE_DONE(insert(session, desk.table, many));
  for (int i = 0; i < 3; ++i)
    touch();
  const std::string read_in_scans =
      "SELECT seq_tup_read FROM pg_stat_user_tables WHERE schemaname = '" + desk.place->service() +
      "' AND relname = 'things'";
  REQUIRE_DONE(session.execute("flush", "SELECT pg_stat_force_next_flush()"));
  CHECK(number(session, read_in_scans) == 0);
}

TEST_CASE("what PostgreSQL answers means the same wherever it comes from") {
  Desk desk;
  auto session = desk.place->open();
  const std::pair<const char*, Errc> expected[] = {
      {"40001", Errc::serialization},  {"40P01", Errc::deadlock},
      {"55P03", Errc::busy},           {"53100", Errc::disk_full},
      {"53200", Errc::out_of_memory},  {"57014", Errc::timed_out},
      {"23505", Errc::constraint},     {"22003", Errc::bad_value},
      {"42601", Errc::bad_statement},  {"25006", Errc::read_only},
      {"XX001", Errc::not_a_database}, {"P0001", Errc::constraint},
      {"0A000", Errc::bad_statement},  {"XX000", Errc::failed},
  };
  for (const auto& [sqlstate, errc] : expected) {
    CAPTURE(sqlstate);
    const auto done =
        session.execute("raise", "DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '" +
                                     std::string(sqlstate) + "'; END $$");
    CHECK(errc_of(done) == errc);
    CHECK(done.error().detail.find("planted") != std::string::npos);
    CHECK_FALSE(session.broken());
  }
}

TEST_CASE(
    "wrong passwords and unknown databases are refused for good, passwords with odd signs work") {
  const std::string url = server_url();
  const ManualClock clock;
  const auto open = [&](const std::string& address) {
    auto database = Database::parse(address, clock);
    REQUIRE_DONE(database);
    return database->open();
  };
  const auto slash = url.rfind('/');
  const auto no_database = open(url.substr(0, slash) + "/no_such_database");
  CHECK(errc_of(no_database) == Errc::refused);
  CHECK(no_database.error().severity() == Severity::fatal);
  auto colon = url.find(':', url.find("//") + 2);
  const auto at = url.find('@');
  for (const char* password : {"wrong", "a%20b%27c%5Cd", "with%22quote", "a%3Db%20%20c"}) {
    CAPTURE(password);
    const auto refused = open(url.substr(0, colon + 1) + password + url.substr(at));
    CHECK(errc_of(refused) == Errc::refused);
    CHECK(refused.error().detail.find("authentication failed") != std::string::npos);
  }
  CHECK(errc_of(Database::parse(url.substr(0, colon + 1) + "a%20%22" + url.substr(at), clock)) ==
        Errc::bad_config);
  auto database = Database::parse(url, clock);
  auto named = database->open({.application = "two words 'quoted' \"twice\""});
  REQUIRE_DONE(named);
}

/// Runs the project's script; gives the first line that begins with "running".
std::string postgres(const std::string& arguments) {
  const std::string command =
      std::string(DROPLINE_SOURCE_DIR) + "/scripts/postgres " + arguments + " 2>&1";
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4'096> buffer;
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr)
    output += buffer.data();
  const int status = pclose(pipe);
  REQUIRE_MESSAGE((WIFEXITED(status) && WEXITSTATUS(status) == 0), output);
  const auto at = output.find("running ");
  return at == output.npos ? "" : output.substr(at + 8, output.find(' ', at + 8) - at - 8);
}

TEST_CASE("a PostgreSQL that is killed and started again is survived without a restart of ours") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("dropline-pg-" + std::to_string(getpid()));
  struct Server {
    explicit Server(std::string dir) : options("--dir '" + dir + "'"), folder(std::move(dir)) {
      url = postgres("start " + options);
    }
    ~Server() {
      (void)std::system((std::string(DROPLINE_SOURCE_DIR) + "/scripts/postgres stop --now " +
                         options + " >/dev/null 2>&1")
                            .c_str());
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
    std::string options;
    std::string folder;
    std::string url;
  } server(folder.string());
  const ManualClock clock;
  const auto database = Database::parse(server.url, clock);
  REQUIRE_DONE(database);
  const Table table{"shop", "things", kColumns, 1};
  RowBuffer rows(table);
  rows.add(1).add("x").add(1);
  auto session = database->open();
  REQUIRE_DONE(session);
  REQUIRE_DONE(session->execute("make",
                                "CREATE SCHEMA shop; CREATE TABLE shop.things"
                                " (id bigint PRIMARY KEY, kind text, n bigint)"));
  REQUIRE_DONE(insert(*session, table, rows));
  auto transaction = Transaction::begin(*session);
  rows.clear();
  rows.add(2).add("x").add(1);
  REQUIRE_DONE(insert(*session, table, rows));

  postgres("stop --now " + server.options);
  const auto lost = load(*session, table, RowBuffer::keys(table).add(1));
  CHECK(errc_of(lost) == Errc::connection_lost);
  CHECK(errc_of(transaction->commit()) == Errc::connection_lost);
  CHECK(session->broken());
  CHECK(errc_of(database->open()) == Errc::unreachable);

  CHECK(postgres("start " + server.options) == server.url);
  auto again = database->open();
  REQUIRE_DONE(again);
  CHECK(number(*again, "SELECT count(*) FROM shop.things") == 1);
  REQUIRE_DONE(insert(*again, table, rows));
}

}  // namespace
}  // namespace dropline::store
