#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "dropline/config/settings.hpp"

using namespace std::chrono_literals;
using namespace dropline::config;

namespace {

Schema shop_schema() {
  Schema schema;
  schema.section("http", "HTTP server");
  schema.integer("http.port", 8080, "Port.").range(1, 65535);
  schema.duration("http.head_timeout", 10s, "Head.").range(100ms, 5min).reloadable();
  schema.bytes("http.body_limit", 65536, "Body.").range(1, 1 << 20);
  schema.boolean("http.tls", false, "TLS.");
  schema.address("http.listen", "127.0.0.1:8080", "Listen.");
  schema.choice("log.format", {"human", "json"}, "human", "Format.").reloadable();
  schema.list("kafka.brokers", std::nullopt, "Brokers.").range(1, 3);
  schema.map("kafka.properties", "--kafka-property", "Passed through.");
  schema.url("store.url", std::nullopt, "Database.");
  schema.secret("token.key", "Signs tokens.");
  schema.path("data", std::nullopt, "Folder.");
  schema.number("trace.sample", 0.5, "Share.").range(0, 1);
  schema.text("shop.name", "shop", "Name.");
  return schema;
}

class Folder final {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "dropline-config-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Settings good(const Sources& sources, const Schema& schema = shop_schema()) {
  auto settings = load(schema, sources);
  if (!settings) FAIL(settings.error().detail);
  return *settings;
}

std::string wrong(const Sources& sources, const Schema& schema = shop_schema()) {
  const auto settings = load(schema, sources);
  return settings ? std::string() : settings.error().detail;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("defaults are in force where nobody says otherwise") {
  const Settings settings = good({});
  CHECK(settings.integer("http.port") == 8080);
  CHECK(settings.duration("http.head_timeout") == 10'000ms);
  CHECK(settings.duration<std::chrono::seconds>("http.head_timeout") == 10s);
  CHECK(settings.bytes("http.body_limit") == 65536);
  CHECK_FALSE(settings.boolean("http.tls"));
  CHECK(settings.address("http.listen") == Address{"127.0.0.1", 8080});
  CHECK(settings.number("trace.sample") == 0.5);
  CHECK(settings.map("kafka.properties").empty());
  CHECK_FALSE(settings.has("store.url"));
  CHECK_FALSE(settings.has("token.key"));
  CHECK(settings.origin("http.port") == "default");
}

TEST_CASE("flags win over variables, these over the file, it over defaults") {
  const Folder folder;
  const std::string file = folder.write("shop.toml",
                                        "[http]\nport = 1\nhead_timeout = \"1s\"\n"
                                        "body_limit = \"1KiB\"\n");
  const Settings settings =
      good({.file = file,
            .environment = {"DROPLINE_HTTP_PORT=2", "DROPLINE_HTTP_HEAD_TIMEOUT=2s", "HOME=/x"},
            .flags = {{"--http-port", "3"}}});
  CHECK(settings.integer("http.port") == 3);
  CHECK(settings.layer("http.port") == Layer::flag);
  CHECK(settings.origin("http.port") == "--http-port");
  CHECK(settings.duration("http.head_timeout") == 2s);
  CHECK(settings.origin("http.head_timeout") == "DROPLINE_HTTP_HEAD_TIMEOUT");
  CHECK(settings.bytes("http.body_limit") == 1024);
  CHECK(settings.origin("http.body_limit") == file + ":4");
}

TEST_CASE("every type is read from TOML as TOML writes it") {
  const Folder folder;
  const Settings settings = good({.file = folder.write("shop.toml", R"(
data = "var/data"
[http]
tls = true
body_limit = 2048
listen = "[::1]:9000"
[log]
format = "json"
[kafka]
brokers = ["a:1", "b:2"]
[kafka.properties]
security.protocol = "SASL_SSL"
"linger.ms" = 5
enable.ssl = true
[store]
url = "postgresql://shop:pw@db/shop"
[trace]
sample = 1
)")});
  CHECK(settings.boolean("http.tls"));
  CHECK(settings.bytes("http.body_limit") == 2048);
  CHECK(settings.address("http.listen").text() == "[::1]:9000");
  CHECK(settings.text("log.format") == "json");
  CHECK(settings.list("kafka.brokers") == std::vector<std::string>{"a:1", "b:2"});
  CHECK(settings.map("kafka.properties") ==
        std::map<std::string, std::string>{
            {"enable.ssl", "true"}, {"linger.ms", "5"}, {"security.protocol", "SASL_SSL"}});
  CHECK(settings.number("trace.sample") == 1);
  CHECK(settings.text("data") == folder.path() + "/var/data");
  CHECK(settings.shown("store.url") == "postgresql://shop:(hidden)@db/shop");
}

TEST_CASE("an unknown key is refused with its place and the nearest known one") {
  const Folder folder;
  const std::string file = folder.write("shop.toml", "\n[http]\nprot = 1\n[htp]\nport = 1\n");
  const std::string detail = wrong({.file = file});
  CHECK(contains(detail, file + ":3: unknown key http.prot; did you mean http.port?"));
  CHECK(contains(detail, file + ":4: unknown section htp; did you mean http?"));
  CHECK(load(shop_schema(), {.file = file}).error().code == Errc::unknown_key);
  CHECK(contains(wrong({.file = folder.write("other.toml", "port = 1\n")}),
                 "unknown key port; did you mean http.port?"));
  CHECK(contains(wrong({.file = folder.write("third.toml", "zzz = 1\n")}), ":1: unknown key zzz"));
}

TEST_CASE("an unknown variable of ours is refused, and others' are let be") {
  CHECK(contains(
      wrong({.environment = {"DROPLINE_HTTP_PROT=1"}}),
      "unknown environment variable DROPLINE_HTTP_PROT; did you mean DROPLINE_HTTP_PORT?"));
  CHECK(wrong({.environment = {"HTTP_PROT=1", "DROPLINE", "DROPLINEX=1", "DROPLINE_CONFIG=x"}})
            .empty());
  Schema schema = shop_schema();
  schema.ignore_variables("DROPLINE_TEST_");
  CHECK(wrong({.environment = {"DROPLINE_TEST_KAFKA=1"}}, schema).empty());
  CHECK(contains(wrong({.flags = {{"--http-prot", "1"}}}), "did you mean --http-port?"));
}

TEST_CASE("an empty variable counts as absent") {
  CHECK(good({.environment = {"DROPLINE_HTTP_PORT=", "DROPLINE_TOKEN_KEY_FILE=",
                              "DROPLINE_KAFKA_PROPERTIES="}})
            .integer("http.port") == 8080);
}

TEST_CASE("a wrong value is shown with what is allowed and where it came from") {
  CHECK(
      wrong({.environment = {"DROPLINE_HTTP_PORT=70000"}}) ==
      "DROPLINE_HTTP_PORT: \"70000\" is not allowed: it is out of range; allowed is a whole number "
      "from 1 to 65535");
  CHECK(wrong({.flags = {{"--log-format", "xml"}}}) ==
        "--log-format: \"xml\" is not allowed: it is not one of human, json");
  CHECK(contains(wrong({.flags = {{"--http-head-timeout", "6m"}}}), "from 100ms to 5m"));
  CHECK(contains(wrong({.flags = {{"--http-body-limit", "1GiB"}}}), "from 1B to 1MiB"));
  CHECK(contains(wrong({.flags = {{"--http-listen", "127.0.0.1:0"}}}), "port may not be 0"));
  CHECK(contains(wrong({.flags = {{"--trace-sample", "1.01"}}}), "from 0 to 1"));
  CHECK(contains(wrong({.flags = {{"--kafka-brokers", "a,b,c,d"}}}), "from 1 to 3 items"));
  CHECK(contains(wrong({.flags = {{"--kafka-brokers", "a,,b"}}}), "item of the list is empty"));
  CHECK(contains(wrong({.flags = {{"--shop-name", std::string("a\0b", 3)}}}), "zero byte"));
}

TEST_CASE("a value of the wrong TOML type is refused with how to write it") {
  const Folder folder;
  const auto detail = [&](const std::string& text) {
    return wrong({.file = folder.write("shop.toml", text)});
  };
  CHECK(contains(detail("[http]\nport = \"8080\"\n"),
                 ":2: http.port: it is a text; a whole number from 1 to 65535 is needed, written "
                 "without quotes"));
  CHECK(contains(detail("[http]\nhead_timeout = 15\n"), "with its unit, such as \"15s\""));
  CHECK(contains(detail("[http]\nport = 80.5\n"), "a decimal number"));
  CHECK(contains(detail("[http]\ntls = \"true\"\n"), "without quotes"));
  CHECK(contains(detail("[kafka]\nbrokers = \"a:1\"\n"), "such as [\"one\", \"two\"]"));
  CHECK(contains(detail("[kafka]\nbrokers = [1, 2]\n"), "a list of other things"));
  CHECK(contains(detail("[kafka]\nbrokers = [\"a,b\"]\n"), "has no comma"));
  CHECK(contains(detail("http = 3\n"), "[http]"));
  CHECK(contains(detail("[http.port]\nx = 1\n"), "it is a table"));
  CHECK(contains(detail("[shop]\nname = 1979-05-27\n"), "a date or time"));
  CHECK(contains(detail("[kafka]\nproperties = \"x\"\n"), "pairs key=value"));
  CHECK(contains(detail("[kafka.properties]\nx = 1979-05-27\n"), "kafka.properties.x"));
}

TEST_CASE("what is not TOML is refused with its line") {
  const Folder folder;
  const std::string file = folder.write("shop.toml", "[http]\nport = 1\nport = 2\n");
  const auto settings = load(shop_schema(), {.file = file});
  REQUIRE(settings.has_error());
  CHECK(settings.error().code == Errc::bad_syntax);
  CHECK(contains(settings.error().detail, file + ":3: "));
  CHECK(contains(wrong({.file = folder.write("bad.toml", "[http\n")}), "bad.toml:1: "));
  CHECK(contains(wrong({.file = folder.write("bytes.toml", "a = \"\xff\"\n")}), "bytes.toml:1: "));
}

TEST_CASE("hostile files cost an error, not the process") {
  const Folder folder;
  std::string dots = "a";
  for (int i = 0; i < 300'000; ++i)
    dots += ".a";
  CHECK(contains(wrong({.file = folder.write("deep.toml", dots + " = 1\n")}), "nested too deep"));
  CHECK_FALSE(
      wrong({.file = folder.write("brackets.toml", "a = " + std::string(100'000, '['))}).empty());
  CHECK(contains(wrong({.file = folder.write("big.toml", std::string(2 << 20, '#'))}),
                 "larger than"));
  CHECK(contains(wrong({.file = folder.path()}), "cannot read"));
  CHECK(contains(wrong({.file = folder.path() + "/none.toml"}), "No such file"));
}

TEST_CASE("all problems are told at once") {
  const std::string detail = wrong({.environment = {"DROPLINE_HTTP_PORT=x", "DROPLINE_NOPE=1"},
                                    .flags = {{"--http-tls", "maybe"}}});
  CHECK(std::count(detail.begin(), detail.end(), '\n') == 2);
  CHECK(contains(detail, "DROPLINE_HTTP_PORT: "));
  CHECK(contains(detail, "DROPLINE_NOPE"));
  CHECK(contains(detail, "--http-tls: "));
}

TEST_CASE("secrets come from files, less one newline, and are never shown") {
  const Folder folder;
  folder.write("key", "s3cret\n");
  const std::string file = folder.write("shop.toml", "[token]\nkey_file = \"key\"\n");
  const Settings settings = good({.file = file});
  CHECK(settings.secret("token.key").reveal() == "s3cret");
  CHECK(settings.shown("token.key") == "(hidden)");
  CHECK(settings.warnings().empty());
  CHECK_FALSE(contains(settings.describe() + settings.describe_json(), "s3cret"));

  const std::string other = folder.write("other", " two\n\n");
  CHECK(good({.file = file, .environment = {"DROPLINE_TOKEN_KEY_FILE=" + other}})
            .secret("token.key")
            .reveal() == " two\n");
  CHECK(good({.file = file,
              .environment = {"DROPLINE_TOKEN_KEY_FILE=" + other},
              .flags = {{"--token-key-file", folder.path() + "/key"}}})
            .secret("token.key")
            .reveal() == "s3cret");
}

TEST_CASE("secrets that others may read, or see, are warned about") {
  const Folder folder;
  const std::string open = folder.write("open", "x\n", 0644);
  const Settings settings = good({.environment = {"DROPLINE_TOKEN_KEY_FILE=" + open}});
  REQUIRE(settings.warnings().size() == 1);
  CHECK(contains(settings.warnings()[0], "others may read the secret in " + open + " (mode 0644)"));
  CHECK(contains(settings.describe(), "warning: "));
  CHECK(contains(good({.flags = {{"--token-key", "x"}}}).warnings().at(0), "--token-key-file"));
}

TEST_CASE("secrets that cannot be read are refused without showing them") {
  const Folder folder;
  CHECK(
      contains(wrong({.flags = {{"--token-key-file", folder.path() + "/none"}}}), "No such file"));
  CHECK(contains(wrong({.flags = {{"--token-key-file", folder.write("empty", "\n")}}}), "empty"));
  CHECK(contains(wrong({.flags = {{"--token-key-file", ""}}}), "name is empty"));
  const std::string huge = folder.write("huge", std::string(100'000, 'x'));
  CHECK(contains(wrong({.flags = {{"--token-key-file", huge}}}), "larger than"));
  const std::string detail =
      wrong({.environment = {"DROPLINE_TOKEN_KEY=s3cret",
                             "DROPLINE_TOKEN_KEY_FILE=" + folder.write("key", "s3cret")}});
  CHECK(contains(detail, "keep one of them"));
  CHECK_FALSE(contains(detail, "s3cret"));
}

TEST_CASE("a map merges its layers key by key and hides what looks secret") {
  const Folder folder;
  folder.write("password", "pw\n");
  const std::string file = folder.write(
      "shop.toml",
      "[kafka.properties]\nlinger.ms = 1\nacks = \"all\"\nsasl.password_file = \"password\"\n");
  const Settings settings =
      good({.file = file,
            .environment = {"DROPLINE_KAFKA_PROPERTIES=linger.ms=2; ssl.key.pem=PEM ;"},
            .flags = {{"--kafka-property", "linger.ms=3"}, {"--kafka-property", "x=a=b"}}});
  CHECK(settings.map("kafka.properties") ==
        std::map<std::string, std::string>{{"acks", "all"},
                                           {"linger.ms", "3"},
                                           {"sasl.password", "pw"},
                                           {"ssl.key.pem", "PEM "},
                                           {"x", "a=b"}});
  const std::string table = settings.describe();
  CHECK(contains(table, "kafka.properties.linger.ms"));
  CHECK(contains(table, "--kafka-property"));
  CHECK_FALSE(contains(table, "PEM"));
  CHECK_FALSE(contains(table, "pw"));
  CHECK(settings.origin("kafka.properties") == "--kafka-property");
  CHECK(contains(wrong({.flags = {{"--kafka-property", "novalue"}}}), "a pair is key=value"));
  CHECK(contains(wrong({.flags = {{"--kafka-property", "=x"}}}), "a pair is key=value"));
}

TEST_CASE("a list's flag may be repeated, and replaces what the file says") {
  const Folder folder;
  const Sources sources{.file = folder.write("shop.toml", "[kafka]\nbrokers = [\"x:1\"]\n"),
                        .flags = {{"--kafka-brokers", "a:1 , b:2"}, {"--kafka-brokers", "c:3"}}};
  CHECK(good(sources).list("kafka.brokers") == std::vector<std::string>{"a:1", "b:2", "c:3"});
}

TEST_CASE("a required option must come from somewhere, where its section is used") {
  Schema schema;
  schema.address("store.address", std::nullopt, "Where.").required();
  schema.secret("token.key", "Key.").required();
  CHECK(wrong({}, schema) ==
        "store.address is required: give --store-address, DROPLINE_STORE_ADDRESS, or address under "
        "[store] in the file\n"
        "token.key is required: give --token-key-file, DROPLINE_TOKEN_KEY_FILE, or key_file under "
        "[token] in the file");
  CHECK(wrong({.sections = std::vector<std::string>{}}, schema).empty());
  CHECK(contains(wrong({.sections = {{"token"}}}, schema), "token.key"));
  const std::string given =
      wrong({.flags = {{"--store-address", "x"}, {"--token-key", "k"}}}, schema);
  CHECK_FALSE(contains(given, "required"));
}

TEST_CASE("rules across options hold once all are known") {
  Schema schema;
  schema.integer("a.least", 1, "Least.");
  schema.integer("a.most", 9, "Most.");
  schema.rule([](const Settings& settings) {
    return settings.integer("a.least") > settings.integer("a.most") ? "a.least is above a.most"
                                                                    : "";
  });
  CHECK(wrong({}, schema).empty());
  CHECK(wrong({.flags = {{"--a-least", "10"}}}, schema) == "a.least is above a.most");
}

TEST_CASE("durations are rounded up, so that something does not become nothing") {
  Schema schema;
  schema.duration("x.wait", 1500us, "Wait.");
  CHECK(good({}, schema).duration("x.wait") == 2ms);
}

TEST_CASE("what is in force is told with its origin") {
  const std::string table = good({.flags = {{"--http-port", "9"}}}).describe();
  CHECK(contains(table, "OPTION"));
  CHECK(contains(table, "http.head_timeout  10s"));
  CHECK(contains(table, "store.url          (not set)"));
  const std::string json = good({.flags = {{"--shop-name", "a\"b\x1b"}}}).describe_json();
  CHECK(contains(json, R"("name":"shop.name","value":"a\"b\u001b","from":"--shop-name")"));
  CHECK(contains(json, R"("name":"store.url","value":null,)"));
}

TEST_CASE("a reload knows what changed and whether it can be taken over") {
  const Settings before = good({});
  const Settings after = good({.flags = {{"--http-port", "9"},
                                         {"--log-format", "json"},
                                         {"--kafka-property", "a=b"},
                                         {"--http-body-limit", "64KiB"}}});
  const auto changes = before.changes(after);
  REQUIRE(changes.size() == 3);
  CHECK(changes[0].name == "http.port");
  CHECK_FALSE(changes[0].reloadable);
  CHECK(changes[1].name == "kafka.properties");
  CHECK(changes[2].name == "log.format");
  CHECK(changes[2].reloadable);
  CHECK(before.changes(good({})).empty());
}
