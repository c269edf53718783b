#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "common/outlets.hpp"
#include "dropline/base/random.hpp"
#include "notice.hpp"

using namespace dropline;
using namespace dropline::testing;

TEST_CASE("a notice is one whole line, whoever writes at the same time") {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  const auto file = std::filesystem::temp_directory_path() /
                    ("dropline-notices-" + SystemRandom().uuid4().text());
  apps::LogTarget target(file);
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t)
    writers.emplace_back([&target] {
      for (int i = 0; i < kEach; ++i)
        CHECK(target.call(a_call()).has_value());
    });
  for (auto& writer : writers)
    writer.join();
  std::ifstream in(file);
  int lines = 0;
  for (std::string line; std::getline(in, line); ++lines)
    REQUIRE(line == a_call().request);
  CHECK(lines == kThreads * kEach);
  CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::others_read) ==
        std::filesystem::perms::none);
  std::filesystem::remove(file);
}

TEST_CASE("a folder that is not there is an error, so the notice is told again") {
  apps::LogTarget target("/no/such/folder/notices.jsonl");
  CHECK_FALSE(target.call(a_call()).has_value());
}
