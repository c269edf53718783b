#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

TEST_CASE("an operator reads beside the writer, follows it, and changes nothing") {
  const Folder folder;
  const auto writer = SqliteStream::open(options_for(folder)).value();
  make_topics(*writer, {spec("t")});
  const auto producer = writer->producer({}).value();
  REQUIRE(producer->send(draft("t", "k", "before"), 1).has_value());
  REQUIRE(producer->flush(kWaitLimit));

  const auto stream = SqliteStream::open_read_only(options_for(folder)).value();
  const auto tail = reader(*stream, "t");
  CHECK(values(tail->poll(10, milliseconds(0)).value()) == std::vector<std::string>{"before"});
  REQUIRE(producer->send(draft("t", "k", "after"), 2).has_value());
  CHECK(values(tail->poll(10, kWaitLimit).value()) == std::vector<std::string>{"after"});

  make_topics(*writer, {spec("new")});
  CHECK(eventually([&] { return stream->topics().value().size() == 2; }));
  const auto admin = stream->admin(kWaitLimit).value();
  CHECK(admin->partitions(std::vector<std::string>{"new"}).value()[0] == 1);
  CHECK(admin->ensure_topics(std::vector{spec("mine")}).error().code == Errc::locked);
  CHECK(admin->truncate({"t", 0}, 1).error().code == Errc::locked);
  CHECK(stream->producer({}).error().code == Errc::locked);
}

TEST_CASE("an operator sees a topic's removal and a truncation of another process") {
  const Folder folder;
  const auto writer = SqliteStream::open(options_for(folder)).value();
  make_topics(*writer, {spec("t"), spec("u")});
  const auto producer = writer->producer({}).value();
  for (int i = 0; i < 10; ++i)
    REQUIRE(producer->send(draft("t", "k", "v"), i).has_value());
  REQUIRE(producer->flush(kWaitLimit));
  const auto stream = SqliteStream::open_read_only(options_for(folder)).value();
  const auto behind = reader(*stream, "t", 3);
  const auto doomed = reader(*stream, "u");
  const auto admin = writer->admin(kWaitLimit).value();
  REQUIRE(admin->truncate({"t", 0}, 5).has_value());
  REQUIRE(admin->remove_topics(std::vector<std::string>{"u"}).has_value());
  const auto lost = behind->poll(10, kWaitLimit).value();
  REQUIRE(lost.errors().size() == 1);
  CHECK(lost.errors()[0].error.code == Errc::position_lost);
  const auto gone = doomed->poll(10, kWaitLimit).value();
  REQUIRE(gone.errors().size() == 1);
  CHECK(gone.errors()[0].error.code == Errc::unknown_topic);
}

TEST_CASE("a log without a writer can be read, and one that is not there is named") {
  const Folder folder;
  const auto missing = SqliteStream::open_read_only(options_for(folder));
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().detail.find(folder.file().string()) != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.file()));
  {
    const auto writer = SqliteStream::open(options_for(folder)).value();
    make_topics(*writer, {spec("t")});
  }
  const auto stream = SqliteStream::open_read_only(options_for(folder)).value();
  CHECK(content(*stream, "t").empty());
  // It does not keep a writer out.
  CHECK(SqliteStream::open(options_for(folder)).has_value());
}

TEST_CASE("a database that holds no log is not taken for one") {
  const Folder folder;
  { Connection(folder.file()).run("CREATE TABLE other (n INTEGER)"); }
  const auto opened = SqliteStream::open_read_only(options_for(folder));
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().detail.find("holds no log") != std::string::npos);
}

TEST_CASE("wake ends a poll that waits, or the next one") {
  const Folder folder;
  const auto stream = SqliteStream::open(options_for(folder)).value();
  make_topics(*stream, {spec("t")});
  const auto tail = reader(*stream, "t");
  tail->wake();
  CHECK(tail->poll(10, kWaitLimit).value().empty());
  std::thread waking([&] { tail->wake(); });
  CHECK(tail->poll(10, kWaitLimit).value().empty());
  waking.join();
}

TEST_CASE("partitions take turns, so that a full one starves none") {
  const Folder folder;
  const auto stream = SqliteStream::open(options_for(folder)).value();
  make_topics(*stream, {spec("t", 3)});
  const auto producer = stream->producer({}).value();
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(producer->send(draft("t", "k", "v", 0), i));
  REQUIRE(producer->send(draft("t", "k", "v", 1), 0).has_value());
  REQUIRE(producer->send(draft("t", "k", "v", 2), 0).has_value());
  REQUIRE(producer->flush(kWaitLimit));
  const auto tail = stream->consumer().value();
  for (int p = 0; p < 3; ++p)
    seek(*tail, "t", Position::kStart, p);
  bool second = false;
  bool third = false;
  for (int poll = 0; poll < 3; ++poll) {
    const auto batch = tail->poll(10, milliseconds(0)).value();
    for (const auto& record : batch.records()) {
      second |= record.partition == 1;
      third |= record.partition == 2;
    }
  }
  CHECK(second);
  CHECK(third);
}

TEST_CASE("a poll gathers no more bytes than it may, and never less than a record") {
  const Folder folder;
  auto options = options_for(folder);
  options.max_poll_bytes = 1'000;
  const auto stream = SqliteStream::open(options).value();
  make_topics(*stream, {spec("t")});
  const auto producer = stream->producer({}).value();
  for (const std::size_t size : {400U, 400U, 400U, 5'000U, 400U}) {
    REQUIRE(producer->send(draft("t", "k", std::string(size, 'v')), 0).has_value());
  }
  REQUIRE(producer->flush(kWaitLimit));
  const auto tail = reader(*stream, "t");
  CHECK(offsets(tail->poll(10, milliseconds(0)).value()) == std::vector<std::int64_t>{0, 1, 2});
  CHECK(offsets(tail->poll(10, milliseconds(0)).value()) == std::vector<std::int64_t>{3});
  CHECK(offsets(tail->poll(10, milliseconds(0)).value()) == std::vector<std::int64_t>{4});
}

}  // namespace
}  // namespace dropline::stream::testing
