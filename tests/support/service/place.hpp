#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string_view>

#include "dropline/store/database.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/store/table.hpp"
#include "service_migrations.hpp"

/// Where tests of one service keep its rows: a program is linked with place_sqlite.cpp or
/// place_postgresql.cpp, and embeds the service's migrations as `service_migrations`.
namespace dropline::testing {

/// A database with the service's empty tables, of the dialect this program is built for. Gone with
/// it.
class Place {
 public:
  virtual ~Place() = default;
  [[nodiscard]] virtual const store::Database& database() const = 0;
};

[[nodiscard]] std::unique_ptr<Place> make_place(const Clock& clock, std::string_view service);

inline void migrate(store::Session& session, std::string_view service) {
  const auto migrations = store::parse_migrations(embedded::service_migrations());
  REQUIRE(migrations.has_value());
  const auto done = store::migrate(session, service, *migrations);
  REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().text()));
}

/// A place and a session to look at it with.
struct Ground {
  Ground(const Clock& clock, std::string_view service_)
      : service(service_), place(make_place(clock, service_)) {}

  /// The one number that a query on the service's tables answers.
  [[nodiscard]] std::int64_t number(std::string_view sql) {
    const auto rows = store::query(session, {sql, service, sql}, {}, {store::Type::int64});
    REQUIRE_MESSAGE(rows.has_value(), (rows ? "" : rows.error().text()));
    REQUIRE(rows->size() == 1);
    return rows->front().int64(0);
  }

  std::string_view service;
  std::unique_ptr<Place> place;
  store::Session session = place->database().open().value();
};

}  // namespace dropline::testing
