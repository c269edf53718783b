#include <algorithm>
#include <thread>

#include "scene.hpp"

using namespace std::string_view_literals;

namespace dropline::stream::conformance {
namespace {

using Headers = std::vector<std::pair<std::string, std::optional<std::string>>>;

TEST_CASE(
    "writing: each producer's records keep their order in a partition, none lost or doubled") {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  constexpr std::int32_t kPartitions = 3;
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        Writer writer(scene.stream());
        for (int i = 0; i < kEach; ++i)
          writer.send(topic, "", std::to_string(t) + ' ' + std::to_string(i), i % kPartitions);
        writer.settle();
      });
  }
  std::map<std::pair<int, std::int32_t>, int> next;
  std::size_t total = 0;
  for (const auto& partition : scene.content(topic, kPartitions)) {
    std::int64_t offset = 0;
    for (const Copy& record : partition) {
      CHECK(record.offset == offset++);
      const int thread = std::stoi(*record.value);
      const int number = std::stoi(record.value->substr(record.value->find(' ')));
      auto [expected, first] = next.try_emplace({thread, record.at.partition}, record.at.partition);
      CHECK(number == expected->second);
      expected->second = number + kPartitions;
      ++total;
    }
  }
  CHECK(total == kThreads * kEach);
}

TEST_CASE("writing: one producer may be used by several threads at once") {
  constexpr int kThreads = 4;
  constexpr int kEach = 250;
  Scene scene;
  const auto topic = scene.topic();
  Journal journal;
  const auto producer = scene.stream().producer(journal.handler()).value();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          const std::string value = std::to_string(t) + ' ' + std::to_string(i);
          const auto token = static_cast<std::uint64_t>(t * kEach + i);
          CHECK(producer->send({.topic = topic, .key = "k", .value = value}, token));
        }
      });
  }
  CHECK(producer->flush(kPatience));
  CHECK(journal.by_token().size() == kThreads * kEach);
  std::map<int, int> next;
  for (const Copy& record : scene.content_of_one(topic)) {
    const int thread = std::stoi(*record.value);
    CHECK(std::stoi(record.value->substr(record.value->find(' '))) == next[thread]++);
  }
  for (int t = 0; t < kThreads; ++t)
    CHECK(next[t] == kEach);
}

TEST_CASE("writing: a key goes to the partition that Java's client gives it") {
  Scene scene;
  // Partition counts and the partitions of keys as Kafka's DefaultPartitioner computes them:
  // (murmur2 & 0x7fffffff) % count.
  const std::vector<std::pair<std::string, std::int32_t>> hashes = {
      {"21", 1173551340},
      {"foobar", 1357151166},
      {"a-little-bit-long-string", 1161502112},
      {"a-little-bit-longer-string", 661178819},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", 2088585677},
      {"abc", 479470107}};
  for (const std::int32_t count : {1, 7, 16}) {
    const auto topic = scene.topic(count);
    Writer writer(scene.stream());
    for (const auto& [key, hash] : hashes) {
      const auto token = writer.send(topic, key, "v");
      CHECK(writer.send(topic, key, "w") == token + 1);
    }
    writer.settle();
    const auto delivered = writer.journal.by_token();
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      CHECK(delivered.at(2 * i + 1).partition == hashes[i].second % count);
      CHECK(delivered.at(2 * i + 2).partition == hashes[i].second % count);
    }
    std::size_t found = 0;
    for (const auto& partition : scene.content(topic, count))
      for (const Copy& record : partition) {
        CHECK(record.at.partition == partition_of(*record.key, count));
        ++found;
      }
    CHECK(found == 2 * hashes.size());
  }
}

TEST_CASE("writing: headers come back as they were sent, doubles, empty and null ones too") {
  Scene scene;
  const auto topic = scene.topic();
  const std::vector<Header> headers = {{"z", "1"}, {"a", ""},  {"null", std::nullopt},
                                       {"z", "2"}, {"Z", "3"}, {"bytes", "\0\xff\n"sv}};
  Writer writer(scene.stream());
  writer.send({.topic = topic, .key = "k", .value = "with", .headers = headers});
  writer.send({.topic = topic, .key = "k", .value = "without"});
  writer.settle();
  const auto records = scene.content_of_one(topic);
  REQUIRE(records.size() == 2);
  Headers expected;
  for (const Header& header : headers)
    expected.emplace_back(header.name, header.value);
  CHECK((records[0].headers == expected));
  CHECK(records[1].headers.empty());
}

