#include <thread>

#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

/// Lets the file grow by `pages` more, or as far as it will.
void allow(const Connection& connection, std::int64_t pages) {
  const auto used = connection.integer("PRAGMA page_count");
  connection.run("PRAGMA max_page_count = " + std::to_string(used + pages));
}

TEST_CASE("a full disk loses nothing, pushes back, and goes on by itself when there is space") {
  const Folder folder;
  auto options = options_for(folder);
  options.max_in_flight_records = 2'000;
  Attached attached(options);
  attached.make({spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  allow(attached.connection, 20);
  std::uint64_t sent = 0;
  const std::string padding(400, 'p');
  const auto fill = [&] {
    while (producer->send(draft("t", "k", std::to_string(sent) + padding), sent))
      ++sent;
  };
  const auto round = [&]() -> Status {
    attached.begin();
    if (const auto taken = attached.engine().take_sends(100); !taken) {
      attached.connection.attempt("ROLLBACK");  // SQLite may have done it already
      attached.engine().rolled_back();
      return taken.error();
    }
    attached.commit();
    return {};
  };
  fill();
  Status status;
  while ((status = round()).has_value())
    fill();
  CHECK(status.error().code == Errc::disk_full);
  CHECK(status.error().transient());
  CHECK(status.error().detail.find(folder.file().string()) != std::string::npos);
  fill();
  CHECK(producer->send(draft("t", "k", "v"), sent).error().code == Errc::queue_full);
  const auto before = journal.count();
  CHECK_FALSE(round().has_value());
  CHECK(journal.count() == before);
  // What was written before can be read meanwhile.
  CHECK(content(*attached.stream, "t").size() == before);

  allow(attached.connection, 100'000);
  while (attached.stream->figures().in_flight_records > 0)
    REQUIRE(round().has_value());
  CHECK(journal.count() == sent);
  CHECK(journal.all(Outcome::acknowledged));
  const auto read = content(*attached.stream, "t");
  REQUIRE(read.size() == sent);
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (read[i] != std::to_string(i) + padding) FAIL("record " << i << " is another");
  }
}

TEST_CASE("while writing fails again and again, senders hear so at once instead of waiting") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  const auto fail_round = [&] {
    attached.begin();
    REQUIRE(attached.engine().take_sends(100).has_value());
    attached.connection.run("ROLLBACK");
    attached.engine().rolled_back();
  };
  std::uint64_t sent = 0;
  Status status;
  for (int rounds = 0; rounds < 20 && status; ++rounds) {
    status = producer->send(draft("t", "k", "v"), sent);
    sent += status ? 1 : 0;
    fail_round();
  }
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == Errc::timed_out);
  CHECK(status.error().transient());
  CHECK(sent > 1);  // one failure is no reason to turn anybody away
  CHECK(journal.count() == 0);

  attached.begin();
  REQUIRE(attached.engine().take_sends(100).has_value());
  attached.commit();
  CHECK(journal.count() == sent);
  CHECK(producer->send(draft("t", "k", "v"), sent).has_value());
}

TEST_CASE("with nothing waiting one record is taken, to try whether writing works again") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  for (int i = 0; i < 20; ++i) {
    attached.begin();
    attached.connection.run("ROLLBACK");
    attached.engine().rolled_back();
  }
  Journal journal;
  const auto producer = attached.stream->producer(journal.handler()).value();
  CHECK(producer->send(draft("t", "k", "v"), 1).has_value());
  CHECK_FALSE(producer->send(draft("t", "k", "v"), 2).has_value());
}

TEST_CASE("an appender on a full disk says so, and the round can be undone and tried again") {
  const Folder folder;
  Attached attached(options_for(folder));
  attached.make({spec("t")});
  attached.begin();
  REQUIRE(attached.append(draft("t", "k", "first")).has_value());
  attached.commit();
  allow(attached.connection, 2);
  attached.begin();
  const std::string large(100'000, 'x');
  Status status;
  while ((status = attached.append(draft("t", "k", large))).has_value()) {
  }
  CHECK(status.error().code == Errc::disk_full);
  attached.connection.attempt("ROLLBACK");
  attached.engine().rolled_back();
  allow(attached.connection, 1000);
  attached.begin();
  std::vector<Place> placed;
  REQUIRE(attached.append(draft("t", "k", "second"), &placed).has_value());
  CHECK(placed[0].offset == 1);
  attached.commit();
  CHECK(content(*attached.stream, "t") == std::vector<std::string>{"first", "second"});
}

}  // namespace
}  // namespace dropline::stream::testing
