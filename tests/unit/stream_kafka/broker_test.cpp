#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "broker.hpp"
#include "deliveries.hpp"
#include "dropline/base/random.hpp"
#include "dropline/stream/errors.hpp"
#include "dropline/stream/partitioner.hpp"

using namespace dropline;
using namespace dropline::stream;
using namespace dropline::stream::testing;
using namespace std::chrono_literals;

namespace {

/// Bytes that do not compress.
std::string noise(std::size_t size, Random& random) {
  std::string bytes(size, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), size});
  return bytes;
}

void produce(Broker& broker, const std::string& topic, int count, std::int32_t partition = 0,
             std::size_t padding = 0) {
  Deliveries deliveries;
  const auto producer = broker.stream().producer(deliveries.handler()).value();
  SeededRandom random(1);
  for (int i = 0; i < count; ++i) {
    const std::string value = std::to_string(i) + noise(padding, random);
    while (true) {
      const auto status =
          producer->send({topic, "key", value, {}, partition}, static_cast<std::uint64_t>(i));
      if (status) break;
      REQUIRE(status.error().code == Errc::queue_full);
      std::this_thread::yield();
    }
  }
  REQUIRE(producer->flush(30s));
  REQUIRE(deliveries.count(Outcome::acknowledged) == static_cast<std::size_t>(count));
}

void assign(Consumer& consumer, const std::string& topic, std::int64_t offset,
            std::int32_t partition = 0) {
  const Position position{{topic, partition}, offset};
  const auto status = consumer.assign({&position, 1});
  REQUIRE_MESSAGE(status.has_value(), status.error().text());
}

/// The offsets of the next `count` records; an error of a partition fails the test.
std::vector<std::int64_t> read(Consumer& consumer, std::size_t count) {
  std::vector<std::int64_t> offsets;
  REQUIRE(eventually([&] {
    const auto batch = consumer.poll(count - offsets.size(), 100ms).value();
    for (const auto& trouble : batch.errors())
      FAIL(trouble.error.text());
    for (const Record& record : batch.records())
      offsets.push_back(record.offset);
    return offsets.size() >= count;
  }));
  return offsets;
}

/// The next error of a partition.
PartitionError trouble(Consumer& consumer) {
  std::vector<PartitionError> errors;
  REQUIRE(eventually([&] {
    const auto batch = consumer.poll(1'000, 100ms).value();
    errors.assign(batch.errors().begin(), batch.errors().end());
    return !errors.empty();
  }));
  return errors.front();
}

}  // namespace

TEST_CASE("a record comes back as it was: empty and absent key, value and header differ") {
  Broker broker;
  const std::string topic = broker.topic();
  Deliveries deliveries;
  const auto producer = broker.stream().producer(deliveries.handler()).value();
  const std::vector<Header> headers{{"full", "value"},
                                    {"empty", ""},
                                    {"absent", std::nullopt},
                                    {"full", "again"},
                                    {"zero", std::string_view("a\0b", 3)}};
  const auto before = std::chrono::system_clock::now() - 5s;
  REQUIRE(producer->send({topic, "key", "value", headers, 3}, 1).has_value());
  REQUIRE(producer->send({topic, "", "", {}, 3}, 2).has_value());
  REQUIRE(producer->send({topic, "key", std::nullopt, {}, 3}, 3).has_value());
  REQUIRE(producer->flush(10s));
  const auto consumer = broker.stream().consumer().value();
  assign(*consumer, topic, Position::kStart, 3);
  std::vector<Batch> batches;
  std::vector<Record> records;
  REQUIRE(eventually([&] {
    batches.push_back(consumer->poll(10, 100ms).value());
    for (const Record& record : batches.back().records())
      records.push_back(record);
    return records.size() == 3;
  }));
  CHECK(records[0].topic == topic);
  CHECK(records[0].partition == 3);
  CHECK(records[0].key == "key");
  CHECK(records[0].value == "value");
  CHECK(std::vector(records[0].headers.begin(), records[0].headers.end()) == headers);
  CHECK(records[0].append_time > std::chrono::floor<std::chrono::microseconds>(before));
  CHECK(records[1].key == "");
  CHECK(records[1].value == "");
  CHECK(records[1].headers.empty());
  CHECK(records[2].key == "key");
  CHECK_FALSE(records[2].value.has_value());
  for (std::uint64_t token = 1; token <= 3; ++token)
    CHECK(deliveries.of(token).offset == records[token - 1].offset);
}

TEST_CASE("a batch outlives the consumer it came from") {
  Broker broker;
  const std::string topic = broker.topic();
  produce(broker, topic, 10);
  Batch batch;
  {
    const auto consumer = broker.stream().consumer().value();
    assign(*consumer, topic, 0);
    REQUIRE(eventually([&] {
      batch = consumer->poll(10, 100ms).value();
      return !batch.records().empty();
    }));
  }
  CHECK(batch.records()[0].value == "0");
  CHECK(batch.records()[0].topic == topic);
}