TEST_CASE("writing: empty and absent values stay apart, and an empty key is a key") {
  Scene scene;
  const auto topic = scene.topic(4);
  Writer writer(scene.stream());
  writer.send({.topic = topic, .key = "", .value = ""});
  writer.send({.topic = topic, .key = "", .value = std::nullopt});
  writer.settle();
  const auto records = scene.content(topic, 4).at(static_cast<std::size_t>(partition_of("", 4)));
  REQUIRE(records.size() == 2);
  CHECK((records[0].key == ""));
  CHECK((records[0].value == ""));
  CHECK((records[1].key == ""));
  CHECK_FALSE(records[1].value.has_value());
}

TEST_CASE("writing: keys and values are bytes, zeros and UTF-8 included") {
  Scene scene;
  const auto topic = scene.topic();
  std::string every;
  for (int byte = 0; byte < 256; ++byte)
    every += static_cast<char>(byte);
  const std::vector<std::string> keys = {"k",   std::string("k\0", 2), std::string("k\0a", 3),
                                         every, "한정판/주문",         "\xff\xfe not UTF-8"};
  Writer writer(scene.stream());
  for (const std::string& key : keys)
    writer.send(topic, key, key + every, 0);
  writer.settle();
  const auto records = scene.content_of_one(topic);
  REQUIRE(records.size() == keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CHECK((records[i].key == keys[i]));
    CHECK((records[i].value == keys[i] + every));
  }
}

TEST_CASE("writing: a record at the size limit passes, one byte more is refused whole") {
  Scene scene;
  const auto topic = scene.topic();
  const std::vector<Header> headers = {{"name", "value"}};
  const std::string largest(kMaxRecordBytes - 3 - 9, 'x');
  const std::string larger = largest + 'x';
  Writer writer(scene.stream());
  const auto refused =
      writer.offer({.topic = topic, .key = "key", .value = larger, .headers = headers});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::too_large);
  writer.send({.topic = topic, .key = "key", .value = largest, .headers = headers});
  writer.settle();
  const auto records = scene.content_of_one(topic);
  REQUIRE(records.size() == 1);
  CHECK(records[0].value->size() == largest.size());
}

TEST_CASE("writing: bad headers are refused and nothing is taken") {
  Scene scene;
  const auto topic = scene.topic();
  const std::string long_name(kMaxHeaderNameBytes + 1, 'n');
  const std::vector<std::vector<Header>> bad = {
      std::vector<Header>(kMaxHeaders + 1, Header{"n", "v"}), {{long_name, "v"}}, {{"", "v"}}};
  Writer writer(scene.stream());
  for (const auto& headers : bad) {
    const auto refused =
        writer.offer({.topic = topic, .key = "k", .value = "v", .headers = headers});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::bad_record);
  }
  writer.send(topic, "k", "good");
  writer.settle();
  CHECK(values(scene.content_of_one(topic)) == std::vector<std::string>{"good"});
}

/// What became of one record that goes nowhere: refused at once or reported failed.
std::error_code fate_of(Writer& writer, const Draft& draft) {
  const auto offered = writer.offer(draft);
  if (!offered) return offered.error().code;
  REQUIRE(writer.journal.await(writer.tokens));
  const auto delivery = writer.journal.by_token().at(writer.tokens);
  CHECK(delivery.outcome == Outcome::failed);
  return delivery.error;
}

TEST_CASE("writing: an unknown topic or partition fails alone, and the producer goes on") {
  Scene scene;
  const auto topic = scene.topic(2);
  const auto nowhere = Scene::unique("nowhere");
  Writer writer(scene.stream());
  CHECK(fate_of(writer, {.topic = nowhere, .key = "k", .value = "v"}) == Errc::unknown_topic);
  for (const std::int32_t partition : {2, 1000, -1, -7})
    CHECK(fate_of(writer, {.topic = topic, .key = "k", .value = "v", .partition = partition}) ==
          Errc::bad_partition);
  CHECK_FALSE(writer.producer->fatal_error());
  const auto token = writer.send(topic, "k", "good", 1);
  REQUIRE(writer.producer->flush(kPatience));
  CHECK(writer.journal.by_token().at(token).outcome == Outcome::acknowledged);
  const std::vector<std::string> asked = {nowhere};
  CHECK_FALSE(scene.admin().partitions(asked)->front().has_value());
}

