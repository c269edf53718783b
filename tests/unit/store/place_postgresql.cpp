#include <unistd.h>

#include <chrono>
#include <cstdlib>

#include "place.hpp"
#include "server_url.hpp"

namespace dropline::store {

std::string server_url() {
  const char* url = std::getenv("DROPLINE_TEST_POSTGRESQL");
  if (url == nullptr || *url == '\0') {
    FAIL(
        "DROPLINE_TEST_POSTGRESQL is not set: it is the URL of a PostgreSQL to test with, such as "
        "the second word of what `scripts/postgres start` prints");
  }
  return url;
}

namespace {

class PostgresqlPlace final : public Place {
 public:
  PostgresqlPlace() {
    static int number = 0;
    auto database = Database::parse(server_url(), clock_);
    REQUIRE_DONE(database);
    database_ = std::make_unique<Database>(*database);
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();
    service_ =
        "t" + std::to_string(getpid()) + "_" + std::to_string(now) + "_" + std::to_string(++number);
    auto session = open();
    REQUIRE_DONE(session.execute("make schema", "CREATE SCHEMA " + service_));
  }
  ~PostgresqlPlace() override {
    if (database_ == nullptr) return;
    auto session = database_->open();
    if (session) {
      (void)session->execute("drop schema", "DROP SCHEMA IF EXISTS " + service_ + " CASCADE");
    }
  }
  const Database& database() const override { return *database_; }
  const std::string& service() const override { return service_; }

 private:
  std::string service_;
  std::unique_ptr<Database> database_;
};

}  // namespace

std::unique_ptr<Place> make_place() {
  return std::make_unique<PostgresqlPlace>();
}

}  // namespace dropline::store
