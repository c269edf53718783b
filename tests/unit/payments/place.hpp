#pragma once

#include <doctest/doctest.h>

#include <memory>

#include "dropline/store/database.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/store/table.hpp"
#include "payments_migrations.hpp"

namespace dropline::payments::testing {

/// A database with payments' empty tables, of the dialect this program is built for. Gone with it.
class Place {
 public:
  virtual ~Place() = default;
  [[nodiscard]] virtual const store::Database& database() const = 0;
};

[[nodiscard]] std::unique_ptr<Place> make_place(const Clock& clock);

inline void migrate(store::Session& session) {
  const auto migrations = store::parse_migrations(embedded::payments_migrations());
  REQUIRE(migrations.has_value());
  const auto done = store::migrate(session, "payments", *migrations);
  REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().text()));
}

/// A place and a session to look at it with.
struct Ground {
  explicit Ground(const Clock& clock) : place(make_place(clock)) {}

  /// The one number that a query on payments' tables answers.
  [[nodiscard]] std::int64_t number(std::string_view sql) {
    const auto rows = store::query(session, {"number", "payments", sql}, {}, {store::Type::int64});
    REQUIRE_MESSAGE(rows.has_value(), (rows ? "" : rows.error().text()));
    REQUIRE(rows->size() == 1);
    return rows->front().int64(0);
  }

  std::unique_ptr<Place> place;
  store::Session session = place->database().open().value();
};

/// What an auditor would ask of the tables: every transfer sums to zero and so do the totals, which
/// say what the entries say; wallets and payments hold what was moved into them.
inline void check_tables(Ground& ground) {
  CHECK(ground.number("SELECT coalesce(sum(amount), 0) FROM {entries}") == 0);
  CHECK(ground.number("SELECT count(*) FROM (SELECT member FROM {entries} GROUP BY member, "
                      "transfer HAVING sum(amount) <> 0 OR count(*) <> 2) AS odd") == 0);
  CHECK(ground.number(
            "SELECT count(*) FROM (SELECT account, shard, currency, sum(amount) AS amount FROM "
            "{entries} GROUP BY account, shard, currency) AS e LEFT JOIN {totals} AS t ON "
            "t.account = e.account AND t.shard = e.shard AND t.currency = e.currency "
            "WHERE t.balance IS NULL OR t.balance <> e.amount") == 0);
  CHECK(ground.number("SELECT coalesce(sum(balance), 0) FROM {totals}") == 0);
  CHECK(ground.number("SELECT coalesce(sum(amount), 0) FROM {entries} "
                      "WHERE account = 'held'") ==
        ground.number("SELECT coalesce(sum(captured - refunded - sending), 0) FROM {payments}"));
  CHECK(ground.number("SELECT coalesce(sum(amount), 0) FROM {entries} "
                      "WHERE account = 'partial'") ==
        ground.number("SELECT coalesce(sum(received), 0) FROM {payments}"));
  CHECK(ground.number("SELECT coalesce(sum(amount), 0) FROM {entries} "
                      "WHERE account = 'returning'") ==
        ground.number("SELECT coalesce(sum(amount), 0) FROM {returns} WHERE state <> 'done'"));
  CHECK(ground.number(
            "SELECT count(*) FROM {wallets} AS w WHERE balance <> (SELECT sum(amount) FROM "
            "{entries} AS e WHERE e.member = w.member AND e.account = 'wallet') OR transfers <> "
            "(SELECT count(*) FROM {entries} AS e WHERE e.member = w.member AND "
            "e.account = 'wallet')") == 0);
}

}  // namespace dropline::payments::testing
