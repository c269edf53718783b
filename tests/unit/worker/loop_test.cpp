#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "dropline/stream/memory.hpp"
#include "dropline/stream/partitioner.hpp"
#include "dropline/worker/worker.hpp"
#include "tally.hpp"

using namespace dropline;
using namespace std::chrono_literals;

namespace {

constexpr std::int32_t kPartitions = 2;

/// A broker, a database and any number of worker processes, driven by hand on one thread.
struct Cluster {
  ManualClock clock;
  SeededRandom random{7};
  contracts::CommandKeys keys;
  telemetry::Tracer* tracer = nullptr;
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  stream::MemoryStream outside{log};
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("dropline-loop-" + SystemRandom().uuid4().text());
  store::Database database;
  store::Session session;
  std::unique_ptr<stream::Producer> producer;

  struct Process {
    explicit Process(Cluster& cluster, std::string name, store::Faults* faults = nullptr,
                     tally::Tally with = tally::Tally())
        : service(std::move(with)), stream(cluster.log) {
      worker = worker::Worker::start({.service = service,
                                      .database = cluster.database,
                                      .stream = stream,
                                      .clock = cluster.clock,
                                      .random = cluster.random,
                                      .keys = cluster.keys,
                                      .member = std::move(name),
                                      .session = {.faults = faults},
                                      .loop = traced(cluster.tracer)})
                   .value();
    }
    tally::Tally service;
    stream::MemoryStream stream;
    std::unique_ptr<worker::Worker> worker;
  };

  static worker::LoopOptions traced(telemetry::Tracer* tracer) {
    worker::LoopOptions options;
    options.tracer = tracer;
    return options;
  }

  static store::Database make_database(const std::filesystem::path& folder, const Clock& clock) {
    std::filesystem::create_directories(folder);
    return store::Database::parse("sqlite:" + (folder / "tally.db").string(), clock).value();
  }

  Cluster() : database(make_database(folder, clock)), session(database.open().value()) {
    REQUIRE(outside.admin(1s).value()->ensure_topics(tally::topics(kPartitions)));
    tally::migrate(session);
    producer = outside.producer([](auto) {}).value();
  }
  ~Cluster() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  void run(std::initializer_list<Process*> processes, int turns = 40) {
    for (int i = 0; i < turns; ++i) {
      outside.pump();
      for (auto* process : processes) {
        process->worker->step(0ms);
        process->stream.pump();
      }
      clock.advance(50ms);
    }
  }
  void say(std::string_view key, std::string_view body, std::string_view order = {}) {
    tally::say(*producer, "tally.commands", key, body, "ingress/a", std::to_string(++said), order);
  }
  std::map<std::string, std::int64_t> counts() { return tally::counts(session); }
  std::vector<std::string> events(const std::string& topic = "tally.events") {
    return tally::read_all(outside, topic, kPartitions);
  }
  int said = 0;
};

std::size_t running(const worker::Worker& worker) {
  const auto shards = worker.loop().shards();
  return static_cast<std::size_t>(
      std::ranges::count(shards, worker::ShardState::running, &worker::ShardReport::state));
}

}  // namespace

TEST_CASE("records are applied once, said once and forgotten by the outbox") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  for (int i = 0; i < 100; ++i)
    cluster.say("key" + std::to_string(i), "x" + std::to_string(i % 10));
  cluster.run({&a});
  CHECK(running(*a.worker) == kPartitions);
  CHECK(cluster.counts().size() == 10);
  for (const auto& [thing, times] : cluster.counts())
    CHECK(times == 10);
  CHECK(cluster.events().size() == 100);
  const auto left = store::query(cluster.session, {"n", "tally", "SELECT count(*) FROM {outbox}"},
                                 {}, {store::Type::int64});
  CHECK(left.value().front().int64(0) == 0);
  CHECK(a.worker->health().empty());
}

