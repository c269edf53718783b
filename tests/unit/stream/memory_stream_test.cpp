#include "dropline/stream/memory.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "dropline/stream/errors.hpp"

using namespace dropline;
using namespace dropline::stream;
using namespace std::chrono_literals;

namespace {

/// One process on a log that is driven by hand.
class Process final {
 public:
  explicit Process(std::shared_ptr<MemoryLog> log, bool gapless = false)
      : stream(std::move(log), options(gapless)) {
    producer = stream
                   .producer([this](std::span<const Delivery> batch) {
                     deliveries.insert(deliveries.end(), batch.begin(), batch.end());
                   })
                   .value();
    consumer = stream.consumer().value();
    const TopicSpec topic{.name = "t", .partitions = 2, .retention = 1h};
    const TopicSpec compacted{.name = "c", .partitions = 1, .cleanup = Cleanup::compact};
    admin = stream.admin(1s).value();
    REQUIRE(admin->ensure_topics({{topic, compacted}}));
  }

  Status send(std::string_view value, SendFate fate = {}, std::int32_t partition = 0) {
    next = fate;
    return producer->send(
        {.topic = "t", .key = "k", .value = value, .headers = {}, .partition = partition}, ++token);
  }

  std::string read(std::int32_t partition = 0) {
    const Position start{{"t", partition}, Position::kStart};
    REQUIRE(consumer->assign({&start, 1}));
    std::string text;
    const auto batch = consumer->poll(1000, 0ms).value();
    for (const Record& record : batch.records())
      if (record.partition == partition) text += record.value.value_or("-");
    return text;
  }

  MemoryStreamOptions options(bool gapless) {
    return {.max_in_flight_records = 4,
            .max_in_flight_bytes = 100,
            .gapless = gapless,
            .fate = [this](const Draft&) { return next; }};
  }

  SendFate next;
  std::uint64_t token = 0;
  std::vector<Delivery> deliveries;
  MemoryStream stream;
  std::unique_ptr<Producer> producer;
  std::unique_ptr<Consumer> consumer;
  std::unique_ptr<Admin> admin;
};

struct Scene {
  ManualClock clock;
  std::shared_ptr<MemoryLog> log =
      std::make_shared<MemoryLog>(MemoryLogOptions{.clock = &clock, .threads = false});
};

}  // namespace

TEST_CASE("without threads deliveries come out of pump alone, in log order") {
  Scene scene;
  Process process(scene.log);
  REQUIRE(process.send("a"));
  REQUIRE(process.send("b"));
  CHECK(process.deliveries.empty());
  CHECK(process.stream.pump() == 2);
  REQUIRE(process.deliveries.size() == 2);
  CHECK(process.deliveries[0].token == 1);
  CHECK(process.deliveries[0].offset == 0);
  CHECK(process.deliveries[1].outcome == Outcome::acknowledged);
  CHECK(process.deliveries[1].offset == 1);
  CHECK(process.stream.pump() == 0);
}

TEST_CASE("without threads nothing waits") {
  Scene scene;
  Process process(scene.log);
  const auto began = std::chrono::steady_clock::now();
  CHECK(process.consumer->poll(10, 1h)->empty());
  auto member = process.stream.join("g", "t", "m").value();
  CHECK(member->poll(1h)->gained.size() == 2);
  CHECK(member->poll(1h)->empty());
  REQUIRE(process.send("a", {SendFault::none, 1h}));
  CHECK_FALSE(process.producer->flush(1h));
  process.producer->close(1h);
  CHECK(std::chrono::steady_clock::now() - began < 10s);
}

TEST_CASE("a producer that promises no gap writes nothing behind a record it lost") {
  Scene scene;
  for (const auto fault : {SendFault::lose, SendFault::lose_unseen}) {
    CAPTURE(static_cast<int>(fault));
    Process process(scene.log, true);
    REQUIRE(process.send("a"));
    REQUIRE(process.send("b", {fault, 10ms}));
    REQUIRE(process.send("c"));
    scene.clock.advance(20ms);
    CHECK(process.stream.pump() == 3);
    CHECK(process.deliveries[2].outcome == Outcome::failed);
    CHECK(process.producer->fatal_error().has_value());
    CHECK(process.read().ends_with('a'));
  }
}

TEST_CASE("each fault does to log and answer what its name says") {
  Scene scene;
  Process process(scene.log);
  const auto outcome = [&](SendFault fault) {
    REQUIRE(
        process.send(std::string(1, static_cast<char>('a' + static_cast<int>(fault))), {fault}));
    process.stream.pump();
    return process.deliveries.back().outcome;
  };
  CHECK(outcome(SendFault::none) == Outcome::acknowledged);
  CHECK(outcome(SendFault::lose) == Outcome::failed);
  CHECK(outcome(SendFault::lose_answer) == Outcome::unknown);
  CHECK(outcome(SendFault::lose_unseen) == Outcome::unknown);
  CHECK(outcome(SendFault::duplicate) == Outcome::acknowledged);
  CHECK(process.deliveries.back().offset == 2);
  CHECK(process.send("z", {SendFault::queue_full}).error().code == Errc::queue_full);
  CHECK(process.read() == "acee");
  CHECK_FALSE(process.producer->fatal_error());
  CHECK(outcome(SendFault::fatal) == Outcome::unknown);
  CHECK(process.producer->fatal_error().has_value());
  CHECK(process.send("z").error().code == process.producer->fatal_error()->code);
  CHECK(process.read() == "acee");
}

