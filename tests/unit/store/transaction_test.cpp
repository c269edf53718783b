#include "dropline/store/transaction.hpp"

#include <doctest/doctest.h>

#include "dropline/store/soci_session.hpp"
#include "place.hpp"

namespace dropline::store {
namespace {

constexpr Column kColumns[] = {{"id", Type::int64}, {"note", Type::text}};

struct Desk {
  std::unique_ptr<Place> place = make_place();
  Table table{place->service(), "notes", kColumns, 1};

  Desk() {
    place->make("CREATE TABLE {notes} (id {int64} NOT NULL PRIMARY KEY, note {text}) {strict}");
  }
  Status add(Session& session, std::int64_t id) const {
    RowBuffer rows(table);
    rows.add(id).add("note");
    const auto done = insert(session, table, rows);
    if (done.has_error()) return done.error();
    return {};
  }
  std::int64_t count() const {
    auto session = place->open();
    return place->count(session, "notes");
  }
};

/// Fails at one seam, once.
class OneFault final : public Faults {
 public:
  OneFault(Seam seam, Errc code) : seam_(seam), code_(code) {}
  Status at(Seam seam, std::string_view statement) override {
    if (seam != seam_ || spent_ || !armed) return {};
    spent_ = true;
    last = statement;
    return error(code_, "planted");
  }
  bool armed = true;
  std::string last;

