#include <atomic>
#include <thread>

#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

TEST_CASE("the write-ahead log stays bounded under writing and reading without pause") {
  const Folder folder;
  auto options = options_for(folder);
  options.checkpoint_bytes = 256U << 10U;
  options.max_wal_bytes = 1U << 20U;
  const auto stream = SqliteStream::open(options).value();
  make_topics(*stream, {spec("t")});
  std::atomic<bool> done{false};
  std::atomic<std::size_t> read{0};
  std::thread reading([&] {
    const auto tail = reader(*stream, "t");
    while (!done)
      read += tail->poll(500, milliseconds(10)).value().records().size();
  });
  const auto producer = stream->producer({}).value();
  const std::string value(1'000, 'v');
  std::size_t largest = 0;
  constexpr int kRecords = 20'000;  // twenty times the bound
  for (int i = 0; i < kRecords; ++i) {
    while (!producer->send(draft("t", "k", value), i))
      std::this_thread::yield();
    if (i % 200 == 0) {
      REQUIRE(producer->flush(kWaitLimit));
      largest = std::max(largest, stream->figures().wal_bytes);
    }
  }
  CHECK(eventually([&] { return read == kRecords; }));
  done = true;
  reading.join();
  CHECK(largest > 0);
  CHECK(largest < 2 * options.max_wal_bytes);
}

TEST_CASE("a consumer holds nothing open between polls") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  const auto tail = reader(*attached.stream, "t");
  const auto inside = attached.engine().consumer().value();
  seek(*inside, "t", Position::kStart);
  for (int i = 0; i < 3; ++i) {
    attached.begin();
    REQUIRE(attached.append(draft("t", "k", "v")).has_value());
    attached.commit();
  }
  // One at a time, so that both stop in the middle of what there is.
  const auto batch = tail->poll(1, milliseconds(0)).value();
  const auto other = inside->poll(1, milliseconds(0)).value();
  CHECK(batch.records().size() == 1);
  CHECK(other.records().size() == 1);
  CHECK(attached.connection.integer("PRAGMA wal_checkpoint(TRUNCATE)") == 0);  // not busy
}

}  // namespace
}  // namespace dropline::stream::testing
