#include "dropline/telemetry/log.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <sstream>

#include "dropline/base/ids.hpp"
#include "dropline/telemetry/trace.hpp"

namespace log = dropline::log;
using namespace std::chrono_literals;
using dropline::telemetry::Secret;

namespace {

const log::Logger kLog("unit");

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a line carries its message, its logger and typed fields") {
  const log::Capture capture;
  const auto order = *dropline::OrderId::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  kLog.info("order placed", {{"order", order},
                             {"partition", 3},
                             {"bytes", std::size_t{18446744073709551615ULL}},
                             {"share", 0.25},
                             {"fresh", true},
                             {"took", 15'300us},
                             {"text", order.text()}});
  const auto lines = capture.lines();
  REQUIRE(lines.size() == 1);
  const log::Line& line = lines[0];
  CHECK(line.level == log::Level::info);
  CHECK(line.logger == "unit");
  CHECK(line.message == "order placed");
  CHECK(line.field("order") == "01890a5d-ac96-774b-bcce-b302099a8057");
  CHECK(line.field("took") == "15.3ms");
  CHECK(line.field("absent").empty());
  CHECK(contains(line.json, R"("partition":3,"bytes":18446744073709551615,"share":0.25,)"));
  CHECK(contains(line.json, R"("fresh":true,"took":0.0153,)"));
  CHECK(contains(line.json, R"(,"level":"info","logger":"unit","msg":"order placed",)"));
  CHECK(line.json.starts_with(R"({"ts":"2)"));
  CHECK(line.json.ends_with("}\n"));
  CHECK(contains(line.human, "INFO  unit       order placed"));
  CHECK(contains(line.human, " partition=3 "));
}

TEST_CASE("what a value holds can neither break a JSON line nor start a second one") {
  const log::Capture capture;
  kLog.warn("bad\ninput",
            {{"raw", "a\"b\\c\n\t\x01\x7f"}, {"not_utf8", "x\xff\xc0\xafy"}, {"", "empty key"}});
  const log::Line line = capture.lines().at(0);
  CHECK(contains(line.json, R"("msg":"bad\ninput")"));
  CHECK(contains(line.json, R"("raw":"a\"b\\c\n\t\u0001\u007f")"));
  CHECK(contains(line.json, "\"not_utf8\":\"x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDy\""));
  CHECK(line.json.find('\n') == line.json.size() - 1);
  CHECK(line.human.find('\n') == line.human.size() - 1);
}

TEST_CASE("what a value holds cannot colour or reorder a terminal") {
  const log::Capture capture;
  kLog.info("m\x1b[31m", {{"ansi", "\x1b[2J"},
                          {"c1", "\xC2\x9B"},
                          {"bidi", "\xE2\x80\xAE"},
                          {"korean", "품절"},
                          {"quoted", "two \"words\""},
                          {"empty", ""}});
  const std::string human = capture.lines().at(0).human;
  CHECK(human.find('\x1b') == std::string::npos);
  CHECK(contains(human, "ansi=\\u001b[2J"));
  CHECK(contains(human, "c1=\\u009b"));
  CHECK(contains(human, "bidi=\\u202e"));
  CHECK(contains(human, "korean=품절"));
  CHECK(contains(human, R"(quoted="two \"words\"")"));
  CHECK(contains(human, R"(empty="")"));
}

TEST_CASE("numbers that JSON has no word for are written as text") {
  const log::Capture capture;
  kLog.info("numbers", {{"nan", std::numeric_limits<double>::quiet_NaN()},
                        {"inf", -std::numeric_limits<double>::infinity()},
                        {"small", 5e-324},
                        {"least", std::numeric_limits<std::int64_t>::min()}});
  const std::string json = capture.lines().at(0).json;
  CHECK(contains(json,
                 R"("nan":"NaN","inf":"-Infinity","small":5e-324,"least":-9223372036854775808})"));
}

TEST_CASE("fields named like the line's own keys do not hide them") {
  const log::Capture capture;
  kLog.info("clash", {{"msg", "other"}, {"ts", 1}, {"trace_id", "x"}});
  CHECK(contains(capture.lines().at(0).json,
                 R"("msg":"clash","msg_":"other","ts_":1,"trace_id_":"x"})"));
}

TEST_CASE("a secret is not shown, by logs or by streams") {
  const log::Capture capture;
  const Secret secret(std::string("hunter2"));
  kLog.info("key loaded", {{"key", secret}});
  std::ostringstream out;
  out << secret;
  const log::Line line = capture.lines().at(0);
  CHECK_FALSE(contains(line.json + line.human + out.str(), "hunter2"));
  CHECK(line.field("key") == "(hidden)");
  CHECK(secret.reveal() == "hunter2");
}

TEST_CASE("secrets compare by value and leave nothing behind when moved") {
  Secret one(std::string("short"));
  Secret two(std::move(one));
  CHECK(one.empty());  // NOLINT: what a moved-from secret holds is the point
  CHECK(two == Secret(std::string("short")));
  CHECK_FALSE(two == Secret(std::string("shorT")));
  CHECK_FALSE(two == Secret(std::string("shorter")));
  one = std::move(two);
  CHECK(two.empty());  // NOLINT
  const Secret copy(one);
  one = Secret();
  CHECK(copy.reveal() == "short");
}

TEST_CASE("texts and fields beyond their bounds are cut, and the line says so") {
  const log::Capture capture;
  kLog.info("long", {{"text", std::string(log::kMaxTextBytes + 5, 'x')},
                     {"korean", std::string(log::kMaxTextBytes - 1, 'x') + "품"}});
  const log::Line line = capture.lines().at(0);
  CHECK(contains(line.json, "x… (5 bytes more)\""));
  CHECK(contains(line.json, "x… (3 bytes more)\""));
  CHECK(line.json.find("\xEF\xBF\xBD") == std::string::npos);
  kLog.info("many", {{"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1},
                     {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1},
                     {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1},
                     {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1},
                     {"a", 1}, {"a", 1}, {"a", 1}, {"a", 1}, {"z", 1}, {"z", 1}});
  CHECK(contains(capture.lines().at(1).json, R"("fields_left_out":2})"));
}

TEST_CASE("levels hold for all loggers but those with a level of their own") {
  log::Session session({.level = log::Level::off, .levels = {{"noisy", log::Level::error}}});
  const log::Logger noisy("noisy");
  CHECK_FALSE(kLog.enabled(log::Level::error));
  CHECK(noisy.enabled(log::Level::error));
  CHECK_FALSE(noisy.enabled(log::Level::warn));
  log::set_level("", log::Level::debug);
  CHECK(kLog.enabled(log::Level::debug));
  CHECK_FALSE(noisy.enabled(log::Level::warn));
  log::set_level("noisy", log::Level::trace);
  CHECK(log::Logger("noisy").enabled(log::Level::trace));
  log::set_level("", log::Level::info);
}

TEST_CASE("a text of levels is read whole or refused with the part that is wrong") {
  const auto levels = log::parse_levels("warn, http=debug ,store=off");
  REQUIRE(levels.has_value());
  CHECK(levels->level == log::Level::warn);
  REQUIRE(levels->levels.size() == 2);
  CHECK(levels->levels[0].first == "http");
  CHECK(levels->levels[1].second == log::Level::off);
  for (const char* bad : {"", "loud", "INFO", "info,", "=debug", "http=", "http=debug=trace"}) {
    CAPTURE(bad);
    CHECK(log::parse_levels(bad).has_error());
  }
  CHECK(contains(log::parse_levels("info,http=loud").error().detail, "'http=loud'"));
}

TEST_CASE("lines carry the trace of the scope they are written in") {
  const log::Capture capture;
  dropline::SeededRandom random(7);
  const auto outer = dropline::telemetry::TraceContext::start(random, true);
  const auto inner = dropline::telemetry::TraceContext::start(random, true);
  {
    const dropline::telemetry::TraceScope scope(outer);
    kLog.info("outer");
    {
      const dropline::telemetry::TraceScope nested(inner);
      kLog.info("inner");
    }
    kLog.info("outer again");
  }
  kLog.info("none");
  const auto lines = capture.lines();
  CHECK(lines.at(0).trace_id == outer.trace.text());
  CHECK(lines.at(1).trace_id == inner.trace.text());
  CHECK(lines.at(2).trace_id == outer.trace.text());
  CHECK(lines.at(3).trace_id.empty());
  CHECK(contains(lines.at(0).json, R"("trace_id":")" + outer.trace.text() + "\"}"));
}