 private:
  Seam seam_;
  Errc code_;
  bool spent_ = false;
};

TEST_CASE("what is not committed is undone") {
  Desk desk;
  auto session = desk.place->open();
  {
    auto transaction = Transaction::begin(session);
    REQUIRE_DONE(transaction);
    REQUIRE_DONE(desk.add(session, 1));
    CHECK(session.in_transaction());
  }
  CHECK_FALSE(session.in_transaction());
  CHECK(desk.count() == 0);
  auto transaction = Transaction::begin(session);
  REQUIRE_DONE(transaction);
  REQUIRE_DONE(desk.add(session, 1));
  CHECK(desk.count() == 0);
  REQUIRE_DONE(transaction->commit());
  CHECK(desk.count() == 1);
}

TEST_CASE("a session may be moved while its transaction is open") {
  Desk desk;
  auto first = desk.place->open();
  auto transaction = Transaction::begin(first);
  REQUIRE_DONE(transaction);
  Session second = std::move(first);
  REQUIRE_DONE(desk.add(second, 1));
  REQUIRE_DONE(transaction->commit());
  CHECK(desk.count() == 1);
}

TEST_CASE("the first error dooms a transaction: nothing more is done, and it cannot be committed") {
  Desk desk;
  auto session = desk.place->open();
  REQUIRE_DONE(desk.add(session, 1));
  auto transaction = Transaction::begin(session);
  REQUIRE_DONE(transaction);
  REQUIRE_DONE(desk.add(session, 2));
  CHECK(errc_of(desk.add(session, 1)) == Errc::constraint);
  CHECK(errc_of(desk.add(session, 3)) == Errc::constraint);
  CHECK(errc_of(session.now()) == Errc::constraint);
  CHECK(errc_of(session.execute("x", "SELECT 1")) == Errc::constraint);
  CHECK(errc_of(attempt(session, "x", [](soci::session&) {})) == Errc::constraint);
  CHECK(errc_of(Savepoint::begin(session)) == Errc::constraint);
  CHECK(errc_of(transaction->commit()) == Errc::constraint);
  CHECK_FALSE(session.in_transaction());
  CHECK_FALSE(session.broken());
  CHECK(desk.count() == 1);
  REQUIRE_DONE(desk.add(session, 3));
}

TEST_CASE("a savepoint undoes its part alone, error included") {
  Desk desk;
  auto session = desk.place->open();
  auto transaction = Transaction::begin(session);
  REQUIRE_DONE(transaction);
  REQUIRE_DONE(desk.add(session, 1));
  {
    auto outer = Savepoint::begin(session);
    REQUIRE_DONE(outer);
    REQUIRE_DONE(desk.add(session, 2));
    {
      auto inner = Savepoint::begin(session);
      REQUIRE_DONE(inner);
      REQUIRE_DONE(desk.add(session, 3));
      CHECK(errc_of(desk.add(session, 1)) == Errc::constraint);
      CHECK(errc_of(inner->release()) == Errc::constraint);
    }
    REQUIRE_DONE(desk.add(session, 4));
    REQUIRE_DONE(outer->release());
  }
  {
    auto undone = Savepoint::begin(session);
    REQUIRE_DONE(undone);
    REQUIRE_DONE(desk.add(session, 5));
  }
  {
    auto rolled_back = Savepoint::begin(session);
    REQUIRE_DONE(rolled_back);
    CHECK(errc_of(session.execute("broken", "SELEKT")) == Errc::bad_statement);
    rolled_back->rollback();
    REQUIRE_DONE(desk.add(session, 6));
  }
  REQUIRE_DONE(transaction->commit());
  CHECK(desk.count() == 4);  // 1, 2, 4, 6
}

TEST_CASE("a commit whose answer is lost is unknown, breaks the session, and may have happened") {
  Desk desk;
  OneFault fault(Seam::committed, Errc::connection_lost);
  auto session = desk.place->open({.faults = &fault});
  auto transaction = Transaction::begin(session);
  REQUIRE_DONE(transaction);
  REQUIRE_DONE(desk.add(session, 1));
  const auto done = transaction->commit();
  CHECK(errc_of(done) == Errc::commit_unknown);
  CHECK(done.error().transient());
  CHECK(session.broken());
  CHECK(errc_of(desk.add(session, 2)) == Errc::connection_lost);
  CHECK(errc_of(session.now()) == Errc::connection_lost);
  CHECK(errc_of(Transaction::begin(session)) == Errc::connection_lost);
  CHECK(desk.count() == 1);
}

TEST_CASE("a fault at any seam before the commit leaves nothing behind") {
  for (const Seam seam : {Seam::begin, Seam::statement, Seam::savepoint, Seam::commit}) {
    for (const Errc code : {Errc::deadlock, Errc::connection_lost}) {
      Desk desk;
      OneFault fault(seam, code);
      auto session = desk.place->open({.faults = &fault});
      {
        auto transaction = Transaction::begin(session);
        if (seam == Seam::begin) {
          CHECK(errc_of(transaction) == code);
        } else {
          REQUIRE_DONE(transaction);
          bool failed = desk.add(session, 1).has_error();
          if (seam == Seam::savepoint) failed |= Savepoint::begin(session).has_error();
          CHECK(failed == (seam != Seam::commit));
          CHECK(errc_of(transaction->commit()) == code);
        }
      }
      CHECK_FALSE(session.in_transaction());
      CHECK(session.broken() == (code == Errc::connection_lost));
      CHECK(desk.count() == 0);
    }
  }
  Desk desk;
  OneFault fault(Seam::open, Errc::unreachable);
  CHECK(errc_of(desk.place->database().open({.faults = &fault})) == Errc::unreachable);
}

TEST_CASE("what SOCI throws is translated, and dooms likewise") {
  Desk desk;
  auto session = desk.place->open();
  const std::string notes = session.dialect() == Dialect::sqlite ? desk.place->service() + "_notes"
                                                                 : desk.place->service() + ".notes";
  auto transaction = Transaction::begin(session);
  REQUIRE_DONE(transaction);
  long long id = 7;
  std::string note = "by hand";
  REQUIRE_DONE(attempt(session, "by hand", [&](soci::session& sql) {
    sql << "INSERT INTO " + notes + " (id, note) VALUES (:id, :note)", soci::use(id),
        soci::use(note);
  }));
  const auto again = attempt(session, "by hand", [&](soci::session& sql) {
    sql << "INSERT INTO " + notes + " (id) VALUES (:id)", soci::use(id);
  });
  CHECK(errc_of(again) == Errc::constraint);
  CHECK(again.error().detail.find("by hand") != std::string::npos);
  CHECK(errc_of(transaction->commit()) == Errc::constraint);
  CHECK(errc_of(attempt(session, "bad", [](soci::session& sql) { sql << "SELEKT"; })) ==
        Errc::bad_statement);
  CHECK(errc_of(attempt(session, "throws",
                        [](soci::session&) { throw std::runtime_error("x"); })) == Errc::failed);
  CHECK(errc_of(attempt(session, "gone", [&](soci::session& sql) {
          sql << "SELECT id FROM no_such_table", soci::into(id);
        })) == Errc::bad_statement);
  CHECK(desk.count() == 0);
}

TEST_CASE("a session for reading only reads") {
  Desk desk;
  auto writer = desk.place->open();
  REQUIRE_DONE(desk.add(writer, 1));
  auto reader = desk.place->open({.read_only = true});
  CHECK(desk.place->count(reader, "notes") == 1);
  const auto done = desk.add(reader, 2);
  CHECK(errc_of(done) == Errc::read_only);
  CHECK(done.error().severity() == Severity::fatal);
  auto transaction = Transaction::begin(reader);
  REQUIRE_DONE(transaction);
  CHECK(desk.place->count(reader, "notes") == 1);
  REQUIRE_DONE(transaction->commit());
}

TEST_CASE("a lock that is not to be had is busy, and can be tried again") {
  Desk desk;
  auto holder = desk.place->open();
  REQUIRE_DONE(desk.add(holder, 1));
  auto waiter = desk.place->open({.lock_limit = std::chrono::milliseconds(50)});
  RowBuffer keys = RowBuffer::keys(desk.table);
  keys.add(1);
  const auto lock = [&](Session& session) -> Status {
    auto transaction = Transaction::begin(session);
    if (transaction.has_error()) return transaction.error();
    const auto rows = load(session, desk.table, keys, Lock::for_update);
    if (rows.has_error()) return rows.error();
    return transaction->commit();
  };
  {
    auto transaction = Transaction::begin(holder);
    REQUIRE_DONE(transaction);
    REQUIRE_DONE(load(holder, desk.table, keys, Lock::for_update));
    const auto refused = lock(waiter);
    CHECK(errc_of(refused) == Errc::busy);
    CHECK(refused.error().transient());
    CHECK_FALSE(waiter.broken());
  }
  REQUIRE_DONE(lock(waiter));
}

}  // namespace
}  // namespace dropline::store
