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
