#include <fstream>

#include "dropline/base/random.hpp"
#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

constexpr int kRecords = 2'000;

/// A closed log of one topic.
void write_log(const Folder& folder) {
  const auto stream = SqliteStream::open(options_for(folder)).value();
  make_topics(*stream, {spec("t")});
  const auto producer = stream->producer({}).value();
  for (int i = 0; i < kRecords; ++i) {
    REQUIRE(producer->send(draft("t", "key", "value-" + std::to_string(i) + "-padding"), i));
  }
  REQUIRE(producer->flush(kWaitLimit));
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void check_corrupt(const Error& error, const Folder& folder) {
  CHECK(error.code == Errc::corrupt);
  CHECK(error.severity() == Severity::fatal);
  CHECK(error.detail.find(folder.file().string()) != std::string::npos);
}

/// The error that opening, or else reading everything, meets.
std::optional<Error> first_error(const Folder& folder, std::vector<std::string>& read) {
  const auto stream = SqliteStream::open(options_for(folder));
  if (!stream) return stream.error();
  const auto consumer = (*stream)->consumer();
  if (!consumer) return consumer.error();
  const Position start{{"t", 0}, Position::kStart};
  if (const auto assigned = (*consumer)->assign({&start, 1}); !assigned) return assigned.error();
  while (true) {
    const auto batch = (*consumer)->poll(100, milliseconds(0));
    if (!batch) return batch.error();
    for (const auto& each : values(*batch))
      read.push_back(each);
    if (!batch->errors().empty()) return batch->errors()[0].error;
    if (batch->records().empty()) return std::nullopt;
  }
}

TEST_CASE("a file of garbage is corrupt, and is not touched") {
  const Folder folder;
  const std::string garbage(10'000, 'g');
  std::ofstream(folder.file(), std::ios::binary) << garbage;
  const auto opened = SqliteStream::open(options_for(folder));
  REQUIRE_FALSE(opened.has_value());
  check_corrupt(opened.error(), folder);
  CHECK(opened.error().detail.find("backup") != std::string::npos);
  CHECK(read_file(folder.file()) == garbage);
  CHECK(SqliteStream::open_read_only(options_for(folder)).error().code == Errc::corrupt);
}

TEST_CASE("a truncated file is corrupt, wherever it was cut") {
  const Folder folder;
  write_log(folder);
  const std::string whole = read_file(folder.file());
  for (const std::size_t size :
       {std::size_t{50}, std::size_t{100}, std::size_t{1000}, std::size_t{4096}, std::size_t{5000},
        whole.size() / 2, whole.size() - 4096, whole.size() - 1}) {
    CAPTURE(size);
    std::ofstream(folder.file(), std::ios::binary) << whole.substr(0, size);
    std::vector<std::string> read;
    const auto error = first_error(folder, read);
    REQUIRE(error.has_value());
    check_corrupt(*error, folder);
  }
}

TEST_CASE("a flipped byte anywhere never shows as another record") {
  const Folder folder;
  write_log(folder);
  const std::string whole = read_file(folder.file());
  SeededRandom random(1);
  int noticed = 0;
  for (int round = 0; round < 300; ++round) {
    const auto at = static_cast<std::size_t>(random.below(whole.size()));
    CAPTURE(at);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    std::ofstream(folder.file(), std::ios::binary) << damaged;
    std::vector<std::string> read;
    const auto error = first_error(folder, read);
    noticed += error ? 1 : 0;
    for (std::size_t i = 0; i < read.size(); ++i) {
      const std::string expected = "value-" + std::to_string(i) + "-padding";
      if (read[i] != expected) FAIL("record " << i << " reads '" << read[i] << "'");
    }
  }
  CHECK(noticed > 150);  // the rest fell on bytes that nothing uses
}

TEST_CASE("a damaged record silences its partition after the whole ones before it") {
  const Folder folder;
  write_log(folder);
  {
    const Connection connection(folder.file());
    connection.run("UPDATE stream_log_1 SET value = 'forged' WHERE \"offset\" = 700");
  }
  std::vector<std::string> read;
  const auto error = first_error(folder, read);
  REQUIRE(error.has_value());
  check_corrupt(*error, folder);
  CHECK(error->detail.find("700") != std::string::npos);
  CHECK(read.size() == 700);
  // Beyond it the log is readable.
  const auto stream = SqliteStream::open(options_for(folder)).value();
  CHECK(reader(*stream, "t", 701)->poll(10'000, milliseconds(0)).value().records().size() ==
        kRecords - 701);
}

TEST_CASE("a file of a later format is refused and left alone") {
  const Folder folder;
  write_log(folder);
  {
    const Connection connection(folder.file());
    connection.run("UPDATE stream_meta SET value = 2 WHERE name = 'format'");
  }
  for (const bool read_only : {false, true}) {
    const auto opened = read_only ? SqliteStream::open_read_only(options_for(folder))
                                  : SqliteStream::open(options_for(folder));
    REQUIRE_FALSE(opened.has_value());
    check_corrupt(opened.error(), folder);
    CHECK(opened.error().detail.find("format 2") != std::string::npos);
  }
}

TEST_CASE("the writer that meets damage stops, reports what it cannot write, and says so") {
  const Folder folder;
  write_log(folder);
  const auto stream = SqliteStream::open(options_for(folder)).value();
  Journal journal;
  const auto producer = stream->producer(journal.handler()).value();
  {
    // Another program takes the table away.
    const Connection connection(folder.file());
    connection.run("DROP TABLE stream_log_1");
  }
  REQUIRE(producer->send(draft("t", "k", "v"), 1).has_value());
  REQUIRE(eventually([&] { return journal.count() == 1; }));
  CHECK(journal.of(1)->outcome == Outcome::failed);
  REQUIRE(producer->fatal_error().has_value());
  CHECK_FALSE(stream->figures().trouble.empty());
  CHECK_FALSE(producer->send(draft("t", "k", "v"), 2).has_value());
}

TEST_CASE("an end of the log cut off by hand shows as a position beyond it") {
  const Folder folder;
  write_log(folder);
  {
    const Connection connection(folder.file());
    connection.run("DELETE FROM stream_log_1 WHERE \"offset\" >= 1000");
  }
  const auto stream = SqliteStream::open(options_for(folder)).value();
  const auto told = reader(*stream, "t", 1500)->poll(10, milliseconds(0)).value();
  REQUIRE(told.errors().size() == 1);
  CHECK(told.errors()[0].error.code == Errc::position_lost);
}

}  // namespace
}  // namespace dropline::stream::testing