TEST_CASE("a traced record's step is told, and what it says goes on from that step") {
  Cluster cluster;
  SeededRandom ids{1};
  telemetry::Tracer tracer(cluster.clock, ids);
  cluster.tracer = &tracer;
  Cluster::Process a(cluster, "a");
  const auto sampled = telemetry::TraceContext::start(ids, true);
  const auto other = telemetry::TraceContext::start(ids, false);
  for (const auto& [key, context] : {std::pair{"k1", sampled}, std::pair{"k2", other}}) {
    contracts::Attributes attributes;
    attributes.id = key;
    attributes.source = "ingress/a";
    attributes.type = "Say";
    attributes.time = cluster.clock.now();
    const auto trace = context.text();
    attributes.traceparent = trace;
    const contracts::EnvelopeHeaders headers(attributes);
    REQUIRE(cluster.producer->send({"tally.commands", key, "thing", headers.list(), {}}, 0));
  }
  cluster.run({&a});

  const auto steps = tracer.recent(sampled.trace);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].name == "tally: Say -> Counted");
  CHECK(steps[0].parent == sampled.span);
  CHECK(tracer.recent(other.trace).empty());
  std::vector<std::string> carried;
  const auto consumer = cluster.outside.consumer().value();
  REQUIRE(consumer->assign(
      std::vector<stream::Position>{{{"tally.events", 0}, stream::Position::kStart},
                                    {{"tally.events", 1}, stream::Position::kStart}}));
  for (int i = 0; i < 3; ++i) {
    const auto batch = consumer->poll(10, 0ms).value();
    for (const auto& record : batch.records())
      carried.emplace_back(record.header("traceparent").value_or(""));
  }
  REQUIRE(carried.size() == 2);
  CHECK(std::ranges::count(carried, steps[0].context.text()) == 1);
}

TEST_CASE("two workers share the shards and hand them over without loss or repetition") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  cluster.say("k1", "one");
  cluster.run({&a});
  {
    Cluster::Process b(cluster, "b");
    cluster.run({&a, &b});
    CHECK(running(*a.worker) == 1);
    CHECK(running(*b.worker) == 1);
    for (int i = 0; i < 50; ++i)
      cluster.say("k" + std::to_string(i), "two");
    cluster.run({&a, &b});
    b.worker->drain(1s);
  }
  for (int i = 0; i < 50; ++i)
    cluster.say("k" + std::to_string(i), "three");
  cluster.run({&a});
  CHECK(running(*a.worker) == kPartitions);
  CHECK(cluster.counts() ==
        std::map<std::string, std::int64_t>{{"one", 1}, {"two", 50}, {"three", 50}});
  CHECK(cluster.events().size() == 101);
}

TEST_CASE("a worker that died is replaced; what it committed is published by its heir") {
  Cluster cluster;
  {
    Cluster::Process a(cluster, "a");
    cluster.run({&a});
    for (int i = 0; i < 20; ++i)
      cluster.say("k" + std::to_string(i), "last words");
    cluster.outside.pump();
    while (cluster.counts().empty())
      a.worker->step(0ms);
    a.stream.kill();  // Committed, but nothing was acknowledged to it.
  }
  cluster.clock.advance(10s);
  Cluster::Process b(cluster, "b");
  cluster.run({&b});
  CHECK(cluster.counts()["last words"] == 20);
  CHECK(cluster.events().size() >= 20);
}

TEST_CASE("an owner that was paused past its session writes nothing stale") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  cluster.run({&a});
  cluster.log->groups().expel("tally", "a");
  Cluster::Process b(cluster, "b");
  cluster.run({&b}, 20);
  CHECK(running(*b.worker) == kPartitions);
  for (int i = 0; i < 10; ++i)
    cluster.say("k" + std::to_string(i), "contested");
  cluster.outside.pump();
  // The old owner still believes in its shards for this one turn.
  a.worker->step(0ms);
  cluster.run({&b, &a}, 60);
  CHECK(cluster.counts()["contested"] == 10);
  CHECK(running(*a.worker) + running(*b.worker) == kPartitions);
}

