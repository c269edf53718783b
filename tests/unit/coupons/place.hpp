#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "coupons_migrations.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/store/table.hpp"

namespace dropline::coupons::testing {

/// A database with the empty tables of coupons, of the dialect this
/// program is built for. Gone with it.
class Place {
 public:
  virtual ~Place() = default;
  [[nodiscard]] virtual const store::Database& database() const = 0;
};

[[nodiscard]] std::unique_ptr<Place> make_place(const Clock& clock);

inline void migrate(store::Session& session) {
  const auto migrations = store::parse_migrations(embedded::coupons_migrations());
  REQUIRE(migrations.has_value());
  for (const auto* service : {"coupons"}) {
    const auto done = store::migrate(session, service, *migrations);
    REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().text()));
  }
}

/// A place and a session to look at it with.
struct Ground {
  explicit Ground(const Clock& clock) : place(make_place(clock)) {}

  /// The one number that a query on a service's tables answers.
  [[nodiscard]] std::int64_t number(std::string_view service, std::string_view sql) {
    const auto rows = store::query(session, {"number", service, sql}, {}, {store::Type::int64});
    REQUIRE_MESSAGE(rows.has_value(), (rows ? "" : rows.error().text()));
    REQUIRE(rows->size() == 1);
    return rows->front().int64(0);
  }

  std::unique_ptr<Place> place;
  store::Session session = place->database().open().value();
};

}  // namespace dropline::coupons::testing
