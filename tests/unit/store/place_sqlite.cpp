#include <unistd.h>

#include <filesystem>

#include "place.hpp"

namespace dropline::store {
namespace {

class SqlitePlace final : public Place {
 public:
  SqlitePlace() {
    static int number = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("dropline store " + std::to_string(getpid()) + " " + std::to_string(++number));
    std::filesystem::create_directories(folder_);
    auto database = Database::parse("sqlite:" + (folder_ / "a b.db").string(), clock_);
    REQUIRE_DONE(database);
    database_ = std::make_unique<Database>(*database);
  }
  ~SqlitePlace() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  const Database& database() const override { return *database_; }
  const std::string& service() const override { return service_; }

 private:
  std::filesystem::path folder_;
  std::string service_ = "shop";
  std::unique_ptr<Database> database_;
};

}  // namespace

std::unique_ptr<Place> make_place() {
  return std::make_unique<SqlitePlace>();
}

}  // namespace dropline::store