TEST_CASE("a delay holds back what is behind it in its partition, and nothing else") {
  Scene scene;
  Process process(scene.log);
  REQUIRE(process.send("a", {SendFault::none, 10ms}));
  REQUIRE(process.send("b"));
  REQUIRE(process.send("x", {}, 1));
  process.stream.pump();
  CHECK(process.read(0).empty());
  CHECK(process.read(1) == "x");
  scene.clock.advance(9ms);
  CHECK(process.read(0).empty());
  scene.clock.advance(1ms);
  CHECK(process.read(0) == "ab");
  CHECK(process.stream.pump() == 2);
}

TEST_CASE("what is in flight is bounded by count and by bytes until it is reported") {
  Scene scene;
  Process process(scene.log);
  for (int i = 0; i < 4; ++i)
    REQUIRE(process.send("a"));
  CHECK(process.send("a").error().code == Errc::queue_full);
  process.stream.pump();
  REQUIRE(process.send(std::string(200, 'l')));  // a lone record always fits
  CHECK(process.send("a").error().code == Errc::queue_full);
  process.stream.pump();
  CHECK(process.send("a"));
}

TEST_CASE("a handler may send again; that is left to the next pump") {
  Scene scene;
  Process process(scene.log);
  std::unique_ptr<Producer> again;
  int reported = 0;
  again = process.stream
              .producer([&](std::span<const Delivery> batch) {
                reported += static_cast<int>(batch.size());
                if (reported < 3)
                  CHECK(again->send({.topic = "t", .key = "k", .value = "v", .headers = {}}, 1));
              })
              .value();
  REQUIRE(again->send({.topic = "t", .key = "k", .value = "v", .headers = {}}, 1));
  CHECK(process.stream.pump() == 1);
  CHECK(process.stream.pump() == 1);
  CHECK(again->flush(0ms));
  CHECK(reported == 3);
}

TEST_CASE("a stream cut off from its log says so, keeps what it took, and goes on afterwards") {
  Scene scene;
  Process process(scene.log);
  Process other(scene.log);
  process.stream.cut_off(true);
  REQUIRE(process.send("a"));
  CHECK(process.stream.pump() == 0);
  CHECK_FALSE(process.consumer->health().empty());
  const std::vector<TopicPartition> partitions = {{"t", 0}};
  CHECK(process.consumer->extents(partitions, 1s).error().code == Errc::unreachable);
  CHECK(process.admin->ensure_topics({}).error().code == Errc::unreachable);
  REQUIRE(other.send("b"));
  CHECK(process.read().empty());
  process.stream.cut_off(false);
  CHECK(process.read() == "ba");
  CHECK(process.stream.pump() == 1);
}

TEST_CASE("closing while cut off reports what was not written as failed") {
  Scene scene;
  Process process(scene.log);
  process.stream.cut_off(true);
  REQUIRE(process.send("a"));
  process.producer->close(1s);
  REQUIRE(process.deliveries.size() == 1);
  CHECK(process.deliveries[0].outcome == Outcome::failed);
  process.stream.cut_off(false);
  CHECK(process.read().empty());
  CHECK(process.send("b").error().code == Errc::closed);
}

TEST_CASE("a killed process reports nothing, and what was under way still arrives") {
  Scene scene;
  Process reader(scene.log);
  {
    Process process(scene.log);
    REQUIRE(process.send("a"));
    REQUIRE(process.send("b", {SendFault::none, 10ms}));
    process.stream.kill();
    CHECK(process.send("c").error().code == Errc::closed);
    process.producer.reset();
    CHECK(process.deliveries.empty());
  }
  CHECK(reader.read() == "a");
  scene.clock.advance(10ms);
  CHECK(reader.read() == "ab");
}

TEST_CASE("a killed process keeps its share until its session ends") {
  Scene scene;
  Process survivor(scene.log);
  auto member = survivor.stream.join("g", "t", "b").value();
  {
    Process process(scene.log);
    auto dead = process.stream.join("g", "t", "a").value();
    CHECK(dead->poll(0ms)->gained.size() == 1);
    process.stream.kill();
    dead->leave(0ms);
  }
  CHECK(member->poll(0ms)->gained.size() == 1);
  scene.clock.advance(5999ms);
  CHECK(member->poll(0ms)->empty());
  scene.clock.advance(1ms);
  CHECK(member->poll(0ms)->gained.size() == 1);
}

