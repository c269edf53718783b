#pragma once

#include <doctest/doctest.h>

#include <memory>

#include "dropline/store/database.hpp"
#include "dropline/store/migrations.hpp"
#include "stock_migrations.hpp"

namespace dropline::stock::testing {

/// A database with stock's empty tables, of the dialect this program is built for. Gone with it.
class Place {
 public:
  virtual ~Place() = default;
  [[nodiscard]] virtual const store::Database& database() const = 0;
};

[[nodiscard]] std::unique_ptr<Place> make_place(const Clock& clock);

inline void migrate(store::Session& session) {
  const auto migrations = store::parse_migrations(embedded::stock_migrations());
  REQUIRE(migrations.has_value());
  const auto done = store::migrate(session, "stock", *migrations);
  REQUIRE_MESSAGE(done.has_value(), (done ? "" : done.error().text()));
}

}  // namespace dropline::stock::testing
