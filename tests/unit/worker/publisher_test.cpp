#include "dropline/worker/publisher.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "dropline/stream/memory.hpp"

using namespace dropline;
using namespace dropline::worker;
using namespace std::chrono_literals;

namespace {

/// A broker in memory, driven by hand, whose next sends can be made to fail.
struct Bench {
  ManualClock clock;
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  std::vector<stream::SendFault> faults;
  std::size_t sends = 0;
  stream::MemoryStream stream{
      log, {.fate = [this](const stream::Draft&) {
        const auto turn = sends++;
        return stream::SendFate{turn < faults.size() ? faults[turn] : stream::SendFault::none, 0ms};
      }}};
  Publisher publisher{stream, clock};

  Bench() {
    const stream::TopicSpec topic{.name = "events", .partitions = 1};
    REQUIRE(stream.admin(1s).value()->ensure_topics(std::span(&topic, 1)));
  }

  void take(int shard, std::int64_t seq, std::initializer_list<std::string_view> values) {
    std::string bytes = new_frames();
    for (const auto value : values)
      frame(bytes, {"events", "k", value, {}, 0});
    REQUIRE(publisher.take(Shard(shard), seq, bytes).has_value());
  }
  void run(int turns = 50) {
    for (int i = 0; i < turns; ++i) {
      publisher.pump();
      stream.pump();
      clock.advance(50ms);
    }
  }
  std::vector<std::string> written() {
    auto consumer = stream.consumer().value();
    const stream::Position from{{"events", 0}, stream::Position::kStart};
    REQUIRE(consumer->assign(std::span(&from, 1)));
    std::vector<std::string> values;
    const auto batch = consumer->poll(1'000, 0ms).value();
    for (const auto& record : batch.records())
      values.emplace_back(*record.value);
    return values;
  }
};

using Finished = std::vector<std::pair<Shard, std::int64_t>>;

}  // namespace

TEST_CASE("committed rows reach the log in order and are told once") {
  Bench bench;
  bench.take(1, 1, {"a", "b"});
  bench.take(1, 2, {"c"});
  bench.take(2, 9, {"d"});
  bench.run();
  CHECK(bench.written() == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(bench.publisher.take_finished() == Finished{{Shard(1), 1}, {Shard(1), 2}, {Shard(2), 9}});
  CHECK(bench.publisher.take_finished().empty());
  CHECK(bench.publisher.rows() == 0);
}

TEST_CASE("a dead producer is replaced and what was not acknowledged comes in its first order") {
  Bench bench;
  bench.faults = {stream::SendFault::none, stream::SendFault::fatal};
  bench.take(1, 1, {"a", "b", "c"});
  bench.take(1, 2, {"d"});
  bench.run();
  CHECK(bench.written() == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(bench.publisher.health().empty());
}

TEST_CASE("a lost answer may repeat a record but never puts it before an earlier one") {
  Bench bench;
  bench.faults = {stream::SendFault::none, stream::SendFault::lose_answer};
  bench.take(1, 1, {"a", "b", "c"});
  bench.run();
  std::vector<std::string> firsts;
  for (const auto& value : bench.written())
    if (std::find(firsts.begin(), firsts.end(), value) == firsts.end()) firsts.push_back(value);
  CHECK(firsts == std::vector<std::string>{"a", "b", "c"});
  CHECK(bench.publisher.rows() == 0);
}

TEST_CASE("a full producer queue only makes the publisher wait") {
  Bench bench;
  bench.faults = {stream::SendFault::queue_full, stream::SendFault::none,
                  stream::SendFault::queue_full};
  bench.take(1, 1, {"a", "b"});
  bench.run();
  CHECK(bench.written() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a broker that is away keeps rows waiting and says why") {
  Bench bench;
  bench.stream.cut_off(true);
  bench.take(1, 1, {"a"});
  bench.run(5);
  CHECK(bench.publisher.rows() == 1);
  CHECK(bench.publisher.busy(Shard(1)));
  CHECK_FALSE(bench.publisher.busy(Shard(2)));
  bench.stream.cut_off(false);
  bench.run();
  CHECK(bench.publisher.rows() == 0);
  CHECK(bench.written() == std::vector<std::string>{"a"});
}

TEST_CASE("rows of a shard that went to another owner are not finished by us") {
  Bench bench;
  bench.stream.cut_off(true);
  bench.take(1, 1, {"a"});
  bench.take(2, 1, {"b"});
  bench.publisher.forget(Shard(1));
  bench.stream.cut_off(false);
  bench.run();
  CHECK(bench.publisher.take_finished() == Finished{{Shard(2), 1}});
  CHECK(bench.publisher.rows() == 0);
}

TEST_CASE("a damaged row is refused") {
  Bench bench;
  CHECK_FALSE(bench.publisher.take(Shard(1), 1, "rubbish").has_value());
}
