#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <thread>

#include "dropline/base/random.hpp"
#include "scene.hpp"
#include "support/eventually.hpp"

namespace dropline::stream::conformance {
namespace {

/// Bytes that no codec makes smaller: what is fetched is then as large as what was written.
std::string noise(std::size_t size, std::uint64_t seed) {
  SeededRandom random(seed);
  std::string text(size, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(text.data()), size});
  return text;
}

/// Writes "0", "1", … to partition 0.
void write_numbers(Scene& scene, const std::string& topic, int first, int end,
                   std::int32_t partition = 0) {
  Writer writer(scene.stream());
  for (int i = first; i < end; ++i)
    writer.send(topic, "k", std::to_string(i), partition);
  writer.settle();
}

TEST_CASE("reading: the start is the first record, the end what comes from now on") {
  Scene scene;
  const auto topic = scene.topic();
  write_numbers(scene, topic, 0, 3);
  const auto from_start = scene.reader(topic, 1, Position::kStart);
  const auto from_end = scene.reader(topic, 1, Position::kEnd);
  const auto from_two = scene.reader(topic, 1, 2);
  const auto from_next = scene.reader(topic, 1, 3);
  write_numbers(scene, topic, 3, 5);
  CHECK(values(read(*from_start, 5)) == numbered("", 0, 5));
  CHECK(values(read(*from_end, 2)) == numbered("", 3, 5));
  CHECK(values(read(*from_two, 3)) == numbered("", 2, 5));
  CHECK(values(read(*from_next, 2)) == numbered("", 3, 5));
  check_silent(*from_end);
}

TEST_CASE("reading: start and end of an empty partition meet") {
  Scene scene;
  const auto topic = scene.topic();
  const auto from_start = scene.reader(topic, 1, Position::kStart);
  const auto from_end = scene.reader(topic, 1, Position::kEnd);
  check_silent(*from_start);
  write_numbers(scene, topic, 0, 1);
  CHECK(values(read(*from_start, 1)) == numbered("", 0, 1));
  CHECK(values(read(*from_end, 1)) == numbered("", 0, 1));
}

TEST_CASE("reading: seeking forth and back delivers nothing fetched before") {
  Scene scene;
  const auto topic = scene.topic();
  write_numbers(scene, topic, 0, 2000);
  const auto reader = scene.reader(topic);
  std::int64_t next = 0;
  for (const std::int64_t target : {1500, 3, 1999, 0, 700, 701, 700, 2000, 0}) {
    read(*reader, target == 2000 ? 1 : 2);
    next = target;
    assign(*reader, {topic, 0}, next);
    if (target == 2000) {
      check_silent(*reader);
      assign(*reader, {topic, 0}, 1990);
      next = 1990;
    }
    for (const Copy& record : read(*reader, target == 1999 ? 1 : 3))
      CHECK(record.offset == next++);
    assign(*reader, {topic, 0}, 10);
    assign(*reader, {topic, 0}, 20);  // only the last of several counts
    next = 20;
    for (const Copy& record : read(*reader, 3))
      CHECK(record.offset == next++);
  }
}

TEST_CASE("reading: a poll gives at most what it is asked for, and everything in order") {
  Scene scene;
  const auto topic = scene.topic();
  write_numbers(scene, topic, 0, 10'000);
  const auto reader = scene.reader(topic);
  std::int64_t next = 0;
  std::size_t most = 1;
  const bool all = eventually([&] {
    const auto batch = reader->poll(most, milliseconds(500)).value();
    CHECK(batch.records().size() <= most);
    for (const Record& record : batch.records())
      CHECK(record.offset == next++);
    most = most * 3 % 4001 + 1;
    return next >= 10'000;
  });
  CHECK(all);
  check_silent(*reader);
}

TEST_CASE("reading: a batch outlives the poll after it") {
  Scene scene;
  const auto topic = scene.topic();
  write_numbers(scene, topic, 0, 100);
  const auto reader = scene.reader(topic);
  std::vector<Batch> batches;
  std::size_t count = 0;
  CHECK(eventually([&] {
    batches.push_back(reader->poll(7, milliseconds(500)).value());
    count += batches.back().records().size();
    return count == 100;
  }));
  int next = 0;
  for (const Batch& batch : batches)
    for (const Record& record : batch.records()) {
      CHECK((record.value == std::to_string(next++)));
      CHECK((record.topic == topic));
      CHECK((record.key == "k"));
    }
}

TEST_CASE("reading: a waiting poll returns as soon as a record comes") {
  constexpr int kTimes = 15;
  Scene scene;
  const auto topic = scene.topic();
  const auto reader = scene.reader(topic);
  Writer writer(scene.stream());
  writer.send(topic, "k", "first");
  read(*reader, 1);
  std::vector<milliseconds> took;
  for (int i = 0; i < kTimes; ++i) {
    std::atomic<Time::time_point> sent;
    std::jthread other([&] {
      // The reader waits by then, mostly; where it does not the poll only gets quicker.
      dropline::testing::be_slow(milliseconds(20));
      sent = Time::now();
      writer.send(topic, "k", std::to_string(i));
    });
    const auto batch = reader->poll(10, kPatience).value();
    const auto got = Time::now();
    REQUIRE(batch.records().size() == 1);
    took.push_back(std::chrono::ceil<milliseconds>(got - sent.load()));
  }
  std::ranges::sort(took);
  MESSAGE(subject().name << ": a lone record reaches a waiting reader in "
                         << took[kTimes / 2].count() << " ms (median)");
  CHECK(took[kTimes / 2] <= subject().features.wake_bound);
}

TEST_CASE("reading: a patient consumer gets every record in order, the last within its patience") {
  constexpr int kRecords = 300;
  constexpr milliseconds kPatient{100};
  Scene scene;
  const auto topic = scene.topic();
  const auto reader = scene.stream().patient_consumer(kPatient).value();
  assign(*reader, {topic, 0}, Position::kStart);
  Writer writer(scene.stream());
  for (int i = 0; i < kRecords; ++i)
    writer.send(topic, "k", std::to_string(i), 0);
  writer.settle();
  const auto written = Time::now();
  const auto got = read(*reader, kRecords);
  CHECK(Time::now() - written <= 10 * kPatient);
  REQUIRE(got.size() == kRecords);
  for (int i = 0; i < kRecords; ++i)
    CHECK(got[static_cast<std::size_t>(i)].value == std::to_string(i));
}

TEST_CASE("reading: wake ends a poll that waits, or else the next") {
  Scene scene;
  const auto topic = scene.topic();
  const auto reader = scene.reader(topic);
  const auto began = Time::now();
  reader->wake();
  CHECK(reader->poll(10, kPatience)->empty());
  for (int i = 0; i < 5; ++i) {
    std::jthread other([&] {
      dropline::testing::be_slow(milliseconds(10 * i));
      reader->wake();
    });
    CHECK(reader->poll(10, kPatience)->empty());
  }
  CHECK(Time::now() - began < kPatience / 2);
}

TEST_CASE("reading: a poll with nothing to give waits as long as told, and no longer") {
  Scene scene;
  const auto topic = scene.topic();
  const auto reader = scene.reader(topic);
  check_silent(*reader, milliseconds(1));
  auto began = Time::now();
  CHECK(reader->poll(10, milliseconds(0))->empty());
  CHECK(Time::now() - began < milliseconds(1000));
  began = Time::now();
  CHECK(reader->poll(10, milliseconds(200))->empty());
  CHECK(Time::now() - began >= milliseconds(190));
  CHECK(Time::now() - began < milliseconds(3000));
}

TEST_CASE("reading: a partition taken away delivers nothing more, not even what was fetched") {
  Scene scene;
  const auto topic = scene.topic(2);
  write_numbers(scene, topic, 0, 1000, 0);
  write_numbers(scene, topic, 0, 1000, 1);
  const auto reader = scene.reader(topic, 2);
  read(*reader, 10);
  const std::vector<TopicPartition> first = {{topic, 0}};
  REQUIRE(reader->unassign(first));
  std::size_t rest = 0;
  eventually([&] {
    const auto batch = reader->poll(300, milliseconds(300)).value();
    for (const Record& record : batch.records())
      CHECK(record.partition == 1);
    rest += batch.records().size();
    return batch.empty() && rest >= 990;
  });
  CHECK(rest <= 1000);
  const std::vector<TopicPartition> second = {{topic, 1}};
  REQUIRE(reader->unassign(second));
  write_numbers(scene, topic, 1000, 1010, 1);
  check_silent(*reader);
  assign(*reader, {topic, 0}, 500);
  CHECK(read(*reader, 1).front().offset == 500);
}

TEST_CASE("reading: two consumers know nothing of each other") {
  Scene scene;
  const auto topic = scene.topic();
  write_numbers(scene, topic, 0, 100);
  const auto a = scene.reader(topic);
  const auto b = scene.reader(topic, 1, 50);
  CHECK(values(read(*a, 30)) == numbered("", 0, 30));
  CHECK(values(read(*b, 50)) == numbered("", 50, 100));
  assign(*b, {topic, 0}, 0);
  CHECK(values(read(*a, 70)) == numbered("", 30, 100));
  CHECK(values(read(*b, 100)) == numbered("", 0, 100));
}

TEST_CASE("reading: one consumer reads several topics") {
  Scene scene;
  const auto one = scene.topic();
  const auto two = scene.topic(2);
  write_numbers(scene, one, 0, 10);
  write_numbers(scene, two, 0, 10, 1);
  const auto reader = scene.reader(one);
  assign(*reader, {two, 1}, 5);
  std::map<std::string, std::vector<std::string>> found;
  for (const Copy& record : read(*reader, 15))
    found[record.at.topic].push_back(*record.value);
  CHECK(found[one] == numbered("", 0, 10));
  CHECK(found[two] == numbered("", 5, 10));
}

TEST_CASE("reading: a hot partition does not keep others waiting") {
  constexpr std::size_t kHot = 20'000;
  constexpr std::int32_t kPartitions = 4;
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  {
    Writer writer(scene.stream());
    // 10 MB in all, more than is fetched at once.
    for (std::size_t i = 0; i < kHot; ++i)
      writer.send(topic, "k", noise(500, i), 0);
    writer.settle();
  }
  for (std::int32_t p = 1; p < kPartitions; ++p)
    write_numbers(scene, topic, 0, 5, p);
  const auto reader = scene.reader(topic, kPartitions);
  std::size_t of_others = 0;
  std::size_t of_hot = 0;
  CHECK(eventually([&] {
    const auto batch = reader->poll(500, milliseconds(500)).value();
    for (const Record& record : batch.records())
      ++(record.partition == 0 ? of_hot : of_others);
    return of_others == 15;
  }));
  CHECK_MESSAGE(of_hot <= kHot / 2, "read before the others' 15: ", of_hot);
}

/// Resident memory of this process.
std::size_t memory_in_use() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_CASE("reading: a slow consumer costs bounded memory and misses nothing") {
  constexpr std::size_t kRecords = 600;
  constexpr std::size_t kEach = 128 * 1024;  // 75 MiB in all
  constexpr std::size_t kMost = std::size_t{40} << 20U;
  Scene scene({.max_fetched_bytes = std::size_t{2} << 20U});
  const auto topic = scene.topic();
  {
    Writer writer(scene.stream());
    for (std::size_t i = 0; i < kRecords; ++i)
      writer.send(topic, "k", std::to_string(1000 + i) + noise(kEach, i));
    writer.settle();
  }
  const std::size_t before = memory_in_use();
  std::size_t most = before;
  const auto reader = scene.reader(topic);
  std::size_t next = 0;
  CHECK(eventually([&] {
    if (next < 20) dropline::testing::be_slow(milliseconds(20));  // the slowness under test
    const auto batch = reader->poll(1, milliseconds(500)).value();
    for (const Record& record : batch.records())
      CHECK((record.value->substr(0, 4) == std::to_string(1000 + next++)));
    most = std::max(most, memory_in_use());
    return next == kRecords;
  }));
  CHECK_MESSAGE(most - before <= kMost, "memory grew by ", (most - before) >> 20U, " MiB");
}

TEST_CASE("reading: a reader below the log's start is told, once, and can go on from the start") {
  Scene scene;
  const auto topic = scene.topic(2);
  write_numbers(scene, topic, 0, 100, 0);
  write_numbers(scene, topic, 0, 10, 1);
  REQUIRE(scene.admin().truncate({topic, 0}, 40));
  const auto reader = scene.reader(topic, 1, 39);
  const auto told = read_error(*reader);
  REQUIRE(told);
  CHECK(told->at == TopicPartition{topic, 0});
  CHECK(told->error.code == Errc::position_lost);
  CHECK_FALSE(told->error.detail.empty());
  check_silent(*reader);
  assign(*reader, {topic, 1}, 0);
  CHECK(values(read(*reader, 10)) == numbered("", 0, 10));  // the others are not concerned
  assign(*reader, {topic, 0}, Position::kStart);
  CHECK(values(read(*reader, 60)) == numbered("", 40, 100));
}

TEST_CASE("reading: a reader overtaken by truncation is told") {
  Scene scene({.max_fetched_bytes = 4096});
  const auto topic = scene.topic();
  {
    Writer writer(scene.stream());
    const std::string padding(4000, 'p');
    for (int i = 0; i < 500; ++i)
      writer.send(topic, "k", padding);
    writer.settle();
  }
  const auto reader = scene.reader(topic);
  read(*reader, 1);
  REQUIRE(scene.admin().truncate({topic, 0}, 500));
  // What was fetched before may still come; what lies between must not be passed over in silence.
  std::int64_t next = 1;
  bool told = false;
  CHECK(eventually([&] {
    const auto batch = reader->poll(10, milliseconds(500)).value();
    for (const Record& record : batch.records())
      CHECK(record.offset == next++);
    for (const PartitionError& error : batch.errors()) {
      CHECK(error.error.code == Errc::position_lost);
      told = true;
    }
    return told || next == 500;
  }));
  CHECK((told || next == 500));
}

TEST_CASE("reading: a position beyond the end is lost, the end itself is not") {
  Scene scene;
  const auto topic = scene.topic();
  write_numbers(scene, topic, 0, 10);
  const auto reader = scene.reader(topic, 1, 11);
  const auto told = read_error(*reader);
  REQUIRE(told);
  CHECK(told->error.code == Errc::position_lost);
  write_numbers(scene, topic, 10, 13);
  check_silent(*reader);
  assign(*reader, {topic, 0}, 13);
  check_silent(*reader);
  write_numbers(scene, topic, 13, 14);
  CHECK(values(read(*reader, 1)) == numbered("", 13, 14));
}

TEST_CASE("reading: what does not exist is told by a poll, and the rest is read") {
  Scene scene;
  const auto topic = scene.topic(1);
  write_numbers(scene, topic, 0, 3);
  const auto reader = scene.reader(topic);
  const auto nowhere = Scene::unique("nowhere");
  assign(*reader, {nowhere, 0}, Position::kStart);
  assign(*reader, {topic, 1}, Position::kStart);
  std::map<TopicPartition, std::error_code> told;
  std::size_t records = 0;
  CHECK(eventually([&] {
    const auto batch = reader->poll(10, milliseconds(500)).value();
    records += batch.records().size();
    for (const PartitionError& error : batch.errors())
      CHECK(told.emplace(error.at, error.error.code).second);
    return records == 3 && told.size() == 2;
  }));
  CHECK((told[TopicPartition{nowhere, 0}] == Errc::unknown_topic));
  CHECK((told[TopicPartition{topic, 1}] == Errc::bad_partition));
}

TEST_CASE("reading: extents are true, and answered in the order asked") {
  Scene scene;
  const auto topic = scene.topic(3);
  write_numbers(scene, topic, 0, 7, 0);
  write_numbers(scene, topic, 0, 5, 2);
  REQUIRE(scene.admin().truncate({topic, 0}, 4));
  const auto reader = scene.stream().consumer().value();
  const std::vector<TopicPartition> asked = {{topic, 2}, {topic, 0}, {topic, 1}, {topic, 2}};
  const auto extents = reader->extents(asked, kPatience).value();
  REQUIRE(extents.size() == 4);
  CHECK(extents[0].start == 0);
  CHECK(extents[0].end == 5);
  CHECK(extents[1].start == 4);
  CHECK(extents[1].end == 7);
  CHECK(extents[2].start == 0);
  CHECK(extents[2].end == 0);
  CHECK(extents[3].end == 5);
  CHECK(reader->extents({}, kPatience)->empty());

  const std::vector<TopicPartition> nowhere = {{Scene::unique("nowhere"), 0}};
  CHECK((reader->extents(nowhere, kPatience).error().code == Errc::unknown_topic));
  const std::vector<TopicPartition> beyond = {{topic, 3}};
  CHECK((reader->extents(beyond, kPatience).error().code == Errc::bad_partition));
  CHECK(reader->health().empty());
}

TEST_CASE("reading: append times are the log's, do not go back, and stay what they are") {
  Scene scene;
  const auto topic = scene.topic();
  const auto kSkew = milliseconds(2000);
  const auto wall = [] {
    return std::chrono::time_point_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now());
  };
  const auto began = wall();
  for (int i = 0; i < 5; ++i)
    write_numbers(scene, topic, i * 10, i * 10 + 10);
  const auto ended = wall();
  const auto records = scene.content_of_one(topic);
  REQUIRE(records.size() == 50);
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK(records[i].append_time >= began - kSkew);
    CHECK(records[i].append_time <= ended + kSkew);
    if (i > 0) CHECK(records[i].append_time >= records[i - 1].append_time);
  }
  scene.close();
  scene.open();
  const auto again = scene.content_of_one(topic);
  REQUIRE(again.size() == 50);
  for (std::size_t i = 0; i < again.size(); ++i)
    CHECK((again[i].append_time == records[i].append_time));
}

