#include <filesystem>

#include "dropline/base/random.hpp"
#include "place.hpp"

namespace dropline::coupons::testing {
namespace {

class SqlitePlace final : public Place {
 public:
  explicit SqlitePlace(const Clock& clock) : database_(make(folder_, clock)) {
    auto session = database_.open().value();
    migrate(session);
  }
  ~SqlitePlace() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  [[nodiscard]] const store::Database& database() const override { return database_; }

 private:
  static store::Database make(const std::filesystem::path& folder, const Clock& clock) {
    std::filesystem::create_directories(folder);
    return store::Database::parse("sqlite:" + (folder / "coupons.db").string(), clock).value();
  }
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() /
                                  ("dropline-coupons-" + SystemRandom().uuid4().text());
  store::Database database_;
};

}  // namespace

std::unique_ptr<Place> make_place(const Clock& clock) {
  return std::make_unique<SqlitePlace>(clock);
}

}  // namespace dropline::coupons::testing