TEST_CASE("keys choose the partitions that the partitioner says") {
  Broker broker;
  const std::string topic = broker.topic();
  Deliveries deliveries;
  const auto producer = broker.stream().producer(deliveries.handler()).value();
  for (std::uint64_t i = 0; i < 200; ++i)
    REQUIRE(producer->send({topic, i == 0 ? "" : std::to_string(i), "v", {}, std::nullopt}, i)
                .has_value());
  REQUIRE(producer->flush(10s));
  for (std::uint64_t i = 0; i < 200; ++i)
    CHECK(deliveries.of(i).partition == partition_of(i == 0 ? "" : std::to_string(i), 16));
}

TEST_CASE("a record for a topic that does not exist fails with that reason") {
  Broker broker;
  Deliveries deliveries;
  const auto producer = broker.stream().producer(deliveries.handler()).value();
  const std::string topic = unique_name("missing");
  REQUIRE(producer->send({topic, "key", "value", {}, std::nullopt}, 1).has_value());
  REQUIRE(deliveries.wait_for(1));
  CHECK(deliveries.of(1).outcome == Outcome::failed);
  CHECK(deliveries.of(1).error == Errc::unknown_topic);
  const auto refused = producer->send({topic, "key", "value", {}, std::nullopt}, 2);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::unknown_topic);
}

