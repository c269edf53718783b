#include <doctest/doctest.h>

#include "dropline/store/database.hpp"
#include "place.hpp"

namespace dropline::store {
namespace {

TEST_CASE("an address is shown without its password, whatever form it has") {
  const ManualClock clock;
  const char* addresses[] = {
      "postgresql://shop:s3cr%40t@db.example:5433/orders?sslmode=require",
      "postgres://shop:s3cr%40t@db.example:5433/orders",
      "host=db.example port=5433 user=shop password=s3cr@t dbname=orders",
  };
  for (const char* address : addresses) {
    const auto database = Database::parse(address, clock);
    REQUIRE_DONE(database);
    CHECK(database->dialect() == Dialect::postgresql);
    CHECK(database->name() == "postgresql://shop:***@db.example:5433/orders");
  }
  CHECK(Database::parse("sqlite:var/dropline.db", clock)->name() == "sqlite:var/dropline.db");
  CHECK(Database::parse("sqlite:///var/x.db", clock)->name() == "sqlite:/var/x.db");
  CHECK(Database::parse("sqlite::memory:", clock)->dialect() == Dialect::sqlite);
}

TEST_CASE("an address that cannot be understood is refused without showing its password") {
  const ManualClock clock;
  const std::string addresses[] = {
      "",
      "sqlite:",
      "sqlite://",
      "mysql://root:s3cret@h/db",
      "var/dropline.db",

      "postgresql://u:s3cret@[h/db",
      "password=s3cret nonsense",
      "password=s3cret what=ever",
      "sqlite:a\"b",
      "sqlite:a\nb",
      std::string("sqlite:a\0b", 10),
  };
  for (const std::string& address : addresses) {
    CAPTURE(address);
    const auto database = Database::parse(address, clock);
    CHECK(errc_of(database) == Errc::bad_config);
    CHECK(database.error().severity() == Severity::fatal);
    CHECK(database.error().text().find("s3cret") == std::string::npos);
  }
}

TEST_CASE("a server that is not there is unreachable, which may change") {
  const ManualClock clock;
  const auto database = Database::parse("postgresql://u:s3cret@127.0.0.1:1/db", clock);
  REQUIRE_DONE(database);
  const auto session = database->open({.connect_limit = std::chrono::milliseconds(2'000)});
  CHECK(errc_of(session) == Errc::unreachable);
  CHECK(session.error().transient());
  CHECK(session.error().text().find("127.0.0.1:1") != std::string::npos);
  CHECK(session.error().text().find("s3cret") == std::string::npos);
}

TEST_CASE("an address that no server can have is not tried for ever") {
  const ManualClock clock;
  for (const char* address :
       {"postgresql://u:s3cret@127.0.0.1:port/db", "host=127.0.0.1 port=99999",
        "host=127.0.0.1 sslmode=perhaps", "host=127.0.0.1 keepalives_idle=x"}) {
    CAPTURE(address);
    const auto database = Database::parse(address, clock);
    REQUIRE_DONE(database);
    CHECK(errc_of(database->open()) == Errc::bad_config);
  }
}

}  // namespace
}  // namespace dropline::store
