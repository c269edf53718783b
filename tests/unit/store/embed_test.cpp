#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "dropline/store/migrations.hpp"
#include "place.hpp"
#include "sample_files.hpp"

namespace dropline::store {
namespace {

TEST_CASE("a file carried in the program is the file, byte for byte") {
  const auto files = embedded::sample_files();
  REQUIRE(files.size() == 2);
  for (const auto& [path, text] : files) {
    std::ifstream file(std::filesystem::path(DROPLINE_SOURCE_DIR) / path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    REQUIRE(file);
    CHECK(text == content.view());
  }
  const auto migrations = parse_migrations(files);
  REQUIRE_DONE(migrations);
  CHECK(migrations->front().path() == "notes/001_odd.sql");
}

}  // namespace
}  // namespace dropline::store