TEST_CASE("nothing fetched before a seek is delivered after it") {
  Broker broker;
  const std::string topic = broker.topic();
  produce(broker, topic, 20'000);
  const auto consumer = broker.stream().consumer().value();
  assign(*consumer, topic, Position::kStart);
  CHECK(read(*consumer, 1).front() == 0);
  for (const std::int64_t to : {15'000, 3, 19'999, 0, 7'777, 7'777}) {
    CAPTURE(to);
    assign(*consumer, topic, to);
    const auto offsets = read(*consumer, 1);
    CHECK(offsets.front() == to);
  }
  REQUIRE(consumer->unassign(std::vector{TopicPartition{topic, 0}}).has_value());
  CHECK(consumer->poll(1'000, 300ms).value().empty());
}

TEST_CASE("a position beyond the end is lost, and the other partitions go on") {
  Broker broker;
  const std::string topic = broker.topic();
  produce(broker, topic, 5, 0);
  produce(broker, topic, 5, 1);
  const auto consumer = broker.stream().consumer().value();
  assign(*consumer, topic, 6, 0);
  const PartitionError lost = trouble(*consumer);
  CHECK(lost.at == TopicPartition{topic, 0});
  CHECK(lost.error.code == Errc::position_lost);
  CHECK(lost.error.text().find("offset 6") != std::string::npos);
  assign(*consumer, topic, 0, 1);
  CHECK(read(*consumer, 5) == std::vector<std::int64_t>{0, 1, 2, 3, 4});
  assign(*consumer, topic, 2, 0);
  CHECK(read(*consumer, 3) == std::vector<std::int64_t>{2, 3, 4});
}

TEST_CASE("a position that retention overtook is lost, the start is not") {
  Broker broker;
  const std::string topic = broker.topic();
  produce(broker, topic, 100);
  const auto truncated = broker.admin().truncate({topic, 0}, 60);
  REQUIRE_MESSAGE(truncated.has_value(), truncated.error().text());
  const auto consumer = broker.stream().consumer().value();
  assign(*consumer, topic, 59);
  CHECK(trouble(*consumer).error.code == Errc::position_lost);
  assign(*consumer, topic, Position::kStart);
  CHECK(read(*consumer, 1).front() == 60);
  const auto extents = consumer->extents(std::vector{TopicPartition{topic, 0}}, 10s).value();
  CHECK(extents[0].start == 60);
  CHECK(extents[0].end == 100);
}

TEST_CASE("a lost position that is sought away from at once is not reported") {
  Broker broker;
  const std::string topic = broker.topic();
  produce(broker, topic, 50);
  const auto consumer = broker.stream().consumer().value();
  for (int round = 0; round < 30; ++round) {
    assign(*consumer, topic, 1'000 + round);
    // From none to a few milliseconds: before, while and after the broker refuses the fetch.
    static_cast<void>(consumer->extents(
        std::vector<TopicPartition>(static_cast<std::size_t>(round % 3), TopicPartition{topic, 0}),
        10s));
    assign(*consumer, topic, round);
    CHECK(read(*consumer, 1).front() == round);
  }
}

TEST_CASE("the end means what is appended after assign has returned") {
  Broker broker;
  const std::string topic = broker.topic();
  produce(broker, topic, 10);
  for (int round = 0; round < 5; ++round) {
    const auto consumer = broker.stream().consumer().value();
    assign(*consumer, topic, Position::kEnd);
    produce(broker, topic, 1);
    CHECK(read(*consumer, 1).front() == 10 + round);
  }
}

TEST_CASE("a topic or partition that does not exist is an error of the partition") {
  Broker broker;
  const std::string topic = broker.topic(2);
  const auto consumer = broker.stream().consumer().value();
  const std::string missing = unique_name("missing");
  assign(*consumer, missing, Position::kStart);
  const PartitionError first = trouble(*consumer);
  CHECK(first.at == TopicPartition{missing, 0});
  CHECK(first.error.code == Errc::unknown_topic);
  assign(*consumer, topic, Position::kStart, 7);
  const PartitionError second = trouble(*consumer);
  CHECK(second.at == TopicPartition{topic, 7});
  CHECK(second.error.code == Errc::bad_partition);
  const auto extents = consumer->extents(std::vector{TopicPartition{missing, 0}}, 2s);
  REQUIRE_FALSE(extents.has_value());
  CHECK_FALSE(extents.error().transient());
}

TEST_CASE("extents of many partitions come in the order asked") {
  Broker broker;
  const std::string one = broker.topic();
  const std::string two = broker.topic();
  produce(broker, one, 7, 4);
  produce(broker, two, 9, 5);
  const auto consumer = broker.stream().consumer().value();
  std::vector<TopicPartition> asked;
  for (std::int32_t p = 15; p >= 0; --p) {
    asked.push_back({two, p});
    asked.push_back({one, p});
  }
  const auto extents = consumer->extents(asked, 10s).value();
  REQUIRE(extents.size() == asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    CHECK(extents[i].start == 0);
    const bool first = asked[i] == TopicPartition{one, 4};
    const bool second = asked[i] == TopicPartition{two, 5};
    CHECK(extents[i].end == (first ? 7 : second ? 9 : 0));
  }
  CHECK(consumer->health().empty());
}

TEST_CASE("a reader slower than its broker loses nothing and holds little") {
  Broker broker([] {
    KafkaOptions options;
    options.max_fetched_records = 1'000;
    return options;
  }());
  const std::string topic = broker.topic();
  produce(broker, topic, 30'000, 0, 1'000);
  const auto consumer = broker.stream().consumer().value();
  assign(*consumer, topic, 0);
  const Stopwatch watch;
  const auto offsets = read(*consumer, 30'000);
  for (std::size_t i = 0; i < offsets.size(); ++i)
    REQUIRE(offsets[i] == static_cast<int>(i));
  CHECK(watch.elapsed() < 6s);  // a full queue does not stop the fetching for a second each time
}

TEST_CASE("topics are made once, and another partition count is refused with both numbers") {
  Broker broker;
  const std::string topic = unique_name("made");
  broker.forget_later(topic);
  const std::vector specs{TopicSpec{topic, 3, Cleanup::compact, std::nullopt, true},
                          TopicSpec{topic, 3, Cleanup::compact, std::nullopt, true}};
  CHECK(broker.admin().ensure_topics(specs).has_value());
  CHECK(broker.admin().ensure_topics(specs).has_value());
  const TopicSpec other{topic, 4, Cleanup::compact, std::nullopt, true};
  const auto refused = broker.admin().ensure_topics({&other, 1});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::wrong_partition_count);
  CHECK(refused.error().text().find(topic + " has 3 partitions, not 4") != std::string::npos);
  const auto counts = broker.admin().partitions(std::vector{unique_name("missing"), topic}).value();
  CHECK_FALSE(counts[0].has_value());
  CHECK(counts[1] == 3);
  CHECK(broker.admin().remove_topics(std::vector{topic, topic}).has_value());
  CHECK(broker.admin().remove_topics(std::vector{topic}).has_value());
  CHECK_FALSE(broker.admin().partitions(std::vector{topic}).value()[0].has_value());
}

TEST_CASE("a topic that cannot be made says why") {
  Broker broker;
  const TopicSpec nameless{"", 3, Cleanup::retain, std::nullopt, true};
  CHECK_FALSE(broker.admin().ensure_topics({&nameless, 1}).has_value());
  const TopicSpec illegal{"no spaces here", 3, Cleanup::retain, std::nullopt, true};
  const auto refused = broker.admin().ensure_topics({&illegal, 1});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().text().find("no spaces here") != std::string::npos);
  const TopicSpec empty{unique_name("empty"), 0, Cleanup::retain, std::nullopt, true};
  CHECK_FALSE(broker.admin().ensure_topics({&empty, 1}).has_value());
  CHECK(broker.admin().truncate({unique_name("missing"), 0}, 1).error().code ==
        Errc::unknown_topic);
}

TEST_CASE("a lone record crosses an idle broker at once") {
  Broker broker;
  const std::string topic = broker.topic();
  const auto producer = broker.stream().producer({}).value();
  const auto consumer = broker.stream().consumer().value();
  assign(*consumer, topic, Position::kEnd);
  std::vector<std::chrono::milliseconds> times;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Stopwatch watch;
    REQUIRE(producer->send({topic, "key", "value", {}, 0}, i).has_value());
    static_cast<void>(read(*consumer, 1));
    times.push_back(watch.elapsed());
  }
  std::ranges::sort(times);
  CHECK(times[10] < 50ms);  // a few ms here; nothing waits for a timer
}
