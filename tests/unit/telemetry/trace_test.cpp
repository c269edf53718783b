#include "dropline/telemetry/trace.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

using namespace std::chrono_literals;
using namespace dropline;
using namespace dropline::telemetry;

namespace {

constexpr const char* kExample = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

}  // namespace

TEST_CASE("a traceparent is read and written back") {
  const auto context = TraceContext::parse(kExample);
  REQUIRE(context);
  CHECK(context->trace.text() == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(context->span.text() == "00f067aa0ba902b7");
  CHECK(context->sampled);
  CHECK(context->text() == kExample);
}

TEST_CASE("flags other than sampled are not handed on") {
  const auto context =
      TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-fe");
  REQUIRE(context);
  CHECK_FALSE(context->sampled);
  CHECK(context->text().ends_with("-00"));
}

TEST_CASE("later versions are read as far as they are known") {
  const std::string later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  CHECK(TraceContext::parse(later));
  CHECK(TraceContext::parse(later + "-what-comes-later"));
  CHECK_FALSE(TraceContext::parse(later + "."));
  CHECK_FALSE(TraceContext::parse(later + "00"));
}

TEST_CASE("what is not a traceparent is refused") {
  const std::string good = kExample;
  for (std::size_t i = 0; i < good.size(); ++i)
    CHECK_FALSE(TraceContext::parse(good.substr(0, i)));
  for (const std::string& bad :
       {good + "-", good + "0", " " + good, good + " ",
        std::string("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        std::string("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
        std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
        std::string("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01"),
        std::string("0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        std::string("00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01"),
        std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0 ")}) {
    CAPTURE(bad);
    CHECK_FALSE(TraceContext::parse(bad));
  }
}

TEST_CASE("a child stays in its trace, and a seed repeats its ids") {
  SeededRandom random(1);
  SeededRandom same(1);
  const auto root = TraceContext::start(random, true);
  const auto child = root.child(random);
  CHECK(child.trace == root.trace);
  CHECK(child.span != root.span);
  CHECK(child.sampled);
  CHECK(TraceContext::start(same, true) == root);
  CHECK(TraceContext::parse(child.text()) == child);
}

TEST_CASE("an order's way through its hops can be shown as a tree") {
  ManualClock clock;
  SeededRandom random(2);
  Tracer ingress(clock, random);
  Span request = ingress.start("POST /v1/orders");
  request.set("member", "m-1");
  clock.advance(1ms);
  std::string header;
  {
    Span publish = ingress.start("publish orders.commands", request.context());
    header = publish.context().text();
    clock.advance(2ms);
  }
  {
    Span decide = ingress.start_from("stock decides", header);
    decide.set("partition", 3);
    decide.set("partition", 4);
    clock.advance(500us);
    decide.fail("sold_out");
  }
  request.end();
  request.end();
  const auto spans = ingress.recent(request.context().trace);
  REQUIRE(spans.size() == 3);
  CHECK(spans[0].name == "POST /v1/orders");
  CHECK(spans[0].parent.nil());
  CHECK(spans[0].duration == 3500us);
  CHECK(spans[1].parent == spans[0].context.span);
  CHECK(spans[2].parent == spans[1].context.span);
  CHECK(spans[2].failed);
  CHECK(ingress.show(request.context().trace) ==
        "trace " + request.context().trace.text() +
            "\n"
            "  +0ns  POST /v1/orders  3.5ms member=m-1\n"
            "    +1ms  publish orders.commands  2ms\n"
            "      +3ms  stock decides  500us  FAILED partition=4 reason=sold_out\n");
  CHECK(ingress.show(TraceContext::start(random, true).trace).empty());
}

TEST_CASE("what was measured by other means joins the trace") {
  ManualClock clock;
  SeededRandom random(3);
  Tracer tracer(clock, random);
  const auto parent = *TraceContext::parse(kExample);
  const auto next = tracer.record("commit", parent, clock.now(), 7ms, {{"rows", 12}});
  CHECK(next.trace == parent.trace);
  CHECK(next.span != parent.span);
  const auto spans = tracer.recent(parent.trace);
  REQUIRE(spans.size() == 1);
  CHECK(spans[0].attributes.at(0) == std::pair<std::string, std::string>("rows", "12"));
}

TEST_CASE("a trace that is not sampled is handed on but not recorded") {
  ManualClock clock;
  SeededRandom random(4);
  Tracer tracer(clock, random);
  const auto quiet = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  {
    Span span = tracer.start("quiet", quiet);
    span.set("key", 1);
    span.fail("reason");
    CHECK(span.context() == *quiet);
  }
  CHECK(tracer.record("quiet", *quiet, clock.now(), 1ms) == *quiet);
  CHECK(tracer.recent(quiet->trace).empty());
}

TEST_CASE("a share of the traces is sampled") {
  ManualClock clock;
  SeededRandom random(5);
  Tracer none(clock, random, {.sample = 0});
  Tracer half(clock, random, {.sample = 0.5});
  CHECK_FALSE(none.start("x").context().sampled);
  int sampled = 0;
  for (int i = 0; i < 1000; ++i)
    sampled += half.start("x").context().sampled ? 1 : 0;
  CHECK(sampled > 400);
  CHECK(sampled < 600);
}

TEST_CASE("only the last spans are kept, and attributes are bounded") {
  ManualClock clock;
  SeededRandom random(6);
  Tracer tracer(clock, random, {.keep = 3});
  const auto parent = *TraceContext::parse(kExample);
  for (int i = 0; i < 10; ++i) {
    Span span = tracer.start("span " + std::to_string(i), parent);
    for (int a = 0; a < 40; ++a)
      span.set("a" + std::to_string(a), a);
    clock.advance(1ms);
  }
  const auto spans = tracer.recent(parent.trace);
  REQUIRE(spans.size() == 3);
  CHECK(spans[0].name == "span 7");
  CHECK(spans[2].name == "span 9");
  CHECK(spans[0].attributes.size() == Span::kMaxAttributes);
}

TEST_CASE("a moved span is recorded once") {
  ManualClock clock;
  SeededRandom random(8);
  Tracer tracer(clock, random);
  Span one = tracer.start("one");
  const TraceId trace = one.context().trace;
  {
    Span two = std::move(one);
    Span three;
    three = std::move(two);
  }
  one.end();  // NOLINT: a moved-from span does nothing
  CHECK(tracer.recent(trace).size() == 1);
}

TEST_CASE("spans are appended to the trace file as JSON lines") {
  const std::string path = (std::filesystem::temp_directory_path() / "dropline-trace-").string() +
                           std::to_string(getpid()) + ".jsonl";
  ManualClock clock;
  SeededRandom random(9);
  {
    Tracer tracer(clock, random, {.file = path});
    auto parent = *TraceContext::parse(kExample);
    tracer.record("say \"hi\"\n", parent, clock.now(), 1500us, {{"k", "v\\"}});
    REQUIRE(tracer.flush(5s));
    std::ifstream file(path);
    std::string line;
    REQUIRE(std::getline(file, line));
    CHECK(line.starts_with(R"({"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":")"));
    CHECK(line.ends_with(
        R"("parent_id":"00f067aa0ba902b7","name":"say \"hi\"\n","start":"2026-01-01T00:00:00Z",)"
        R"("duration_us":1500,"attributes":{"k":"v\\"}})"));
    CHECK(tracer.dropped() == 0);
  }
  std::filesystem::remove(path);
  CHECK_THROWS_AS(Tracer(clock, random, {.file = "/nonexistent/dir/trace"}), ErrorException);
}

TEST_CASE("many threads trace at once") {
  SystemClock clock;
  SeededRandom random(10);
  Tracer tracer(clock, random, {.keep = 100});
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          Span span = tracer.start("outer");
          Span inner = tracer.start("inner", span.context());
          inner.set("i", i);
          if (i % 100 == 0) (void)tracer.show(span.context().trace);
        }
      });
    }
  }
  CHECK(tracer.recent(TraceId{}).empty());
}