TEST_CASE("reading: without a broker polls wait, questions end in time, and health says why") {
  if (!subject().features.has_broker) {
    MESSAGE(subject().name << " has no broker that could be gone");
    return;
  }
  Scene scene;
  auto stream = scene.place().open_unreachable().value();
  {
    const auto consumer = stream->consumer().value();
    assign(*consumer, {"conformance", 0}, 5);
    CHECK(consumer->poll(10, milliseconds(200))->empty());
    CHECK(eventually([&] {
      CHECK(consumer->poll(10, milliseconds(100))->empty());
      return !consumer->health().empty();
    }));
    auto began = Time::now();
    const std::vector<TopicPartition> asked = {{"conformance", 0}};
    const auto extents = consumer->extents(asked, milliseconds(300));
    REQUIRE_FALSE(extents.has_value());
    CHECK(extents.error().transient());
    CHECK(Time::now() - began < milliseconds(300 + 2000));

    began = Time::now();
    const TopicSpec spec{.name = "conformance"};
    const auto made = stream->admin(milliseconds(300)).value()->ensure_topics({&spec, 1});
    REQUIRE_FALSE(made);
    CHECK(made.error().transient());
    CHECK_FALSE(made.error().detail.empty());
    CHECK(Time::now() - began < milliseconds(300 + 2000));
  }
  const auto began = Time::now();
  stream.reset();
  CHECK(Time::now() - began < milliseconds(2000));
}

}  // namespace
}  // namespace dropline::stream::conformance