TEST_CASE("what a service said comes again after a lost answer and is recognised") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  for (int copy = 0; copy < 3; ++copy)
    tally::say(*cluster.producer, "other.events", "k", "fact", "stock/0", "5-1");
  tally::say(*cluster.producer, "other.events", "k", "older", "stock/0", "5-0");
  tally::say(*cluster.producer, "other.events", "k", "newer", "stock/0", "6-0");
  tally::say(*cluster.producer, "other.events", "k", "elsewhere", "stock/1", "5-1");
  cluster.run({&a});
  CHECK(cluster.counts() ==
        std::map<std::string, std::int64_t>{{"fact", 1}, {"newer", 1}, {"elsewhere", 1}});
}

TEST_CASE("one bad record costs one dead letter and holds only its own order") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  cluster.say("k", "good 1", "order-1");
  cluster.say("k", "poison", "order-2");
  cluster.say("k", "good 2", "order-2");
  cluster.say("k", "bury me", "order-3");
  cluster.say("k", "good 3", "order-3");
  cluster.run({&a});
  CHECK(cluster.counts() == std::map<std::string, std::int64_t>{{"good 1", 1}, {"good 3", 1}});
  CHECK(cluster.events("tally.commands.dead") ==
        std::vector<std::string>{"Say poison", "Say bury me"});
  const auto events = cluster.events();
  CHECK(std::ranges::count(events, "Refused poison") == 1);

  SUBCASE("an operator redrives it once the cause is gone") {
    a.service.cured = true;
    REQUIRE(cluster.session.execute("ask",
                                    "UPDATE tally_held SET action = 'redrive' "
                                    "WHERE order_id = 'order-2' AND place = 1"));
    cluster.run({&a}, 60);
    CHECK(cluster.counts()["poison"] == 1);
    CHECK(cluster.counts()["good 2"] == 1);
    cluster.say("k", "good 4", "order-2");
    cluster.run({&a});
    CHECK(cluster.counts()["good 4"] == 1);
  }
  SUBCASE("a redrive that fails again leaves it held") {
    REQUIRE(cluster.session.execute("ask",
                                    "UPDATE tally_held SET action = 'redrive' "
                                    "WHERE order_id = 'order-2' AND place = 1"));
    cluster.run({&a}, 60);
    cluster.say("k", "good 4", "order-2");
    cluster.run({&a});
    CHECK_FALSE(cluster.counts().contains("good 2"));
    CHECK_FALSE(cluster.counts().contains("good 4"));
  }
  SUBCASE("an operator drops it and the order goes on") {
    REQUIRE(cluster.session.execute("ask",
                                    "UPDATE tally_held SET action = 'drop' "
                                    "WHERE order_id = 'order-2' AND place = 1"));
    cluster.run({&a}, 60);
    cluster.say("k", "good 4", "order-2");
    cluster.run({&a});
    CHECK_FALSE(cluster.counts().contains("good 2"));
    CHECK(cluster.counts()["good 4"] == 1);
  }
  SUBCASE("a successor holds on") {
    a.worker->drain(1s);
    a.worker.reset();
    Cluster::Process b(cluster, "b");
    cluster.say("k", "good 4", "order-2");
    cluster.run({&b});
    CHECK_FALSE(cluster.counts().contains("good 4"));
  }
}

TEST_CASE("a passing database error repeats the batch and sets nothing aside") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  a.service.flaky = 3;
  for (int i = 0; i < 5; ++i)
    cluster.say("k", "flaky " + std::to_string(i));
  cluster.run({&a}, 80);
  CHECK(cluster.counts().size() == 5);
  for (const auto& [thing, times] : cluster.counts())
    CHECK(times == 1);
  CHECK(cluster.events("tally.commands.dead").empty());
  CHECK(a.service.rollbacks >= 3);
}

TEST_CASE("commands of unknown type, without envelope or without signature become dead letters") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  tally::say(*cluster.producer, "tally.commands", "k", "{}", "ingress/a", "1", {}, "Dance");
  REQUIRE(cluster.producer->send({"tally.commands", "k", "no envelope", {}, std::nullopt}, 0));
  REQUIRE(cluster.producer->send({"tally.commands", "k", std::nullopt, {}, std::nullopt}, 0));
  tally::say(*cluster.producer, "other.events", "k", "{}", "stock/0", "1-0", {}, "FromTheFuture");
  cluster.say("k", "fine");
  cluster.run({&a});
  CHECK(cluster.counts() == std::map<std::string, std::int64_t>{{"fine", 1}});
  CHECK(cluster.events("tally.commands.dead").size() == 3);
  CHECK(cluster.events("other.events.dead").empty());
}

