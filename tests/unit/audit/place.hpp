#pragma once

#include <doctest/doctest.h>

#include <memory>

#include "audit_migrations.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/migrations.hpp"

namespace dropline::audit::testing {

/// A database with the empty tables of every service, of the dialect this program is built for.
/// Gone with it.
class Place {
 public:
  virtual ~Place() = default;
  [[nodiscard]] virtual const store::Database& database() const = 0;
};

[[nodiscard]] std::unique_ptr<Place> make_place(const Clock& clock);

inline void migrate(store::Session& session) {
  const auto migrations = store::parse_migrations(embedded::audit_migrations());
  REQUIRE(migrations.has_value());
  for (const auto* service : {"catalog", "stock", "payments", "ordering", "coupons", "deliveries",
                              "points", "rankings"}) {
    const auto done = store::migrate(session, service, *migrations);
    REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().text()));
  }
}

}  // namespace dropline::audit::testing
