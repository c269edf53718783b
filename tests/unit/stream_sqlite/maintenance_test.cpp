#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// An attached stream whose time and steps the test decides.
struct Kept {
  explicit Kept(const Folder& folder, std::size_t step_records = 4) : options(options_for(folder)) {
    options.clock = &clock;
    options.maintenance_records = step_records;
    options.compact_after_records = 6;
    reopen();
  }

  void reopen() {
    attached.reset();
    attached = std::make_unique<Attached>(options);
  }
  void append(const std::string& key, std::optional<std::string> value) {
    attached->begin();
    REQUIRE(attached->append(draft("t", key, value)).has_value());
    attached->commit();
  }
  /// One step in a transaction of its own; false when nothing more is due.
  bool step() {
    attached->begin();
    const bool more = attached->engine().maintain().value();
    attached->commit();
    return more;
  }
  int steps() {
    clock.advance(seconds(2));
    int count = 1;
    while (step())
      ++count;
    return count;
  }
  std::vector<std::string> content() { return testing::content(*attached->stream, "t"); }

  ManualClock clock;
  SqliteOptions options;
  std::unique_ptr<Attached> attached;
};

const std::vector<TopicSpec> kCompacted{spec("t", 1, Cleanup::compact)};
const std::vector<TopicSpec> kAnHour{spec("t", 1, Cleanup::retain, hours(1))};

TEST_CASE("compaction keeps the last record of each key at its offset, in small steps") {
  const Folder folder;
  Kept kept(folder);
  kept.attached->make(kCompacted);
  for (int i = 0; i < 30; ++i)
    kept.append("key" + std::to_string(i % 3), std::to_string(i));
  CHECK(kept.steps() >= 30 / 4);
  const auto batch = reader(*kept.attached->stream, "t")->poll(100, milliseconds(0)).value();
  CHECK(values(batch) == std::vector<std::string>{"27", "28", "29"});
  CHECK(offsets(batch) == std::vector<std::int64_t>{27, 28, 29});
  CHECK(kept.attached->stream->figures().compacted == 27);
  CHECK(extent(*kept.attached->stream, "t").end == 30);
}

TEST_CASE("compaction waits until enough came, then goes on from where it was clean") {
  const Folder folder;
  Kept kept(folder);
  kept.attached->make(kCompacted);
  for (int i = 0; i < 5; ++i)
    kept.append("k", std::to_string(i));
  kept.steps();
  CHECK(kept.content().size() == 5);
  kept.append("other", "o");
  kept.steps();
  CHECK(kept.content() == std::vector<std::string>{"4", "o"});
  for (int i = 0; i < 5; ++i)
    kept.append("k", "again");
  kept.steps();
  CHECK(kept.content().size() == 7);
  kept.append("k", "last");
  kept.steps();
  CHECK(kept.content() == std::vector<std::string>{"o", "last"});
}

TEST_CASE("a crash between compaction's steps loses nothing and leaves nothing undone") {
  for (int crash_after = 0; crash_after < 6; ++crash_after) {
    const Folder folder;
    Kept kept(folder);
    kept.attached->make(kCompacted);
    for (int i = 0; i < 20; ++i)
      kept.append("key" + std::to_string(i % 4), std::to_string(i));
    kept.clock.advance(seconds(2));
    for (int i = 0; i < crash_after; ++i)
      kept.step();
    kept.attached->begin();
    static_cast<void>(kept.attached->engine().maintain().value());
    kept.attached->roll_back();  // the step under way goes with the crash
    kept.reopen();
    const auto all = reader(*kept.attached->stream, "t")->poll(100, milliseconds(0)).value();
    std::map<std::string, std::string> last;
    for (const auto& record : all.records())
      last[std::string(*record.key)] = *record.value;
    CHECK(last == std::map<std::string, std::string>{
                      {"key0", "16"}, {"key1", "17"}, {"key2", "18"}, {"key3", "19"}});
    for (int i = 0; i < 6; ++i)
      kept.append("key0", "20");
    kept.steps();
    CHECK(kept.content() == std::vector<std::string>{"17", "18", "19", "20"});
  }
}

TEST_CASE("a tombstone removes its key's records at once and itself after its time") {
  const Folder folder;
  Kept kept(folder);
  kept.attached->make(kCompacted);
  for (int i = 0; i < 6; ++i)
    kept.append("dead", "v");
  kept.append("dead", std::nullopt);
  kept.append("alive", "v");
  kept.steps();
  CHECK(kept.content() == std::vector<std::string>{"-", "v"});
  kept.clock.advance(kept.options.tombstone_retention);
  kept.steps();
  CHECK(kept.content() == std::vector<std::string>{"v"});
}

