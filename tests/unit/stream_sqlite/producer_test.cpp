#include <atomic>
#include <thread>

#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

TEST_CASE("the queue is bounded by records, and takes again what it gave back") {
  const Folder folder;
  auto options = options_for(folder);
  options.max_in_flight_records = 3;
  Attached attached(options);
  attached.make({spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  for (int i = 0; i < 3; ++i)
    REQUIRE(producer->send(draft("t", "k", "v"), i).has_value());
  const auto refused = producer->send(draft("t", "k", "v"), 3);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::queue_full);
  CHECK(refused.error().transient());
  CHECK(attached.stream->figures().in_flight_records == 3);
  attached.begin();
  attached.take();
  // In a transaction is still in flight.
  CHECK(producer->send(draft("t", "k", "v"), 3).error().code == Errc::queue_full);
  attached.commit();
  CHECK(producer->send(draft("t", "k", "v"), 3).has_value());
  CHECK(attached.stream->figures().in_flight_records == 1);
}

TEST_CASE("the queue is bounded by bytes, over all producers, and takes the largest record") {
  const Folder folder;
  auto options = options_for(folder);
  options.max_in_flight_bytes = 10'000;
  Attached attached(options);
  attached.make({spec("t")});
  const auto first = attached.stream->producer({}).value();
  const auto second = attached.stream->producer({}).value();
  const std::string value(3'000, 'v');
  std::size_t taken = 0;
  while (taken < 100 && first->send(draft("t", "k", value), 0))
    ++taken;
  CHECK(taken == 3);
  CHECK(second->send(draft("t", "k", value), 0).error().code == Errc::queue_full);
  CHECK(attached.stream->figures().in_flight_bytes <= 10'000);
  attached.begin();
  attached.take();
  attached.commit();
  CHECK(attached.stream->figures().in_flight_bytes == 0);
  CHECK(second->send(draft("t", "", std::string(kMaxRecordBytes, 'x')), 0).has_value());
}

TEST_CASE("the stream's own writer commits many sends at once and reports them in log order") {
  const Folder folder;
  const auto stream = SqliteStream::open(options_for(folder)).value();
  make_topics(*stream, {spec("t", 4)});
  std::vector<std::vector<std::int64_t>> seen(4);
  const auto producer = stream
                            ->producer([&](std::span<const Delivery> batch) {
                              for (const auto& delivery : batch) {
                                seen[delivery.partition].push_back(*delivery.offset);
                              }
                            })
                            .value();
  constexpr int kRecords = 20'000;
  for (int i = 0; i < kRecords; ++i) {
    const std::string value = std::to_string(i);
    const auto record = draft("t", "k", value, i % 4);
    while (!producer->send(record, i))
      std::this_thread::yield();
  }
  REQUIRE(producer->flush(kWaitLimit));
  for (const auto& offsets : seen) {
    REQUIRE(offsets.size() == kRecords / 4);
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      if (offsets[i] != static_cast<std::int64_t>(i)) FAIL("out of order at " << i);
    }
  }
  CHECK(stream->figures().commits < kRecords / 10);
  CHECK(stream->figures().appended == kRecords);
}

TEST_CASE("a handler may send, and what it sends is delivered too") {
  const Folder folder;
  const auto stream = SqliteStream::open(options_for(folder)).value();
  make_topics(*stream, {spec("t")});
  std::atomic<int> delivered{0};
  Producer* self = nullptr;
  auto producer = stream
                      ->producer([&](std::span<const Delivery> batch) {
                        for (const auto& delivery : batch) {
                          ++delivered;
                          if (delivery.token < 10) {
                            CHECK(self->send(draft("t", "k", "v"), delivery.token + 1));
                          }
                        }
                      })
                      .value();
  self = producer.get();
  REQUIRE(producer->send(draft("t", "k", "v"), 1).has_value());
  CHECK(eventually([&] { return delivered == 10; }));
  producer.reset();
  CHECK(delivered == 10);
}

TEST_CASE("many threads send through many producers, and none is lost or doubled") {
  const Folder folder;
  const auto stream = SqliteStream::open(options_for(folder)).value();
  make_topics(*stream, {spec("t")});
  constexpr int kThreads = 4;
  constexpr int kEach = 2'000;
  std::vector<Journal> journals(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const auto producer = stream->producer(journals[t].handler()).value();
      for (int i = 0; i < kEach; ++i) {
        const std::string value = std::to_string(t) + ":" + std::to_string(i);
        while (!producer->send(draft("t", "k", value), i))
          std::this_thread::yield();
      }
      CHECK(producer->flush(kWaitLimit));
    });
  }
  for (auto& thread : threads)
    thread.join();
  std::vector<int> next(kThreads);
  const auto tail = reader(*stream, "t");
  for (std::size_t read = 0; read < kThreads * kEach;) {
    const auto batch = tail->poll(1'000, kWaitLimit).value();
    for (const auto& record : batch.records()) {
      const std::string value(*record.value);
      const int thread = std::stoi(value);
      REQUIRE(std::stoi(value.substr(value.find(':') + 1)) == next[thread]++);
      ++read;
    }
  }
  for (const auto& journal : journals) {
    CHECK(journal.count() == kEach);
    CHECK(journal.all(Outcome::acknowledged));
  }
}

TEST_CASE("waiting for ever is no overflow") {
  const Folder folder;
  const auto stream = SqliteStream::open(options_for(folder)).value();
  make_topics(*stream, {spec("t")});
  const auto producer = stream->producer({}).value();
  REQUIRE(producer->send(draft("t", "k", "v"), 1).has_value());
  CHECK(producer->flush(milliseconds::max()));
  CHECK(reader(*stream, "t")->poll(1, milliseconds::max()).value().records().size() == 1);
  producer->close(milliseconds::max());
  producer->close(milliseconds(-1));
}

TEST_CASE("options that make no sense are refused by name") {
  const Folder folder;
  auto options = options_for(folder);
  options.max_poll_bytes = 0;
  const auto opened = SqliteStream::open(options);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Errc::bad_config);
  CHECK(opened.error().detail.find("max_poll_bytes") != std::string::npos);
}

TEST_CASE("topic names and partition counts that no log could have are refused") {
  const Folder folder;
  const auto stream = SqliteStream::open(options_for(folder)).value();
  const auto admin = stream->admin(kWaitLimit).value();
  for (const std::string name : {"", ".", "a b", "x'; DROP TABLE stream_topics; --", "é"}) {
    CHECK(admin->ensure_topics(std::vector{spec(name)}).error().code == Errc::bad_config);
  }
  CHECK(admin->ensure_topics(std::vector{spec(std::string(250, 'a'))}).error().code ==
        Errc::bad_config);
  for (const int partitions : {0, -1, 1025}) {
    CHECK(admin->ensure_topics(std::vector{spec("t", partitions)}).error().code ==
          Errc::bad_config);
  }
  CHECK(admin->ensure_topics(std::vector{spec(std::string(249, 'a'))}).has_value());
}

}  // namespace
}  // namespace dropline::stream::testing
