#include "dropline/telemetry/metrics.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "dropline/telemetry/health_metrics.hpp"
#include "dropline/telemetry/request_metrics.hpp"

using namespace std::chrono_literals;
using namespace dropline::telemetry;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

/// Whether `work` ends the process, as ensure() does; its words go nowhere.
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

}  // namespace

TEST_CASE("counters, gauges and histograms are rendered as text exposition") {
  Metrics metrics;
  metrics.counter("dropline_orders_total", "Orders.", {{"outcome", "granted"}}).add(3);
  metrics.counter("dropline_orders_total", "Orders.", {{"outcome", "a\"b\\c\nd"}}).add();
  metrics.gauge("dropline_queue_records", "Waiting.").set(-1.5);
  const auto latency = metrics.histogram("dropline_commit_seconds", "Commits.");
  latency.observe(500us);
  latency.observe(501us);
  latency.observe(2min);
  const std::string text = metrics.render();
  CHECK(has_line(text, "# TYPE dropline_orders_total counter"));
  CHECK(has_line(text, R"(dropline_orders_total{outcome="granted"} 3)"));
  CHECK(has_line(text, R"(dropline_orders_total{outcome="a\"b\\c\nd"} 1)"));
  CHECK(has_line(text, "dropline_queue_records -1.5"));
  CHECK(has_line(text, "# TYPE dropline_commit_seconds histogram"));
  CHECK(has_line(text, R"(dropline_commit_seconds_bucket{le="0.0005"} 1)"));
  CHECK(has_line(text, R"(dropline_commit_seconds_bucket{le="0.001"} 2)"));
  CHECK(has_line(text, R"(dropline_commit_seconds_bucket{le="60"} 2)"));
  CHECK(has_line(text, R"(dropline_commit_seconds_bucket{le="+Inf"} 3)"));
  CHECK(has_line(text, "dropline_commit_seconds_count 3"));
  CHECK(text.find("dropline_commit_seconds_sum 120.001") != std::string::npos);
  CHECK(metrics.render() == text);
}

