#include "place.hpp"

#include "dropline/store/migrations.hpp"

namespace dropline::store {

Session Place::open(const SessionOptions& options) const {
  auto session = database().open(options);
  REQUIRE_DONE(session);
  return std::move(*session);
}

void Place::make(std::string_view sql) const {
  auto session = open();
  const auto text = expand(database().dialect(), service(), sql);
  REQUIRE_DONE(text);
  REQUIRE_DONE(session.execute("make tables", *text));
}

std::int64_t Place::count(Session& session, std::string_view table) const {
  const std::string sql = "SELECT count(*) FROM {" + std::string(table) + "}";
  const auto rows = query(session, {"count", service(), sql}, {}, {Type::int64});
  REQUIRE_DONE(rows);
  return rows->front().int64(0);
}

}  // namespace dropline::store
