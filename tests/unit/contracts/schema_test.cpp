#include "dropline/contracts/schema.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "catalogue_json.hpp"
#include "dropline/contracts/orders_commands.hpp"

using namespace dropline::contracts;
namespace fs = std::filesystem;

namespace {

const fs::path kScript = fs::path(DROPLINE_SOURCE_DIR) / "scripts" / "lib" / "check_schemas.py";

/// Runs the check on what the code says; what it finds stands on the test's output.
int check(const std::string& catalogue, const std::string& options) {
  const fs::path file =
      fs::temp_directory_path() / ("dropline-catalogue-" + std::to_string(::getpid()) + ".json");
  std::ofstream(file) << catalogue;
  const auto command =
      "python3 '" + kScript.string() + "' --catalogue '" + file.string() + "' " + options;
  const int status = std::system(command.c_str());
  fs::remove(file);
  return status;
}

}  // namespace

TEST_CASE("a message's schema is told by its list of fields") {
  CHECK(json_schema<SettledOrder>() ==
        R"({"type":"object","properties":{)"
        R"("order_id":{"type":"string","format":"uuid","pattern":"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-)"
        R"([0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"},)"
        R"("member":{"type":"string","format":"uuid","pattern":"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-)"
        R"([0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"}},)"
        R"("required":["order_id","member"],"unevaluatedProperties":false})");
}

TEST_CASE("code, schemas, samples and asyncapi.yaml tell the same, and break no reader") {
  CHECK(check(catalogue_json(), "--self-test") == 0);
}

TEST_CASE("the check fails when the code tells something else") {
  const auto with = [](std::string_view from, std::string_view to) {
    auto text = catalogue_json();
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };
  CHECK(check(with(R"("maximum":1000)", R"("maximum":1001)"), "> /dev/null") != 0);
  CHECK(check(with(R"("name":"PlaceOrder")", R"("name":"PlaceOrders")"), "> /dev/null") != 0);
  CHECK(check(with(R"("signed":false)", R"("signed":true)"), "> /dev/null") != 0);
  CHECK(check(with(R"("compacted":true)", R"("compacted":false)"), "> /dev/null") != 0);
  CHECK(check(with(R"("name":"catalog.events")", R"("name":"catalog.facts")"), "> /dev/null") != 0);
  CHECK(check(with(R"("wallet","card")", R"("wallet","cash")"), "> /dev/null") != 0);
}