TEST_CASE("counts beyond what a float would round are exact to 2^53") {
  Metrics metrics;
  metrics.counter("dropline_bytes_total", "Bytes.").add(9'007'199'254'740'991);
  CHECK(metrics.render().find("dropline_bytes_total 9007199254740991") != std::string::npos);
}

TEST_CASE("the same name and labels are one series, in whatever order the labels are given") {
  Metrics metrics;
  const auto one = metrics.counter("dropline_reads_total", "Reads.", {{"a", "1"}, {"b", "2"}});
  const auto two = metrics.counter("dropline_reads_total", "Reads.", {{"b", "2"}, {"a", "1"}});
  one.add(2);
  two.add(3);
  CHECK(one.value() == 5);
  CHECK(has_line(metrics.render(), R"(dropline_reads_total{a="1",b="2"} 5)"));
}

TEST_CASE("a handle made by default counts nothing") {
  Counter counter;
  Gauge gauge;
  Histogram histogram;
  counter.add();
  gauge.set(1);
  gauge.add(1);
  histogram.observe(1s);
  CHECK(counter.value() == 0);
  CHECK(gauge.value() == 0);
  CHECK(histogram.count() == 0);
  CHECK(std::isnan(histogram.quantile(0.5)));
}

TEST_CASE("names outside the convention are refused, and the reason is said") {
  using enum MetricKind;
  CHECK(check_metric_name(counter, "dropline_orders_total").empty());
  CHECK(check_metric_name(gauge, "dropline_queue_bytes").empty());
  CHECK(check_metric_name(histogram, "dropline_http_request_seconds").empty());
  CHECK(check_metric_name(histogram, "dropline_batch_records").empty());
  const auto refused = [](MetricKind kind, std::string_view name) {
    return !check_metric_name(kind, name).empty();
  };
  CHECK(refused(counter, "orders_total"));
  CHECK(refused(counter, "dropline_orders"));
  CHECK(refused(counter, "dropline_total"));
  CHECK(refused(gauge, "dropline_orders_total"));
  CHECK(refused(histogram, "dropline_request"));
  CHECK(refused(histogram, "dropline_request_ms"));
  CHECK(refused(histogram, "dropline_request_milliseconds"));
  CHECK(refused(gauge, "dropline_memory_kb"));
  CHECK(refused(gauge, "dropline_order_count"));
  CHECK(refused(gauge, "dropline_order_sum"));
  CHECK(refused(gauge, "dropline__x"));
  CHECK(refused(gauge, "dropline_"));
  CHECK(refused(gauge, "dropline_X"));
  CHECK(refused(gauge, "dropline_é"));
  CHECK(refused(gauge, ""));
  CHECK(refused(gauge, "dropline_" + std::string(100, 'x')));
  CHECK(check_metric_name(counter, "dropline_orders") == "ends in _total, being a counter");
}

TEST_CASE("mistakes of ours end the process where they are made") {
  CHECK_FALSE(dies([] { (void)Metrics().gauge("dropline_fine", "Help."); }));
  CHECK(dies([] { (void)Metrics().gauge("wrong", "Help."); }));
  CHECK(dies([] { (void)Metrics().gauge("dropline_fine", ""); }));
  CHECK(dies([] { (void)Metrics().gauge("dropline_fine", "Help.", {{"le", "x"}}); }));
  CHECK(dies([] { (void)Metrics().gauge("dropline_fine", "Help.", {{"a", "x"}, {"a", "y"}}); }));
  CHECK(dies([] {
    Metrics metrics;
    (void)metrics.gauge("dropline_fine", "Help.", {{"a", "x"}});
    (void)metrics.gauge("dropline_fine", "Help.", {{"b", "x"}});
  }));
  CHECK(dies([] {
    Metrics metrics;
    (void)metrics.histogram("dropline_fine_seconds", "Help.");
    (void)metrics.gauge("dropline_fine_seconds", "Help.");
  }));
  CHECK(dies([] {
    const std::vector<double> falling{2, 1};
    (void)Metrics().histogram("dropline_fine_seconds", "Help.", {}, falling);
  }));
  CHECK(dies([] {
    Metrics metrics;
    (void)metrics.gauge("dropline_fine", "Help.");
    (void)metrics.sample(MetricKind::gauge, "dropline_fine", "Help.", [](auto&) {});
  }));
}

TEST_CASE("a label fed from outside cannot grow memory") {
  Metrics metrics;
  for (std::size_t i = 0; i < Metrics::kMaxSeries + 50; ++i) {
    metrics.counter("dropline_paths_total", "Paths.", {{"path", std::to_string(i)}}).add();
  }
  const std::string text = metrics.render();
  CHECK(has_line(text, R"(dropline_paths_total{path="_other"} 50)"));
  CHECK(has_line(text, "dropline_metrics_overflow_total 50"));
  CHECK(text.find("path=\"1049\"") == std::string::npos);
  const auto known = metrics.counter("dropline_paths_total", "Paths.", {{"path", "7"}});
  CHECK(known.value() == 1);
}

TEST_CASE("sampled values are read at each scrape until they are taken back") {
  Metrics metrics;
  double lag = 5;
  {
    const auto registration = metrics.sample(MetricKind::gauge, "dropline_lag_records", "Lag.",
                                             [&](Metrics::Sample& out) {
                                               out({{"partition", "0"}}, lag);
                                               out({{"partition", "1"}}, 2 * lag);
                                             });
    const auto more = metrics.sample(MetricKind::gauge, "dropline_lag_records", "Lag.",
                                     [&](Metrics::Sample& out) {
                                       out({{"partition", "2"}}, 1);
                                     });
    CHECK(has_line(metrics.render(), R"(dropline_lag_records{partition="1"} 10)"));
    lag = 7;
    CHECK(has_line(metrics.render(), R"(dropline_lag_records{partition="0"} 7)"));
    CHECK(has_line(metrics.render(), R"(dropline_lag_records{partition="2"} 1)"));
  }
  CHECK(metrics.render().find("dropline_lag_records") == std::string::npos);
}

TEST_CASE("a sampler that throws costs its own values only, and is counted") {
  Metrics metrics;
  const auto bad = metrics.sample(MetricKind::counter, "dropline_bad_total", "Bad.",
                                  [](Metrics::Sample&) { throw std::runtime_error("no"); });
  metrics.gauge("dropline_good", "Good.").set(1);
  CHECK(has_line(metrics.render(), "dropline_good 1"));
  CHECK(has_line(metrics.render(), "dropline_metrics_sample_failures_total 2"));
}

TEST_CASE("quantiles lie within the bucket that holds them") {
  Metrics metrics;
  const auto latency = metrics.histogram("dropline_wait_seconds", "Waits.");
  for (int i = 0; i < 90; ++i)
    latency.observe(3ms);
  for (int i = 0; i < 10; ++i)
    latency.observe(300ms);
  CHECK(latency.quantile(0.5) > 0.0025);
  CHECK(latency.quantile(0.5) <= 0.005);
  CHECK(latency.quantile(0.99) > 0.25);
  CHECK(latency.quantile(0.99) <= 0.5);
  latency.observe(std::numeric_limits<double>::quiet_NaN());
  CHECK(latency.count() == 100);
  latency.observe(-1);
  CHECK(latency.count() == 101);
  latency.observe(1e9);
  CHECK(latency.quantile(1) == 60);
}

TEST_CASE("updates of many threads all count, while others scrape and resolve") {
  Metrics metrics;
  constexpr int kThreads = 4;
  constexpr int kUpdates = 20'000;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        const auto count = metrics.counter("dropline_hits_total", "Hits.");
        const auto gauge = metrics.gauge("dropline_level", "Level.");
        const auto latency = metrics.histogram("dropline_hit_seconds", "Hit times.");
        for (int i = 0; i < kUpdates; ++i) {
          count.add();
          gauge.add(1);
          latency.observe(1ms);
          if (i % 2000 == 0) {
            (void)metrics.gauge("dropline_other", "Other.", {{"t", std::to_string(t)}});
            const auto sampled = metrics.sample(MetricKind::gauge, "dropline_sampled", "Sampled.",
                                                [](Metrics::Sample& out) { out(1); });
          }
        }
      });
    }
    for (int i = 0; i < 20; ++i)
      CHECK_FALSE(metrics.render().empty());
  }
  CHECK(metrics.counter("dropline_hits_total", "Hits.").value() == kThreads * kUpdates);
  CHECK(metrics.gauge("dropline_level", "Level.").value() == kThreads * kUpdates);
  CHECK(metrics.histogram("dropline_hit_seconds", "Hit times.").count() == kThreads * kUpdates);
}

