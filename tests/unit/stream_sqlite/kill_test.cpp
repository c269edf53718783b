#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dropline/base/random.hpp"
#include "scene.hpp"

namespace dropline::stream::testing {
namespace {

/// Writes numbered records for ever and tells `pipe` of each that was acknowledged.
[[noreturn]] void write_for_ever(const SqliteOptions& options, int pipe) {
  const auto stream = SqliteStream::open(options).value();
  const auto admin = stream->admin(kWaitLimit).value();
  if (!admin->ensure_topics(std::vector{spec("t", 1, Cleanup::retain)})) ::_exit(2);
  const auto producer = stream
                            ->producer([&](std::span<const Delivery> batch) {
                              for (const auto& delivery : batch) {
                                const std::int64_t offset = *delivery.offset;
                                if (::write(pipe, &offset, sizeof offset) < 0) ::_exit(3);
                              }
                            })
                            .value();
  std::int64_t next = 0;
  {
    const TopicPartition at{"t", 0};
    next = stream->consumer().value()->extents({&at, 1}, kWaitLimit).value().front().end;
  }
  while (true) {
    if (producer->send(draft("t", "k", std::to_string(next)), 0)) ++next;
  }
}

TEST_CASE("what was acknowledged is there after kill -9, whole and in order, again and again") {
  const Folder folder;
  auto options = options_for(folder);
  options.max_in_flight_records = 300;
  options.checkpoint_bytes = 100'000;  // so that some are killed while they copy
  options.max_wal_bytes = 400'000;
  SeededRandom random(static_cast<std::uint64_t>(20261121));
  std::int64_t acknowledged = -1;
  for (int round = 0; round < 12; ++round) {
    CAPTURE(round);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      write_for_ever(options, ends[1]);
    }
    ::close(ends[1]);
    const auto enough = acknowledged + 1 + static_cast<std::int64_t>(random.below(3'000));
    std::int64_t offset = -1;
    while (acknowledged < enough && ::read(ends[0], &offset, sizeof offset) == sizeof offset) {
      acknowledged = std::max(acknowledged, offset);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(ends[0], &offset, sizeof offset) == sizeof offset) {
      acknowledged = std::max(acknowledged, offset);
    }
    ::close(ends[0]);

    const auto stream = SqliteStream::open(options);
    REQUIRE_MESSAGE(stream.has_value(), stream.error().text());
    const auto read = content(**stream, "t");
    REQUIRE(static_cast<std::int64_t>(read.size()) > acknowledged);
    for (std::size_t i = 0; i < read.size(); ++i) {
      if (read[i] != std::to_string(i)) FAIL("record " << i << " reads " << read[i]);
    }
  }
}

}  // namespace
}  // namespace dropline::stream::testing
