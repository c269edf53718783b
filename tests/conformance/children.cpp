#include "children.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <sstream>

extern char** environ;

namespace dropline::stream::conformance {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kWriter = "--child-writer";
constexpr std::string_view kMember = "--child-member";

// A child whose parent has gone finds its pipe closed and must not live on.
void say(const std::string& line) {
  const std::string text = line + '\n';
  if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    ::_exit(1);
}

int write_for_ever(const std::string& address, const std::string& topic) {
  const auto place = subject().at(address);
  const auto stream = place->open({.max_in_flight_records = 500}).value();
  std::mutex mutex;
  std::condition_variable moved;
  const auto producer = stream
                            ->producer([&](std::span<const Delivery> batch) {
                              std::string lines;
                              for (const Delivery& delivery : batch) {
                                if (delivery.outcome != Outcome::acknowledged) continue;
                                if (!lines.empty()) lines += '\n';
                                lines += std::to_string(delivery.partition) + ' ' +
                                         std::to_string(delivery.offset.value_or(-1)) + ' ' +
                                         std::to_string(delivery.token);
                              }
                              if (!lines.empty()) say(lines);
                              moved.notify_all();
                            })
                            .value();
  for (std::uint64_t number = 0;; ++number) {
    const std::string value = std::to_string(number);
    for (;;) {
      const auto sent = producer->send({.topic = topic, .key = value, .value = value}, number);
      if (sent) break;
      if (!sent.error().transient()) throw ErrorException(sent.error());
      std::unique_lock lock(mutex);
      moved.wait_for(lock, milliseconds(5));
    }
  }
}

int be_member(const std::string& address, const std::string& group, const std::string& topic,
              const std::string& name) {
  const auto place = subject().at(address);
  const auto stream = place->open({}).value();
  const auto member = stream->join(group, topic, name).value();
  const auto tell = [](std::string line, const std::vector<std::int32_t>& partitions) {
    if (partitions.empty()) return;
    for (const auto partition : partitions)
      line += ' ' + std::to_string(partition);
    say(line);
  };
  for (;;) {
    const auto change = member->poll(milliseconds(100)).value();
    tell("lost", change.lost);
    tell("revoked", change.revoked);
    tell("gained", change.gained);
    say("alive");
  }
}

/// Another process of this executable and the pipe it speaks through; killed when destroyed.
class Child final {
 public:
  explicit Child(std::vector<std::string> arguments) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    out_ = ends[0];
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    arguments.insert(arguments.begin(), "/proc/self/exe");
    std::vector<char*> argv;
    for (std::string& argument : arguments)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int failed = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    REQUIRE(failed == 0);
  }
  ~Child() {
    kill();
    ::close(out_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void signal(int number) { ::kill(pid_, number); }
  void kill() {
    if (pid_ <= 0) return;
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  /// Whole lines that have come, after waiting up to `wait` for something; `over` at the end.
  std::vector<std::string> lines(milliseconds wait) {
    std::vector<std::string> lines;
    pollfd descriptor{out_, POLLIN, 0};
    if (::poll(&descriptor, 1, static_cast<int>(wait.count())) <= 0) return lines;
    char buffer[1 << 16];
    const ssize_t count = ::read(out_, buffer, sizeof buffer);
    if (count <= 0) {
      over = true;
      return lines;
    }
    rest_.append(buffer, static_cast<std::size_t>(count));
    for (std::size_t end; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1))
      lines.push_back(rest_.substr(0, end));
    return lines;
  }

  bool over = false;

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string rest_;
};

class MemberProcess final : public Companion {
 public:
  explicit MemberProcess(std::vector<std::string> arguments) : child_(std::move(arguments)) {}

  void step() override {
    for (const std::string& line : child_.lines(milliseconds(1))) {
      std::istringstream words(line);
      std::string what;
      words >> what;
      for (std::int32_t partition; words >> partition;)
        what == "gained" ? void(owned.insert(partition)) : void(owned.erase(partition));
      lost |= what == "lost";
    }
    CHECK_MESSAGE(!child_.over, "the other member's process ended");
  }
  void fall_silent() override { child_.signal(SIGSTOP); }
  void come_back() override { child_.signal(SIGCONT); }

 private:
  Child child_;
};

}  // namespace

std::optional<int> run_as_child(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 3 && arguments[0] == kWriter)
      return write_for_ever(arguments[1], arguments[2]);
    if (arguments.size() == 5 && arguments[0] == kMember)
      return be_member(arguments[1], arguments[2], arguments[3], arguments[4]);
  } catch (const std::exception& error) {
    std::cerr << "child: " << error.what() << '\n';
    return 1;
  }
  return std::nullopt;
}

std::vector<Acknowledged> kill_a_writer(const std::string& address, const std::string& topic,
                                        std::size_t at_least) {
  std::vector<Acknowledged> told;
  Child child({std::string(kWriter), address, topic});
  const auto hear = [&](milliseconds wait) {
    for (const std::string& line : child.lines(wait)) {
      Acknowledged one;
      std::istringstream(line) >> one.partition >> one.offset >> one.value;
      told.push_back(std::move(one));
    }
  };
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (told.size() < at_least && !child.over && std::chrono::steady_clock::now() < limit)
    hear(milliseconds(100));
  child.kill();
  while (!child.over)
    hear(milliseconds(1000));
  CHECK(told.size() >= at_least);
  return told;
}

std::unique_ptr<Companion> spawn_member(const std::string& address, const std::string& group,
                                        const std::string& topic, const std::string& name) {
  return std::make_unique<MemberProcess>(
      std::vector<std::string>{std::string(kMember), address, group, topic, name});
}

}  // namespace dropline::stream::conformance
