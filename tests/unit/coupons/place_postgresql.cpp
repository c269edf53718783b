#include <cstdlib>

#include "dropline/base/random.hpp"
#include "place.hpp"

namespace dropline::coupons::testing {
namespace {

/// Schemas have one name each, so each test has a database of its own.
class PostgresqlPlace final : public Place {
 public:
  explicit PostgresqlPlace(const Clock& clock) {
    const char* url = std::getenv("DROPLINE_TEST_POSTGRESQL");
    if (url == nullptr || *url == '\0')
      FAIL(
          "DROPLINE_TEST_POSTGRESQL is not set: it is the URL of a PostgreSQL to test with, such "
          "as the second word of what `scripts/postgres start` prints");
    server_ = std::make_unique<store::Database>(store::Database::parse(url, clock).value());
    for (const char c : SystemRandom().uuid4().text())
      if (c != '-') name_ += c;
    auto session = server_->open().value();
    REQUIRE(session.execute("make database", "CREATE DATABASE " + name_));
    std::string own(url);
    const auto query = own.find('?');
    const auto end = query == std::string::npos ? own.size() : query;
    const auto slash = own.rfind('/', end);
    own.replace(slash + 1, end - slash - 1, name_);
    database_ = std::make_unique<store::Database>(store::Database::parse(own, clock).value());
    auto fresh = database_->open().value();
    migrate(fresh);
  }
  ~PostgresqlPlace() override {
    if (!server_) return;
    if (auto session = server_->open())
      static_cast<void>(
          session->execute("drop database", "DROP DATABASE IF EXISTS " + name_ + " (FORCE)"));
  }
  [[nodiscard]] const store::Database& database() const override { return *database_; }

 private:
  std::string name_ = "dropline_coupons_";
  std::unique_ptr<store::Database> server_;
  std::unique_ptr<store::Database> database_;
};

}  // namespace

std::unique_ptr<Place> make_place(const Clock& clock) {
  return std::make_unique<PostgresqlPlace>(clock);
}

}  // namespace dropline::coupons::testing