TEST_CASE("a log whose last records were tombstones goes on at its end, also after a restart") {
  const Folder folder;
  Kept kept(folder);
  kept.attached->make(kCompacted);
  for (int i = 0; i < 9; ++i)
    kept.append("dead", "v");
  kept.append("dead", std::nullopt);
  const auto waiting = reader(*kept.attached->stream, "t", 5);
  kept.steps();
  kept.clock.advance(kept.options.tombstone_retention);
  kept.steps();
  CHECK(kept.content().empty());
  CHECK(extent(*kept.attached->stream, "t").end == 10);
  // A reader in the gap neither spins nor is lost.
  CHECK(waiting->poll(10, milliseconds(20)).value().empty());
  kept.append("k", "next");
  CHECK(offsets(waiting->poll(10, kWaitLimit).value()) == std::vector<std::int64_t>{10});
}

TEST_CASE("an emptied log keeps its end and its last append time across a restart") {
  const Folder folder;
  Kept kept(folder);
  kept.attached->make(kAnHour);
  for (int i = 0; i < 10; ++i)
    kept.append("k", "old");
  const auto appended_at = kept.clock.now();
  kept.clock.advance(hours(2));
  kept.steps();
  CHECK(kept.content().empty());
  kept.reopen();
  CHECK(extent(*kept.attached->stream, "t").start == 10);
  CHECK(extent(*kept.attached->stream, "t").end == 10);
  kept.clock.jump(-hours(24));
  kept.append("k", "new");
  const auto batch = reader(*kept.attached->stream, "t")->poll(10, milliseconds(0)).value();
  REQUIRE(batch.records().size() == 1);
  CHECK(batch.records()[0].offset == 10);
  CHECK(unix_ms(batch.records()[0].append_time) == unix_ms(appended_at));
}

TEST_CASE("retention removes what is older than its time, and not a record more") {
  const Folder folder;
  Kept kept(folder);
  kept.attached->make(kAnHour);
  for (int i = 0; i < 10; ++i) {
    kept.append("k", std::to_string(i));
    kept.clock.advance(std::chrono::minutes(6));
  }
  kept.clock.advance(std::chrono::minutes(12));  // the first is 72 minutes old, the last 18
  const auto behind = reader(*kept.attached->stream, "t", 1);
  kept.steps();
  CHECK(kept.content() == std::vector<std::string>{"3", "4", "5", "6", "7", "8", "9"});
  CHECK(extent(*kept.attached->stream, "t").start == 3);
  CHECK(kept.attached->stream->figures().expired == 3);
  const auto told = behind->poll(10, milliseconds(0)).value();
  REQUIRE(told.errors().size() == 1);
  CHECK(told.errors()[0].error.code == Errc::position_lost);
}

TEST_CASE("nothing is due before the interval, and a topic without a retention is kept") {
  const Folder folder;
  Kept kept(folder);
  kept.attached->make({spec("t")});
  kept.append("k", "v");
  kept.steps();
  kept.clock.advance(hours(24 * 365));
  kept.steps();
  CHECK(kept.content().size() == 1);
  CHECK_FALSE(kept.step());
}

TEST_CASE("a rolled back step is done again, and figures count it once") {
  const Folder folder;
  Kept kept(folder);
  kept.attached->make(kAnHour);
  for (int i = 0; i < 3; ++i)
    kept.append("k", "old");
  kept.clock.advance(hours(2));
  kept.attached->begin();
  static_cast<void>(kept.attached->engine().maintain().value());
  kept.attached->roll_back();
  CHECK(kept.content().size() == 3);
  CHECK(extent(*kept.attached->stream, "t").start == 0);
  kept.steps();
  CHECK(kept.content().empty());
  CHECK(kept.attached->stream->figures().expired == 3);
}

TEST_CASE("the stream's own writer cleans by itself") {
  const Folder folder;
  auto options = options_for(folder);
  options.maintenance_interval = milliseconds(5);
  options.compact_after_records = 1;
  const auto stream = SqliteStream::open(options).value();
  make_topics(*stream, kCompacted);
  const auto producer = stream->producer({}).value();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(producer->send(draft("t", "k", std::to_string(i)), i).has_value());
  }
  REQUIRE(producer->flush(kWaitLimit));
  CHECK(eventually([&] { return content(*stream, "t") == std::vector<std::string>{"99"}; }));
}

}  // namespace
}  // namespace dropline::stream::testing
