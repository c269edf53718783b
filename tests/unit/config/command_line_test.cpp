#include "dropline/config/command_line.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace std::chrono_literals;
using namespace dropline::config;

namespace {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

/// A program like the real one; what its commands see is written to `out`.
CommandLine shop() {
  Schema schema;
  schema.section("http", "HTTP server", "What shoppers reach.");
  schema.integer("http.port", 8080, "Port that shoppers reach.").range(1, 65535);
  schema.boolean("http.tls", true, "Serve TLS.");
  schema.map("kafka.properties", "--kafka-property", "Passed to the client as it is.");
  schema.secret("token.key", "Signs tokens.");
  schema.text("store.folder", std::nullopt, "Folder.").required();
  CommandLine line("dropline", "1.2.3", "sells limited goods in order of arrival", schema);

  Command serve;
  serve.name = "serve";
  serve.summary = "run everything in one process";
  serve.sections = {"http", "kafka"};
  serve.own.boolean("dev", false, "Development only.");
  serve.examples = {{"dropline serve --http-port 9000", "on another port"}};
  serve.run = [](const Invocation& invocation) {
    invocation.out() << "serve port=" << invocation.settings().integer("http.port")
                     << " tls=" << invocation.settings().boolean("http.tls")
                     << " dev=" << invocation.own().boolean("dev")
                     << " kafka=" << invocation.settings().shown("kafka.properties")
                     << " file=" << invocation.config_file();
    return 0;
  };
  line.add(serve);

  Command token;
  token.name = "token";
  token.summary = "make a token";
  token.own.text("member", std::nullopt, "Whose.").required();
  token.own.choice("role", {"member", "admin"}, "member", "Role.");
  token.own.integer("shift", 0, "Shift.");
  token.own.boolean("dev", false, "Development only.");
  token.run = [](const Invocation& invocation) {
    invocation.out() << "token " << invocation.own().text("member") << " "
                     << invocation.own().text("role") << " " << invocation.own().integer("shift");
    return 7;
  };
  line.add(token);

  Command audit;
  audit.name = "audit";
  audit.summary = "check the invariants";
  audit.run = [](const Invocation& invocation) {
    invocation.out() << "audit all";
    return 0;
  };
  line.add(audit);
  Command drop;
  drop.name = "audit drop";
  drop.summary = "replay a drop";
  drop.arguments = {{"id", "the drop"}, {"file", "more", false, true}};
  drop.run = [](const Invocation& invocation) {
    invocation.out() << "drop " << invocation.argument("id");
    for (const auto& file : invocation.arguments("file"))
      invocation.out() << " +" << file;
    return 0;
  };
  line.add(drop);
  Command verify;
  verify.name = "verify receipt";
  verify.summary = "check a receipt";
  verify.arguments = {{"file", "the receipt"}};
  verify.run = [](const Invocation&) { return 0; };
  line.add(verify);
  line.add_config_command();
  line.default_command("serve");
  return line;
}

Outcome run(const std::vector<std::string>& arguments,
            const std::vector<std::string>& environment = {}) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = shop().run(arguments, environment, out, err);
  return {code, out.str(), err.str()};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("flags stand before or after the command, with a space or an equals sign") {
  CHECK(run({"serve", "--http-port", "9"}).out == "serve port=9 tls=1 dev=0 kafka= file=");
  CHECK(run({"--http-port=9", "serve", "--dev"}).out == "serve port=9 tls=1 dev=1 kafka= file=");
  CHECK(run({"--http-port", "9"}).out == "serve port=9 tls=1 dev=0 kafka= file=");
  CHECK(run({}).out == "serve port=8080 tls=1 dev=0 kafka= file=");
  CHECK(run({"--http-port", "9", "--http-port", "10"}).out ==
        "serve port=10 tls=1 dev=0 kafka= file=");
}

TEST_CASE("booleans are switched on, off, or given a value") {
  CHECK(contains(run({"--no-http-tls"}).out, "tls=0"));
  CHECK(contains(run({"--http-tls=false"}).out, "tls=0"));
  CHECK(contains(run({"--http-tls"}, {"DROPLINE_HTTP_TLS=false"}).out, "tls=1"));
  CHECK(run({"--no-http-tls=true"}).code == kExitUsage);
  CHECK(contains(run({"--http-tls", "false"}).err, "unexpected") == false);
  CHECK(run({"--http-tls", "false"}).code == kExitUsage);
}

TEST_CASE("a value may begin with a dash where it cannot be a flag") {
  CHECK(run({"token", "--member", "m", "--shift", "-5"}).out == "token m member -5");
  CHECK(run({"token", "--member=--x"}).out == "token --x member 0");
  CHECK(run({"token", "--member", "-"}).out == "token - member 0");
  const Outcome missing = run({"token", "--member", "--role", "admin"});
  CHECK(missing.code == kExitUsage);
  CHECK(contains(missing.err, "--member needs a value (a text), but --role follows"));
  CHECK(contains(run({"token", "--member"}).err, "--member needs a value"));
  CHECK(run({"token", "--member="}).out == "token  member 0");
}

TEST_CASE("a map's flag is repeated") {
  CHECK(contains(run({"--kafka-property", "a=b", "--kafka-property=c=d"}).out, "kafka=a=b, c=d"));
}

TEST_CASE("a command's exit code is the program's") {
  CHECK(run({"token", "--member", "m", "--role", "admin"}).code == 7);
}

TEST_CASE("the longest name of a command wins, and its arguments follow") {
  CHECK(run({"audit"}).out == "audit all");
  CHECK(run({"audit", "drop", "d-1"}).out == "drop d-1");
  CHECK(run({"audit", "drop", "d-1", "x", "y"}).out == "drop d-1 +x +y");
  CHECK(run({"audit", "drop", "--", "--http-port", "-h"}).out == "drop --http-port +-h");
  CHECK(contains(run({"audit", "drop"}).err, "'audit drop' needs ID: the drop"));
  CHECK(contains(run({"audit", "dorp"}).err, "unexpected argument 'dorp'"));
  CHECK(contains(run({"verify"}).err,
                 "'verify' is not a command by itself; there is verify receipt"));
}

TEST_CASE("unknown commands and flags are refused with the nearest known one") {
  const Outcome command = run({"servr"});
  CHECK(command.code == kExitUsage);
  CHECK(command.err ==
        "dropline: unknown command 'servr'; did you mean serve?\nTry 'dropline --help'.\n");
  CHECK(contains(run({"verify", "reciept", "x"}).err, "verify receipt"));
  CHECK(contains(run({"xyzzy"}).err, "'dropline --help' lists them"));
  const Outcome flag = run({"serve", "--http-prot", "9"});
  CHECK(flag.code == kExitUsage);
  CHECK(contains(flag.err, "unknown flag --http-prot; did you mean --http-port?"));
  CHECK(contains(flag.err, "Try 'dropline serve --help'."));
  CHECK(contains(run({"serve", "-x"}).err, "unknown flag -x"));
  CHECK(contains(run({"token", "--member", "m", "--http-port", "9"}).err,
                 "'token' does not use --http-port"));
  CHECK(contains(run({"serve", "--member", "m"}).err, "--member is a flag of 'token'"));
  CHECK(contains(run({"xy\x1b[2J"}).err, "\x1b") == false);
}

TEST_CASE("all problems of the configuration are told, a line each") {
  const Outcome outcome = run({"serve", "--http-port", "0"}, {"DROPLINE_NOPE=1"});
  CHECK(outcome.code == kExitUsage);
  CHECK(outcome.out.empty());
  CHECK(contains(outcome.err, "dropline: 2 problems\n  "));
}

TEST_CASE("required options are asked for only where they are used") {
  CHECK(run({"serve"}).code == 0);
  CHECK(run({"config"}).code == 0);
  CHECK(contains(run({"token"}).err, "member is required: give --member\n"));
}

TEST_CASE("the file is named by flag, by variable, or is the first default that is there") {
  const std::string path = (std::filesystem::temp_directory_path() / "dropline-cli-").string() +
                           std::to_string(getpid()) + ".toml";
  std::ofstream(path) << "[http]\nport = 77\n";
  const std::string seen = "port=77 tls=1 dev=0 kafka= file=" + path;
  CHECK(contains(run({"--config", path}).out, seen));
  CHECK(contains(run({"serve", "-c", path}).out, seen));
  CHECK(contains(run({}, {"DROPLINE_CONFIG=" + path}).out, seen));
  CHECK(contains(run({"--config", path}, {"DROPLINE_CONFIG=/none"}).out, seen));
  CHECK(contains(run({"--config", "/none.toml"}).err, "cannot read /none.toml"));
  CHECK(contains(run({"--config"}).err, "--config needs a value"));
  CommandLine line = shop();
  line.default_files({"/none.toml", path});
  std::ostringstream out;
  std::ostringstream err;
  CHECK(line.run({}, {}, out, err) == 0);
  CHECK(contains(out.str(), seen));
  std::filesystem::remove(path);
}

TEST_CASE("a reload reads the same places again") {
  const std::string path = (std::filesystem::temp_directory_path() / "dropline-reload-").string() +
                           std::to_string(getpid()) + ".toml";
  std::ofstream(path) << "[a]\nb = 1\n";
  Schema schema;
  schema.integer("a.b", 0, "B.").reloadable();
  schema.integer("a.c", 0, "C.");
  CommandLine line("prog", "1", "reloads", schema);
  Command command;
  command.name = "run";
  command.summary = "run";
  command.sections = {"*"};
  command.run = [&](const Invocation& invocation) {
    std::ofstream(path) << "[a]\nb = 2\n";
    const auto again = invocation.reload();
    REQUIRE(again.has_value());
    CHECK(again->integer("a.b") == 2);
    CHECK(again->integer("a.c") == 5);
    CHECK(invocation.settings().changes(*again).size() == 1);
    std::ofstream(path) << "broken";
    CHECK(invocation.reload().has_error());
    return 0;
  };
  line.add(command);
  line.default_command("run");
  std::ostringstream out;
  CHECK(line.run({"--config", path, "--a-c", "5"}, {}, out, out) == 0);
  CHECK(contains(line.help(), "Usage: prog [FLAGS]"));
  std::filesystem::remove(path);
}

TEST_CASE("help teaches: commands, flags with defaults and variables, examples") {
  const Outcome program = run({"--help"});
  CHECK(program.code == 0);
  CHECK(program.err.empty());
  CHECK(contains(program.out, "dropline 1.2.3: sells limited goods"));
  CHECK(contains(program.out, "  serve           run everything in one process (default)\n"));
  CHECK(contains(program.out, "verify receipt  check a receipt\n"));
  const Outcome serve = run({"serve", "-h"});
  CHECK(serve.code == 0);
  CHECK(contains(serve.out, "HTTP server [http]:"));
  CHECK(contains(serve.out, "--http-port NUMBER"));
  CHECK(contains(serve.out, "default 8080"));
  CHECK(contains(serve.out, "DROPLINE_HTTP_PORT"));
  CHECK(contains(serve.out, "--no-http-tls\n"));
  CHECK(contains(serve.out, "dropline serve --http-port 9000\n      on another port"));
  CHECK_FALSE(contains(serve.out, "--token-key"));
  CHECK(run({"help", "serve"}).out == serve.out);
  CHECK(run({"help", "audit", "drop"}).out == run({"audit", "drop", "--help"}).out);
  CHECK(run({"help"}).out == program.out);
  CHECK(contains(run({"audit", "drop", "--help"}).out,
                 "Usage: dropline audit drop [FLAGS] ID [FILE…]"));
  CHECK(run({"serve", "--help", "--http-prot"}).code == 0);
  for (const Outcome& outcome : {program, serve}) {
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);)
      CHECK(line.size() <= 100);
  }
}

