#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "scene.hpp"
#include "support/eventually.hpp"

namespace dropline::stream::conformance {
namespace {

TEST_CASE("survival: the log is the same after it was closed and opened again") {
  Scene scene;
  const auto topic = scene.topic(2);
  const std::vector<Header> headers = {{"h", "1"}, {"null", std::nullopt}};
  {
    Writer writer(scene.stream());
    for (int i = 0; i < 100; ++i)
      writer.send({.topic = topic,
                   .key = std::to_string(i),
                   .value = "v",
                   .headers = headers,
                   .partition = i % 2});
    writer.settle();
  }
  REQUIRE(scene.admin().truncate({topic, 0}, 10));
  const auto before = scene.content(topic, 2);
  scene.close();
  scene.open();
  const std::vector<std::string> asked = {topic};
  CHECK((scene.admin().partitions(asked)->front() == 2));
  const auto after = scene.content(topic, 2);
  for (std::size_t p = 0; p < 2; ++p) {
    REQUIRE(after[p].size() == before[p].size());
    for (std::size_t i = 0; i < after[p].size(); ++i) {
      CHECK(after[p][i].offset == before[p][i].offset);
      CHECK((after[p][i].key == before[p][i].key));
      CHECK((after[p][i].headers == before[p][i].headers));
    }
  }
  CHECK(after[0].size() == 40);
  Writer writer(scene.stream());
  writer.send(topic, "k", "next", 0);
  writer.settle();
  CHECK((writer.journal.all().front().offset == 50));
}

TEST_CASE("survival: what a writer was told is acknowledged outlives its kill -9, once, in order") {
  constexpr int kRounds = 3;
  constexpr std::int32_t kPartitions = 3;
  for (int round = 0; round < kRounds; ++round) {
    CAPTURE(round);
    Scene scene;
    const auto topic = scene.topic(kPartitions);
    if (!subject().features.shared) scene.close();
    const auto told = scene.place().write_until_killed(topic, 1000);
    if (!subject().features.shared) scene.open();
    // Whatever was still under way has arrived before this.
    Writer marker(scene.stream());
    for (std::int32_t p = 0; p < kPartitions; ++p)
      marker.send(topic, "", "end", p);
    marker.settle();

    const auto content = scene.content(topic, kPartitions);
    std::map<std::string, std::pair<std::int32_t, std::int64_t>> places;
    for (const auto& partition : content) {
      std::int64_t next = 0;
      long before = -1;
      for (const Copy& record : partition) {
        CHECK(record.offset == next++);
        if (record.value == "end") continue;
        CHECK((record.key == record.value));
        CHECK(std::stol(*record.value) > before);
        before = std::stol(*record.value);
        CHECK(places.try_emplace(*record.value, record.at.partition, record.offset).second);
      }
    }
    for (const Acknowledged& one : told) {
      CAPTURE(one.value);
      REQUIRE(places.contains(one.value));
      CHECK(places[one.value].first == one.partition);
      if (one.offset >= 0) CHECK(places[one.value].second == one.offset);
    }
    // Of what one thread sent, nothing is skipped: those that arrived are the first ones of each
    // partition.
    std::map<std::int32_t, bool> ended;
    for (long number = 0; number < static_cast<long>(places.size()) + 10'000; ++number) {
      const std::string key = std::to_string(number);
      const std::int32_t p = partition_of(key, kPartitions);
      if (!places.contains(key))
        ended[p] = true;
      else
        CHECK_MESSAGE(!ended[p], "record ", number, " is there, an earlier one is not");
    }
  }
}

/// What happened over all restarts.
struct Load {
  std::map<std::string, Outcome> told;
  std::set<std::string> seen;
};

/// Two writers and a reader run until enough has happened, and are ended in the midst of it.
void run_under_load(Scene& scene, const std::string& topic, int round, Load& load) {
  constexpr std::size_t kEnough = 300;
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> read = 0;
  std::array<std::atomic<std::size_t>, 2> acknowledged{};
  std::mutex mutex;
  const auto reader = scene.reader(topic, 2, Position::kStart);
  std::jthread reading([&] {
    while (!stop) {
      const auto batch = reader->poll(1000, milliseconds(50));
      CHECK(batch.has_value());
      if (!batch) return;
      for (const Record& record : batch->records())
        load.seen.emplace(*record.value);
      read += batch->records().size();
    }
  });
  std::vector<std::jthread> writing;
  for (std::int32_t t = 0; t < 2; ++t)
    writing.emplace_back([&, t] {
      Writer writer(scene.stream());
      const auto prefix = std::to_string(round) + '.' + std::to_string(t) + '.';
      while (!stop) {
        const auto value = prefix + std::to_string(writer.tokens + 1);
        const auto sent = writer.offer({.topic = topic, .key = "", .value = value, .partition = t});
        if (!sent || writer.tokens % 50 == 0) writer.journal.await_change();
        acknowledged[static_cast<std::size_t>(t)] = writer.journal.count();
      }
      writer.producer.reset();
      const std::lock_guard lock(mutex);
      for (const auto& [token, delivery] : writer.journal.by_token())
        load.told[prefix + std::to_string(token)] = delivery.outcome;
    });
  CHECK(eventually([&] {
    dropline::testing::be_slow(milliseconds(5));
    return read >= kEnough && acknowledged[0] >= kEnough && acknowledged[1] >= kEnough;
  }));
  stop = true;
  reader->wake();
}

TEST_CASE("survival: restarted under load, nothing acknowledged is lost and nothing is doubled") {
  constexpr int kRestarts = 4;
  Scene scene({.max_in_flight_records = 2000});
  const auto topic = scene.topic(2);
  Load load;
  for (int round = 0; round < kRestarts; ++round) {
    run_under_load(scene, topic, round, load);
    scene.close();
    scene.open({.max_in_flight_records = 2000});
  }
  std::map<std::string, int> found;
  std::map<std::string, long> last;
  for (const auto& partition : scene.content(topic, 2))
    for (const Copy& record : partition) {
      ++found[*record.value];
      const auto dot = record.value->rfind('.');
      const long number = std::stol(record.value->substr(dot + 1));
      auto& previous = last[record.value->substr(0, dot)];
      if (number <= previous) FAIL_CHECK(*record.value << " came after " << previous);
      previous = number;
    }
  std::size_t kept = 0;
  for (const auto& [value, outcome] : load.told) {
    const int times = found.contains(value) ? found[value] : 0;
    if (outcome == Outcome::acknowledged && times != 1) FAIL_CHECK(value << " was lost");
    if (outcome == Outcome::failed && times != 0) FAIL_CHECK(value << " failed and is there");
    if (times > 1) FAIL_CHECK(value << " is there " << times << " times");
    kept += outcome == Outcome::acknowledged ? 1U : 0U;
  }
  CHECK(kept > 0);
  // A reader saw only what was there to stay.
  for (const std::string& value : load.seen)
    if (!found.contains(value)) FAIL_CHECK(value << " was read and is no longer there");
}

}  // namespace
}  // namespace dropline::stream::conformance
