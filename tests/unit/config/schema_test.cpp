#include "dropline/config/schema.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "dropline/config/settings.hpp"

using namespace std::chrono_literals;
using namespace dropline::config;

namespace {

template <class Work>
bool dies(Work work) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    signal(SIGABRT, SIG_DFL);
    work();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/// Keys and tables are behind "#", what explains them behind "# ".
std::string without_comment_marks(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') line.erase(0, 1);
    out += line + "\n";
  }
  return out;
}

Schema every_type() {
  Schema schema;
  schema.section("http", "HTTP server", "What shoppers reach.");
  schema.text("name", "shop \"one\"", "Name of the shop.");
  schema.integer("http.port", 8080, "Port.").range(1, 65535);
  schema.number("http.share", 0.25, "Share.");
  schema.boolean("http.tls", true, "TLS.");
  schema.duration("http.timeout", 90s, "Timeout.").reloadable();
  schema.bytes("http.limit", 65536, "Limit.").unit("bytes");
  schema.choice("http.mode", {"a", "b"}, "b", "Mode.");
  schema.map("kafka.properties", "--kafka-property", "Passed through.").example("linger.ms=5");
  schema.list("kafka.brokers", {{"a:1", "b:2"}}, "Brokers.");
  schema.address("http.admin.listen", "127.0.0.1:9000", "Listen.");
  schema.url("store.url", std::nullopt, "Database.").example("postgresql://db/shop");
  schema.path("store.folder", "/var/lib/shop", "Folder.");
  schema.integer("store.pool", std::nullopt, "Connections.").range(2, 8).example("4");
  schema.boolean("dev", false, "Development.").flag_only();
  return schema;
}

}  // namespace

TEST_CASE("an option's flag, variable and section follow from its name") {
  const Schema schema = every_type();
  const Option& option = *schema.find("http.admin.listen");
  CHECK(option.flag() == "--http-admin-listen");
  CHECK(option.variable() == "DROPLINE_HTTP_ADMIN_LISTEN");
  CHECK(option.section() == "http.admin");
  CHECK(option.key() == "listen");
  CHECK(schema.find("name")->section().empty());
  CHECK(schema.find("kafka.properties")->flag() == "--kafka-property");
  CHECK(schema.find("nope") == nullptr);
}

TEST_CASE("the example file, as it is and with everything uncommented, gives the defaults") {
  const Schema schema = every_type();
  const std::string example = schema.example_toml("dropline");
  const std::string uncommented = without_comment_marks(example);
  const auto defaults = load(schema, {});
  REQUIRE(defaults.has_value());
  std::string name = (std::filesystem::temp_directory_path() / "dropline-example-XXXXXX").string();
  REQUIRE(mkstemp(name.data()) >= 0);
  for (const std::string& text : {example, uncommented}) {
    std::ofstream(name) << text;
    const auto settings = load(schema, {.file = name});
    if (!settings) FAIL(settings.error().detail << "\n" << text);
    for (const Option& option : schema.options()) {
      CAPTURE(option.name());
      if (option.fallback())
        CHECK(settings->shown(option.name()) == defaults->shown(option.name()));
    }
  }
  const auto all = load(schema, {.file = name});
  CHECK(all->layer("http.port") == Layer::file);
  CHECK(all->map("kafka.properties").at("linger.ms") == "5");
  CHECK(all->integer("store.pool") == 4);
  CHECK(example.find("dev") == std::string::npos);
  CHECK(example.find("--http-port, DROPLINE_HTTP_PORT") != std::string::npos);
  std::filesystem::remove(name);
}

TEST_CASE("an option that is flag only is refused in a file and unknown as a variable") {
  const Schema schema = every_type();
  CHECK(load(schema, {.environment = {"DROPLINE_DEV=true"}}).has_error());
  CHECK(load(schema, {.flags = {{"--dev", "true"}}}).value().boolean("dev"));
}

TEST_CASE("mistakes in a declaration end the process at its first start") {
  CHECK_FALSE(dies([] { (void)every_type(); }));
  CHECK(dies([] { Schema().integer("x.y", 0, "Help.").range(1, 2); }));
  CHECK(dies([] { Schema().choice("x.y", {"a"}, "b", "Help."); }));
  CHECK(dies([] { Schema().text("X.y", "", "Help."); }));
  CHECK(dies([] { Schema().text("x..y", "", "Help."); }));
  CHECK(dies([] { Schema().text("x.y", "", ""); }));
  CHECK(dies([] { Schema().text("x.y", "a", "Help.").required(); }));
  CHECK(dies([] { Schema().text("config", "", "Help."); }));
  CHECK(dies([] { Schema().integer("x.y", 1, "Help.").example("many"); }));
  const auto twice = [](const char* one, const char* two) {
    Schema schema;
    schema.text(one, "", "Help.");
    schema.text(two, "", "Help.");
  };
  CHECK(dies([&] { twice("x.y", "x.y"); }));
  CHECK(dies([&] { twice("x.y_z", "x_y.z"); }));
  CHECK(dies([&] { twice("x", "x.y"); }));
  CHECK(dies([] {
    Schema schema;
    schema.secret("x.key", "Help.");
    schema.text("x.key_file", "", "Help.");
  }));
}

TEST_CASE("asking for what is not there, or as what it is not, ends the process") {
  const Settings settings = load(every_type(), {}).value();
  CHECK(dies([&] { (void)settings.integer("nope"); }));
  CHECK(dies([&] { (void)settings.integer("name"); }));
  CHECK(dies([&] { (void)settings.text("store.url"); }));
  CHECK_FALSE(dies([&] { (void)settings.text("name"); }));
}
