#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <filesystem>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "dropline/telemetry/log.hpp"

namespace log = dropline::log;
using namespace std::chrono_literals;

namespace {

const log::Logger kLog("session");

/// A file that vanishes, for a session to write to.
class Scratch final {
 public:
  Scratch() {
    std::string path = (std::filesystem::temp_directory_path() / "dropline-log-XXXXXX").string();
    fd_ = mkostemp(path.data(), O_APPEND | O_CLOEXEC);
    REQUIRE(fd_ >= 0);
    unlink(path.c_str());
  }
  ~Scratch() { close(fd_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::string text() const {
    std::string all(static_cast<std::size_t>(lseek(fd_, 0, SEEK_END)), '\0');
    REQUIRE(pread(fd_, all.data(), all.size(), 0) == static_cast<ssize_t>(all.size()));
    return all;
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> found;
    const std::string all = text();
    for (std::size_t at = 0; at < all.size();) {
      const auto end = all.find('\n', at);
      found.push_back(all.substr(at, end - at));
      at = end + 1;
    }
    return found;
  }

 private:
  int fd_ = -1;
};

std::size_t count_of(const std::vector<std::string>& lines, std::string_view part) {
  std::size_t count = 0;
  for (const auto& line : lines)
    count += line.find(part) != std::string::npos ? 1 : 0;
  return count;
}

template <class Holds>
bool wait_for(Holds holds, std::chrono::milliseconds limit = 5000ms) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

TEST_CASE("lines of many threads arrive whole, each thread's in its order") {
  const Scratch file;
  constexpr int kThreads = 4;
  constexpr int kLines = 1500;
  {
    const log::Session session({.fd = file.fd(), .queue_lines = 100'000, .repeat_burst = 0});
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < kLines; ++i)
          kLog.info("line", {{"thread", t}, {"number", i}});
      });
    }
  }
  const auto lines = file.lines();
  REQUIRE(lines.size() == kThreads * kLines);
  std::array<int, kThreads> next{};
  for (const auto& line : lines) {
    REQUIRE(line.front() == '{');
    REQUIRE(line.back() == '}');
    const auto at = line.find("\"thread\":");
    const auto thread = static_cast<std::size_t>(std::stoi(line.substr(at + 9)));
    const int number = std::stoi(line.substr(line.find("\"number\":") + 9));
    REQUIRE(number == next[thread]++);
  }
}

TEST_CASE("flush waits until the lines before it are written") {
  const Scratch file;
  const log::Session session({.fd = file.fd(), .repeat_burst = 0});
  for (int i = 0; i < 100; ++i)
    kLog.warn("flushed");
  REQUIRE(log::flush(5s));
  CHECK(file.lines().size() == 100);
}

TEST_CASE("a reader that stalls costs the oldest lines, never the caller's time, and is told") {
  std::array<int, 2> pipe_ends{};
  REQUIRE(pipe2(pipe_ends.data(), O_CLOEXEC) == 0);
  const auto before = log::counts();
  std::string seen;
  {
    const log::Session session({.fd = pipe_ends[1], .queue_lines = 50, .repeat_burst = 0});
    const std::string filler(1000, 'x');
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 3000; ++i)
      kLog.info("flood", {{"number", i}, {"filler", filler}});
    CHECK(std::chrono::steady_clock::now() - start < 5s);
    CHECK_FALSE(log::flush(20ms));
    CHECK(log::counts().dropped - before.dropped > 2000);
    std::jthread reader([&] {
      std::array<char, 65536> buffer{};
      while (seen.find("\"number\":2999") == std::string::npos) {
        const ssize_t got = read(pipe_ends[0], buffer.data(), buffer.size());
        if (got <= 0) return;
        seen.append(buffer.data(), static_cast<std::size_t>(got));
      }
    });
    CHECK(log::flush(5s));
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  CHECK(seen.find("\"number\":2999") != std::string::npos);
  CHECK(seen.find("log lines dropped, the reader is too slow") != std::string::npos);
  const auto after = log::counts();
  CHECK(after.written - before.written + after.dropped - before.dropped == 3000);
}

TEST_CASE("memory of the queue is bounded by bytes as well as by lines") {
  std::array<int, 2> pipe_ends{};
  REQUIRE(pipe2(pipe_ends.data(), O_CLOEXEC) == 0);
  const auto before = log::counts();
  {
    const log::Session session({.fd = pipe_ends[1], .queue_bytes = 20'000, .repeat_burst = 0});
    const std::string filler(4000, 'x');
    for (int i = 0; i < 200; ++i)
      kLog.info("fat", {{"filler", filler}});
    CHECK(log::counts().dropped - before.dropped > 100);
    close(pipe_ends[0]);  // the reader goes away: no signal, no hang
  }
  close(pipe_ends[1]);
  CHECK(log::counts().dropped - before.dropped + log::counts().written - before.written == 200);
}

TEST_CASE("a session ends in bounded time although nobody reads") {
  std::array<int, 2> pipe_ends{};
  REQUIRE(pipe2(pipe_ends.data(), O_CLOEXEC) == 0);
  const auto start = std::chrono::steady_clock::now();
  {
    const log::Session session({.fd = pipe_ends[1], .repeat_burst = 0});
    const std::string filler(4000, 'x');
    for (int i = 0; i < 100; ++i)
      kLog.info("unread", {{"filler", filler}});
  }
  CHECK(std::chrono::steady_clock::now() - start < log::Session::kDrainLimit + 2s);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST_CASE("a message repeated beyond its burst is counted, and the count is written") {
  const Scratch file;
  const auto before = log::counts();
  {
    const log::Session session({.fd = file.fd(), .repeat_burst = 5, .repeat_window = 60'000ms});
    for (int i = 0; i < 128; ++i)
      kLog.warn("broker unreachable", {{"attempt", i}});
    kLog.warn("something else", {{"a", 1}});
    kLog.error("broker unreachable", {{"attempt", -1}});
    REQUIRE(log::flush(5s));
    CHECK(count_of(file.lines(), "\"broker unreachable\"") == 6);
  }
  const auto lines = file.lines();
  CHECK(count_of(lines, "\"something else\"") == 1);
  REQUIRE(count_of(lines, "\"repeated\":123") == 1);
  CHECK(count_of(lines, R"("msg":"broker unreachable","repeated":123,"attempt":127})") == 1);
  CHECK(log::counts().suppressed - before.suppressed == 123);
}

TEST_CASE("a window of repeats closes by itself when its time has come") {
  const Scratch file;
  const log::Session session({.format = log::Format::human,
                              .colour = false,
                              .fd = file.fd(),
                              .repeat_burst = 1,
                              .repeat_window = 50ms});
  for (int i = 0; i < 4; ++i)
    kLog.warn("again");
  REQUIRE(
      wait_for([&] { return file.text().find("again … repeated 3 times") != std::string::npos; }));
  kLog.warn("again");
  REQUIRE(log::flush(5s));
  CHECK(count_of(file.lines(), "again") == 3);
}

TEST_CASE("detail asked for by level is never limited") {
  const Scratch file;
  {
    const log::Session session({.level = log::Level::debug, .fd = file.fd(), .repeat_burst = 1});
    for (int i = 0; i < 10; ++i)
      kLog.debug("detail");
  }
  CHECK(count_of(file.lines(), "detail") == 10);
}

TEST_CASE("more kinds of messages than are told apart are written, not lost") {
  const Scratch file;
  {
    const log::Session session({.fd = file.fd(), .repeat_burst = 1});
    for (int i = 0; i < 600; ++i)
      kLog.info("kind " + std::to_string(i));
  }
  CHECK(file.lines().size() == 600);
}

TEST_CASE("lines written after a session ended are written all the same") {
  const Scratch file;
  { const log::Session session({.format = log::Format::json, .fd = file.fd()}); }
  const int saved = dup(STDERR_FILENO);
  dup2(file.fd(), STDERR_FILENO);
  kLog.error("afterwards");
  dup2(saved, STDERR_FILENO);
  close(saved);
  CHECK(count_of(file.lines(), "afterwards") == 1);
}

TEST_CASE("a forked child logs its own lines once and none of its parent's") {
  const Scratch file;
  {
    const log::Session session({.format = log::Format::json, .fd = file.fd(), .repeat_burst = 0});
    for (int i = 0; i < 200; ++i)
      kLog.info("from the parent");
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      kLog.info("from the child");
      _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(count_of(file.lines(), "from the parent") == 200);
  CHECK(count_of(file.lines(), "from the child") == 1);
}

TEST_CASE("exit() without an end of the session writes what is queued") {
  const Scratch file;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alignas(log::Session) static std::byte endless[sizeof(log::Session)];
    new (endless) log::Session({.fd = file.fd(), .repeat_burst = 2});  // never destroyed
    for (int i = 0; i < 500; ++i)
      kLog.info("last words", {{"number", i}});
    std::exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(count_of(file.lines(), "last words") == 3);
  CHECK(count_of(file.lines(), "\"repeated\":498") == 1);
}

TEST_CASE("levels change while other threads log") {
  const Scratch file;
  const log::Session session({.fd = file.fd(), .queue_lines = 100, .repeat_burst = 0});
  std::atomic<bool> stop{false};
  std::jthread writer([&] {
    while (!stop)
      kLog.debug("racing");
  });
  for (int i = 0; i < 200; ++i) {
    log::set_level("session", i % 2 == 0 ? log::Level::debug : log::Level::info);
    (void)log::counts();
  }
  stop = true;
  log::set_level("session", log::Level::info);
}