TEST_CASE("the version is printed") {
  CHECK(run({"--version"}).out == "dropline 1.2.3\n");
  CHECK(run({"serve", "-V"}).code == 0);
}

TEST_CASE("config shows what is in force, as a table, as JSON, or as an example file") {
  const Outcome table = run({"config", "--http-port", "9"}, {"DROPLINE_TOKEN_KEY=s3cret"});
  CHECK(table.code == 0);
  CHECK(contains(table.out, "http.port         9"));
  CHECK(contains(table.out, "--http-port"));
  CHECK(contains(table.out, "(hidden)"));
  CHECK_FALSE(contains(table.out, "s3cret"));
  CHECK(contains(run({"config", "--json"}).out, R"({"name":"http.port","value":"8080",)"));
  CHECK(contains(run({"config", "--example"}).out, "[http]\n"));
}

TEST_CASE("without a default command nothing to do is a usage error that shows help") {
  CommandLine line("prog", "1", "does one thing", Schema());
  Command command;
  command.name = "do";
  command.summary = "do it";
  command.run = [](const Invocation&) { return 0; };
  line.add(command);
  std::ostringstream out;
  std::ostringstream err;
  CHECK(line.run({}, {}, out, err) == kExitUsage);
  CHECK(contains(err.str(), "Commands:"));
}