TEST_CASE("the process itself is measured") {
  Metrics metrics;
  dropline::ManualClock clock;
  metrics.add_process_metrics(clock, "unit", "1.2.3");
  clock.advance(90s);
  const std::string text = metrics.render();
  CHECK(has_line(text, R"(dropline_build_info{program="unit",version="1.2.3"} 1)"));
  CHECK(has_line(text, "dropline_uptime_seconds 90"));
  CHECK(has_line(text, "process_start_time_seconds 1767225600"));
  CHECK(has_line(text, "dropline_metrics_sample_failures_total 0"));
  const auto value = [&](const std::string& name) {
    const auto at = text.find("\n" + name + " ");
    REQUIRE(at != std::string::npos);
    return std::stod(text.substr(at + name.size() + 2));
  };
  CHECK(value("process_resident_memory_bytes") > 100'000);
  CHECK(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
  CHECK(value("process_threads") >= 1);
  CHECK(value("process_open_fds") >= 3);
  CHECK(value("process_max_fds") >= value("process_open_fds"));
}

TEST_CASE("what an HTTP server does is measured by listener, route and status") {
  Metrics metrics;
  RequestMetrics requests(metrics);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          requests.request("public", "orders.place", 202, 3ms, 300, 150);
          requests.request("public", i % 2 == 0 ? "orders.get" : "drops.get", 200, 1ms, 100, 200);
        }
      });
    }
  }
  requests.refusal("public", "head_deadline");
  requests.connection("public", 1);
  requests.connection("public", 1);
  requests.connection("public", -1);
  requests.stream("admin", 1);
  const std::string text = metrics.render();
  CHECK(has_line(
      text,
      R"(dropline_http_requests_total{listener="public",route="orders.place",status="202"} 2000)"));
  CHECK(has_line(
      text, R"(dropline_http_request_seconds_count{listener="public",route="drops.get"} 1000)"));
  CHECK(has_line(text, R"(dropline_http_received_bytes_total{listener="public"} 800000)"));
  CHECK(has_line(text, R"(dropline_http_sent_bytes_total{listener="public"} 700000)"));
  CHECK(has_line(text,
                 R"(dropline_http_refusals_total{listener="public",reason="head_deadline"} 1)"));
  CHECK(has_line(text, R"(dropline_http_connections{listener="public"} 1)"));
  CHECK(has_line(text, R"(dropline_http_streams{listener="admin"} 1)"));
}

TEST_CASE("readiness is measured too") {
  Metrics metrics;
  const dropline::SystemClock clock;
  Health health(clock);
  auto stream = health.component("stream");
  auto database = health.component("database");
  database.ok();
  const auto registrations = measure_health(metrics, health);
  std::string text = metrics.render();
  CHECK(has_line(text, "dropline_ready 0"));
  CHECK(has_line(text, R"(dropline_component_ready{component="database"} 1)"));
  CHECK(has_line(text, R"(dropline_component_ready{component="stream"} 0)"));
  stream.ok();
  CHECK(has_line(metrics.render(), "dropline_ready 1"));
}