TEST_CASE("writing: every record taken gets one delivery that says where it lies") {
  Scene scene;
  const auto topic = scene.topic(4);
  Writer writer(scene.stream());
  for (int i = 0; i < 1000; ++i)
    writer.send(topic, std::to_string(i % 37), std::to_string(i + 1));
  writer.settle();
  const auto delivered = writer.journal.by_token();
  CHECK(delivered.size() == 1000);
  const auto content = scene.content(topic, 4);
  for (const auto& [token, delivery] : delivered) {
    REQUIRE(delivery.offset.has_value());
    const auto& records = content.at(static_cast<std::size_t>(delivery.partition));
    CHECK((records.at(static_cast<std::size_t>(*delivery.offset)).value == std::to_string(token)));
  }
}

TEST_CASE("writing: deliveries of one partition come in log order") {
  Scene scene;
  const auto topic = scene.topic(3);
  Writer writer(scene.stream());
  for (int i = 0; i < 1000; ++i)
    writer.send(topic, "", "v", i % 3);
  writer.settle();
  std::map<std::int32_t, std::int64_t> next;
  for (const Delivery& delivery : writer.journal.all())
    CHECK(delivery.offset.value() == next[delivery.partition]++);
}

TEST_CASE("writing: a full queue pushes back, having taken nothing, and goes on later") {
  for (const bool by_bytes : {false, true}) {
    CAPTURE(by_bytes);
    Scene scene(by_bytes ? Wishes{.max_in_flight_bytes = 50 * 10'000}
                         : Wishes{.max_in_flight_records = 50});
    const auto topic = scene.topic();
    std::mutex gate;  // a handler that is slow, as a busy machine makes it
    Journal journal;
    const auto note = journal.handler();
    const auto producer = scene.stream()
                              .producer([&](std::span<const Delivery> batch) {
                                const std::lock_guard wait(gate);
                                note(batch);
                              })
                              .value();
    const std::string padding(10'000, 'p');
    int taken = 0;
    bool full = false;
    {
      const std::lock_guard shut(gate);
      while (!full && taken < 10'000) {
        const auto value = std::to_string(taken) + padding;
        const auto sent = producer->send({.topic = topic, .key = "k", .value = value}, 0);
        if (!sent) {
          CHECK(sent.error().code == Errc::queue_full);
          CHECK(sent.error().transient());
          full = true;
        } else {
          ++taken;
        }
      }
    }
    CHECK(full);
    CHECK(taken <= 60);
    CHECK(taken >= 20);
    CHECK(producer->flush(kPatience));
    CHECK(producer->send({.topic = topic, .key = "k", .value = "last"}, 0));
    CHECK(producer->flush(kPatience));
    CHECK(journal.count() == static_cast<std::size_t>(taken) + 1);
    const auto records = scene.content_of_one(topic);
    REQUIRE(records.size() == static_cast<std::size_t>(taken) + 1);
    for (int i = 0; i < taken; ++i)
      CHECK((records[static_cast<std::size_t>(i)].value == std::to_string(i) + padding));
    CHECK((records.back().value == "last"));
  }
}

TEST_CASE("writing: pushed back again and again, a producer loses and repeats nothing") {
  Scene scene({.max_in_flight_records = 20});
  const auto topic = scene.topic();
  Writer writer(scene.stream());
  for (int i = 0; i < 3000; ++i)
    writer.send(topic, "k", std::to_string(i));
  writer.settle();
  CHECK(values(scene.content_of_one(topic)) == numbered("", 0, 3000));
}

TEST_CASE("writing: a delivery handler may send") {
  Scene scene;
  const auto topic = scene.topic();
  Journal journal;
  const auto note = journal.handler();
  std::atomic<Producer*> again = nullptr;
  const auto producer =
      scene.stream()
          .producer([&](std::span<const Delivery> batch) {
            for (const Delivery& delivery : batch)
              if (delivery.token < 3) {
                const auto value = std::to_string(delivery.token + 1);
                CHECK(again.load()->send({.topic = topic, .key = "k", .value = value},
                                         delivery.token + 1));
              }
            note(batch);
          })
          .value();
  again = producer.get();
  REQUIRE(producer->send({.topic = topic, .key = "k", .value = "1"}, 1));
  CHECK(journal.await(3));
  CHECK(values(scene.content_of_one(topic)) == numbered("", 1, 4));
}

TEST_CASE("writing: closing delivers everything, refuses more, and may be repeated") {
  Scene scene;
  const auto topic = scene.topic();
  Writer writer(scene.stream());
  for (int i = 0; i < 500; ++i)
    writer.send(topic, "k", std::to_string(i));
  writer.producer->close(kPatience);
  CHECK(writer.journal.count() == 500);
  for (const Delivery& delivery : writer.journal.all())
    CHECK(delivery.outcome == Outcome::acknowledged);
  const auto refused = writer.offer({.topic = topic, .key = "k", .value = "late"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::closed);
  const auto began = Time::now();
  writer.producer->close(kPatience);
  writer.producer.reset();
  CHECK(Time::now() - began < milliseconds(3000));
  CHECK(writer.journal.count() == 500);
  CHECK(values(scene.content_of_one(topic)) == numbered("", 0, 500));
}

TEST_CASE("writing: what is cut short by closing is told truly: failed is not in the log") {
  constexpr int kRounds = 5;
  Scene scene;
  const auto topic = scene.topic(2);
  std::map<std::string, Outcome> told;
  for (int round = 0; round < kRounds; ++round) {
    Writer writer(scene.stream());
    for (int i = 0; i < 1000; ++i)
      writer.send(topic, "", std::to_string(round) + '.' + std::to_string(i + 1), i % 2);
    if (round % 2 == 0)
      writer.producer->close(milliseconds(round));
    else
      writer.producer.reset();
    const auto delivered = writer.journal.by_token();
    CHECK(delivered.size() == 1000);
    for (const auto& [token, delivery] : delivered) {
      told[std::to_string(round) + '.' + std::to_string(token)] = delivery.outcome;
      CHECK((delivery.outcome == Outcome::acknowledged) == !delivery.error);
    }
  }
  Writer marker(scene.stream());
  marker.send(topic, "", "end", 0);
  marker.send(topic, "", "end", 1);
  marker.settle();
  std::map<std::string, int> found;
  for (const auto& partition : scene.content(topic, 2))
    for (const Copy& record : partition)
      ++found[*record.value];
  for (const auto& [value, outcome] : told) {
    CAPTURE(value);
    if (outcome == Outcome::failed) CHECK(found[value] == 0);
    if (outcome == Outcome::acknowledged) CHECK(found[value] == 1);
    if (outcome == Outcome::unknown) CHECK(found[value] <= 1);
  }
}

TEST_CASE("writing: closing without a broker ends within its bound and reports each record once") {
  if (!subject().features.has_broker) {
    MESSAGE(subject().name << " has no broker that could be gone");
    return;
  }
  Scene scene;
  const auto topic = scene.topic();
  auto stream = scene.place().open_unreachable().value();
  Writer writer(*stream);
  for (int i = 0; i < 100; ++i) {
    // A record that cannot be taken without a broker must be refused for that reason.
    const auto offered = writer.offer({.topic = topic, .key = "k", .value = "v"});
    if (!offered) CHECK(offered.error().transient());
  }
  CHECK(writer.producer->flush(milliseconds(100)) == (writer.tokens == 0));
  const auto began = Time::now();
  writer.producer->close(milliseconds(500));
  CHECK(Time::now() - began < milliseconds(500 + 1000 + 500));
  const auto delivered = writer.journal.by_token();
  CHECK(delivered.size() == writer.tokens);
  for (const auto& [token, delivery] : delivered) {
    CHECK(delivery.outcome == Outcome::failed);
    CHECK(delivery.error);
  }
  const auto rest = Time::now();
  writer.producer.reset();
  stream.reset();
  CHECK(Time::now() - rest < milliseconds(2000));
}

}  // namespace
}  // namespace dropline::stream::conformance