TEST_CASE("a member cut off from its log is silent and finds its share lost") {
  Scene scene;
  Process process(scene.log);
  Process other(scene.log);
  auto a = process.stream.join("g", "t", "a").value();
  auto b = other.stream.join("g", "t", "b").value();
  CHECK(a->poll(0ms)->gained.size() == 1);
  CHECK(b->poll(0ms)->gained.size() == 1);
  process.stream.cut_off(true);
  scene.clock.advance(6s);
  CHECK(a->poll(0ms)->empty());
  CHECK(b->poll(0ms)->gained.size() == 1);
  process.stream.cut_off(false);
  CHECK(a->poll(0ms)->lost.size() == 1);
}

TEST_CASE("retention drops what is older, and says where the log starts") {
  Scene scene;
  Process process(scene.log);
  REQUIRE(process.send("a"));
  scene.clock.advance(30min);
  REQUIRE(process.send("b"));
  scene.clock.advance(30min + 1us);
  scene.log->expire();
  const std::vector<TopicPartition> partitions = {{"t", 0}};
  const auto extents = process.consumer->extents(partitions, 1s).value();
  CHECK(extents[0].start == 1);
  CHECK(extents[0].end == 2);
  CHECK(process.read() == "b");
}

TEST_CASE("tombstones stay readable for a while, then go with their key") {
  Scene scene;
  Process process(scene.log);
  const auto put = [&](std::string_view key, std::optional<std::string_view> value) {
    REQUIRE(process.producer->send({.topic = "c", .key = key, .value = value, .headers = {}}, 1));
    process.stream.pump();
  };
  const auto keys = [&] {
    const Position start{{"c", 0}, Position::kStart};
    REQUIRE(process.consumer->assign({&start, 1}));
    std::string text;
    const auto batch = process.consumer->poll(1000, 0ms).value();
    for (const Record& record : batch.records())
      text += std::string(*record.key) + (record.value ? "+" : "-");
    return text;
  };
  put("a", "1");
  put("b", "1");
  put("a", std::nullopt);
  put("b", "2");
  scene.log->compact();
  CHECK(keys() == "a-b+");
  scene.clock.advance(24h);
  scene.log->compact();
  CHECK(keys() == "b+");
  const std::vector<TopicPartition> partitions = {{"c", 0}};
  CHECK(process.consumer->extents(partitions, 1s)->front().end == 4);
}

TEST_CASE("a log that lost its tail or started over is noticed by those beyond its end") {
  Scene scene;
  Process process(scene.log);
  for (const char* value : {"a", "b", "c"})
    REQUIRE(process.send(value));
  process.stream.pump();
  CHECK(process.read() == "abc");
  scene.log->lose_tail({"t", 0}, 2);
  auto batch = process.consumer->poll(10, 0ms).value();
  REQUIRE(batch.errors().size() == 1);
  CHECK(batch.errors()[0].error.code == Errc::position_lost);
  CHECK(process.consumer->poll(10, 0ms)->empty());  // told once
  CHECK(process.read() == "ab");
  REQUIRE(process.send("d"));
  CHECK(process.read() == "abd");
  scene.log->start_over("t");
  CHECK(process.consumer->poll(10, 0ms)->errors().size() == 1);
  CHECK(process.read().empty());
}

TEST_CASE("the same calls give the same log and the same deliveries") {
  const auto run = [] {
    Scene scene;
    Process process(scene.log);
    std::string trace;
    for (int i = 0; i < 200; ++i) {
      const auto fault = static_cast<SendFault>(i % 5);
      const SendFate fate{fault, std::chrono::milliseconds(i * 7 % 11)};
      if (!process.send(std::to_string(i), fate, i % 2)) trace += '!';
      if (i % 3 == 0) scene.clock.advance(4ms);
      process.stream.pump();
    }
    process.producer->close(0ms);
    for (const Delivery& delivery : process.deliveries)
      trace += std::to_string(delivery.token) + ':' +
               std::to_string(static_cast<int>(delivery.outcome)) + ' ';
    return trace + process.read(0) + process.read(1);
  };
  const auto first = run();
  CHECK(first == run());
  CHECK(first.find('!') != std::string::npos);
}

TEST_CASE("with threads a delayed record wakes whoever waits for it") {
  MemoryStream stream(std::make_shared<MemoryLog>(), {.fate = [](const Draft&) {
                        return SendFate{SendFault::none, 30ms};
                      }});
  const TopicSpec topic{.name = "t", .partitions = 1};
  REQUIRE(stream.admin(1s).value()->ensure_topics({&topic, 1}));
  auto producer = stream.producer({}).value();
  auto consumer = stream.consumer().value();
  const Position start{{"t", 0}, Position::kStart};
  REQUIRE(consumer->assign({&start, 1}));
  REQUIRE(producer->send({.topic = "t", .key = "k", .value = "v", .headers = {}}, 1));
  CHECK(consumer->poll(1, 10s)->records().size() == 1);
  CHECK(producer->flush(10s));
}