TEST_CASE("a log that lost what was read stops the shard and says so") {
  Cluster cluster;
  {
    Cluster::Process a(cluster, "a");
    for (int i = 0; i < 10; ++i)
      cluster.say("k", "n" + std::to_string(i));
    cluster.run({&a});
    a.worker->drain(1s);
  }
  const auto partition = stream::partition_of("k", kPartitions);
  SUBCASE("truncated at its end") {
    cluster.log->lose_tail({"tally.commands", partition}, 4);
  }
  SUBCASE("truncated, then written on with other records") {
    cluster.log->lose_tail({"tally.commands", partition}, 4);
    for (int i = 0; i < 20; ++i)
      cluster.say("k", "other " + std::to_string(i));
    cluster.outside.pump();
  }
  SUBCASE("replaced by an empty one") {
    cluster.log->start_over("tally.commands");
  }
  SUBCASE("cut at its start beyond the position") {
    for (int i = 0; i < 5; ++i)
      cluster.say("k", "later");
    cluster.outside.pump();
    REQUIRE(cluster.outside.admin(1s).value()->truncate({"tally.commands", partition}, 12));
  }
  Cluster::Process b(cluster, "b");
  cluster.run({&b});
  CHECK(running(*b.worker) == kPartitions - 1);
  CHECK_FALSE(b.worker->health().empty());
  CHECK(cluster.counts().size() == 10);
}

TEST_CASE("a log cut below the position is no loss") {
  Cluster cluster;
  {
    Cluster::Process a(cluster, "a");
    for (int i = 0; i < 10; ++i)
      cluster.say("k", "n" + std::to_string(i));
    cluster.run({&a});
    a.worker->drain(1s);
  }
  const stream::TopicPartition at{"tally.commands", stream::partition_of("k", kPartitions)};
  REQUIRE(cluster.outside.admin(1s).value()->truncate(at, 10));
  cluster.say("k", "after");
  Cluster::Process b(cluster, "b");
  cluster.run({&b});
  CHECK(running(*b.worker) == kPartitions);
  CHECK(cluster.counts()["after"] == 1);
}

TEST_CASE("ticks come at their interval, only to shards that have caught up") {
  Cluster cluster;
  Cluster::Process a(cluster, "a", nullptr, tally::Tally(1'000ms));
  cluster.run({&a}, 100);  // Five seconds.
  CHECK(a.service.ticks >= 4 * kPartitions);
  CHECK(a.service.ticks <= 6 * kPartitions);
}

namespace {

/// Fails the n-th passage through any seam, once.
struct FailNth final : store::Faults {
  explicit FailNth(int nth) : left(nth) {}
  Status at(store::Seam seam, std::string_view) override {
    if (left-- != 0) return {};
    hit = true;
    if (seam == store::Seam::committed)
      return store::error(store::Errc::commit_unknown, "as asked");
    return store::error(store::Errc::connection_lost, "as asked");
  }
  int left;
  bool hit = false;
};

}  // namespace

TEST_CASE("wherever the database fails, every record has its effect once") {
  int failures = 0;
  for (int nth = 0;; ++nth) {
    CAPTURE(nth);
    Cluster cluster;
    FailNth faults(nth);
    Cluster::Process a(cluster, "a", &faults);
    for (int i = 0; i < 6; ++i)
      cluster.say("k" + std::to_string(i), "x" + std::to_string(i));
    cluster.run({&a}, 60);
    CHECK(cluster.counts().size() == 6);
    for (const auto& [thing, times] : cluster.counts())
      CHECK(times == 1);
    CHECK(cluster.events().size() == 6);
    if (!faults.hit) break;
    ++failures;
  }
  CHECK(failures > 20);
}
