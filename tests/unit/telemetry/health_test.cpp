#include "dropline/telemetry/health.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using namespace dropline;
using dropline::telemetry::Health;
using dropline::telemetry::Problem;

TEST_CASE("a process without components is ready") {
  const ManualClock clock;
  Health health(clock);
  CHECK(health.ready());
  CHECK(health.report().text() == "ready\n");
  CHECK(health.report().http_status() == 200);
}

TEST_CASE(
    "a component is not ready until it says so, and its trouble is told with cause and cure") {
  ManualClock clock;
  Health health(clock);
  auto database = health.component("database");
  const auto stream = health.add_text("stream", [] { return std::string(); });
  CHECK_FALSE(health.ready());
  CHECK(health.report().text() == "[-] database: starting (for 0 s)\n[+] stream: ok\nnot ready\n");
  database.ok();
  CHECK(health.ready());
  clock.advance(1h);
  database.failed("connection refused by 127.0.0.1:5432", "start it: scripts/postgres start");
  CHECK_FALSE(health.ready());
  clock.advance(12s);
  const auto report = health.report();
  CHECK(report.http_status() == 503);
  CHECK(report.text() ==
        "[-] database: connection refused by 127.0.0.1:5432 (for 12 s); "
        "start it: scripts/postgres start\n[+] stream: ok\nnot ready\n");
  CHECK(report.json() ==
        R"({"ready":false,"components":[{"name":"database","ok":false,"required":true,)"
        R"("since_ms":12000,"cause":"connection refused by 127.0.0.1:5432",)"
        R"("cure":"start it: scripts/postgres start"},)"
        R"({"name":"stream","ok":true,"required":true,"since_ms":3612000}]})"
        "\n");
}

TEST_CASE("a component that only informs does not keep the process from work") {
  const ManualClock clock;
  Health health(clock);
  const auto registration = health.add(
      "gateway",
      [] {
        return Problem{"slow", ""};
      },
      Health::Effect::informative);
  CHECK(health.ready());
  CHECK(health.report().text() == "[!] gateway: slow (for 0 s)\nready\n");
}

TEST_CASE("a check that throws counts as not ready") {
  const ManualClock clock;
  Health health(clock);
  const auto registration =
      health.add("odd", []() -> std::optional<Problem> { throw std::runtime_error("a\nb"); });
  CHECK(health.report().text() == "[-] odd: the check failed: a\\nb (for 0 s)\nnot ready\n");
}

TEST_CASE("a draining process is not ready, however well its components are") {
  ManualClock clock;
  Health health(clock);
  health.drain();
  clock.advance(3min);
  health.drain();
  CHECK(health.report().text() ==
        "[-] shutdown: this process is draining and takes no new work (for 3 min)\nnot ready\n");
}

TEST_CASE("what is taken back is not asked again") {
  const ManualClock clock;
  Health health(clock);
  int asked = 0;
  {
    auto first = health.add("a", [&]() -> std::optional<Problem> { return ++asked, std::nullopt; });
    auto second = std::move(first);
    first = health.add("b", [&]() -> std::optional<Problem> { return ++asked, std::nullopt; });
    (void)health.report();
    CHECK(asked == 2);
  }
  (void)health.report();
  CHECK(asked == 2);
  Health::Component nobody;
  nobody.ok();
  nobody.failed("nobody listens");
}

TEST_CASE("components tell and are asked by many threads") {
  const SystemClock clock;
  Health health(clock);
  auto component = health.component("shared");
  std::atomic<bool> stop{false};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        if (t == 0) component.ok();
        if (t == 1) component.failed("flapping", "wait");
        if (t == 2) auto passing = health.component("passing");
      }
    });
  }
  for (int i = 0; i < 500; ++i)
    (void)health.report().json();
  stop = true;
}
