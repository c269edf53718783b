#include <doctest/doctest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <set>

#include "broker.hpp"
#include "deliveries.hpp"
#include "dropline/stream/errors.hpp"

extern char** environ;

using namespace dropline;
using namespace dropline::stream;
using namespace dropline::stream::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* kMemberCase = "a member in a process of its own";

/// A membership and what it has been told, kept as its owner would.
class Share final {
 public:
  Share(Broker& broker, const std::string& group, const std::string& topic, const char* name)
      : membership(broker.stream().join(group, topic, name).value()) {}

  void poll(std::chrono::milliseconds wait = 20ms) {
    const auto change = membership->poll(wait).value();
    for (const auto partition : change.gained)
      CHECK(owned.insert(partition).second);
    for (const auto partition : change.revoked)
      CHECK(owned.erase(partition) == 1);
    for (const auto partition : change.lost)
      CHECK(owned.erase(partition) == 1);
    lost += change.lost.size();
  }

  std::unique_ptr<Membership> membership;
  std::set<std::int32_t> owned;
  std::size_t lost = 0;
};

std::set<std::int32_t> all(std::int32_t partitions) {
  std::set<std::int32_t> numbers;
  for (std::int32_t p = 0; p < partitions; ++p)
    numbers.insert(p);
  return numbers;
}

/// This test's executable again, as a member that polls until it is killed.
class Process final {
 public:
  Process(const std::string& group, const std::string& topic) {
    ::setenv("DROPLINE_TEST_MEMBER", (group + " " + topic).c_str(), 1);
    std::string filter = "--test-case=" + std::string(kMemberCase);
    std::string skipped = "--no-skip";
    std::string self = "/proc/self/exe";
    std::array<char*, 4> arguments{self.data(), filter.data(), skipped.data(), nullptr};
    REQUIRE(::posix_spawn(&pid_, self.c_str(), nullptr, nullptr, arguments.data(), environ) == 0);
    ::unsetenv("DROPLINE_TEST_MEMBER");
  }
  ~Process() { kill(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  void signal(int number) const { REQUIRE(::kill(pid_, number) == 0); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_ = -1;
};

}  // namespace

TEST_CASE(kMemberCase* doctest::skip()) {
  const char* names = std::getenv("DROPLINE_TEST_MEMBER");
  REQUIRE(names != nullptr);
  const std::string text = names;
  Broker broker;
  const auto member =
      broker.stream()
          .join(text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1), "process")
          .value();
  const Stopwatch watch;
  while (watch.elapsed() < 120s)
    static_cast<void>(member->poll(50ms));
}

TEST_CASE("a lone member gains every partition, and reads none of them") {
  Broker broker;
  const std::string topic = broker.topic();
  Share share(broker, unique_name("group"), topic, "one");
  CHECK(eventually(
      [&] {
        share.poll();
        return share.owned == all(16);
      },
      20s));
}

TEST_CASE("two members share the partitions, and one that leaves hands its own on at once") {
  Broker broker;
  const std::string topic = broker.topic();
  const std::string group = unique_name("group");
  Share one(broker, group, topic, "one");
  REQUIRE(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 16;
      },
      20s));
  Share two(broker, group, topic, "two");
  REQUIRE(eventually(
      [&] {
        one.poll();
        two.poll();
        return one.owned.size() == 8 && two.owned.size() == 8;
      },
      20s));
  std::set<std::int32_t> both = one.owned;
  both.insert(two.owned.begin(), two.owned.end());
  CHECK(both == all(16));
  const Stopwatch watch;
  two.membership->leave(5s);
  REQUIRE(eventually([&] {
    one.poll();
    return one.owned.size() == 16;
  }));
  CHECK(watch.elapsed() < 5s);  // sooner than a session runs out
  CHECK(one.lost + two.lost == 0);
}

TEST_CASE("a partition revoked is handed on only after the next poll") {
  Broker broker;
  const std::string topic = broker.topic();
  const std::string group = unique_name("group");
  Share one(broker, group, topic, "one");
  REQUIRE(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 16;
      },
      20s));
  Share two(broker, group, topic, "two");
  REQUIRE(eventually(
      [&] {
        one.poll();
        two.poll();
        return one.owned.empty();
      },
      20s));
  // What is under way is being finished: the other waits.
  for (int i = 0; i < 20; ++i) {
    two.poll(50ms);
    REQUIRE(two.owned.empty());
  }
  CHECK(eventually(
      [&] {
        one.poll();
        two.poll();
        return one.owned.size() == 8 && two.owned.size() == 8;
      },
      20s));
}

TEST_CASE("a member that dies loses its share when its session runs out") {
  Broker broker;
  const std::string topic = broker.topic();
  const std::string group = unique_name("group");
  Process process(group, topic);
  Share one(broker, group, topic, "one");
  REQUIRE(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 8;
      },
      30s));
  const Stopwatch watch;
  process.kill();
  REQUIRE(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 16;
      },
      20s));
  CHECK(watch.elapsed() < 12s);
}

TEST_CASE("a member stopped past its session is told that it lost its share, and joins again") {
  Broker broker;
  const std::string topic = broker.topic();
  const std::string group = unique_name("group");
  Process process(group, topic);
  Share one(broker, group, topic, "one");
  REQUIRE(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 8;
      },
      30s));
  process.signal(SIGSTOP);
  REQUIRE(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 16;
      },
      20s));
  process.signal(SIGCONT);
  CHECK(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 8;
      },
      20s));
}

TEST_CASE("a member that does not poll in time loses its share and says so") {
  KafkaOptions options;
  options.max_poll_interval = 6'000ms;
  Broker broker(options);
  const std::string topic = broker.topic();
  const std::string group = unique_name("group");
  Share one(broker, group, topic, "one");
  REQUIRE(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 16;
      },
      20s));
  Share two(broker, group, topic, "two");
  REQUIRE(eventually(
      [&] {
        two.poll();
        return two.owned.size() == 16;
      },
      30s));
  CHECK(eventually(
      [&] {
        one.poll();
        two.poll();
        return one.owned.size() == 8 && two.owned.size() == 8;
      },
      20s));
  CHECK(one.lost == 16);
}

TEST_CASE("what is reported is what lag tools see, and no share is lost by it") {
  Broker broker;
  const std::string topic = broker.topic();
  const std::string group = unique_name("group");
  Share one(broker, group, topic, "one");
  REQUIRE(eventually(
      [&] {
        one.poll();
        return one.owned.size() == 16;
      },
      20s));
  const std::vector<Position> positions{{{topic, 3}, 42}, {{topic, 99}, 1}};
  for (int i = 0; i < 10; ++i) {
    one.membership->report(positions);
    one.poll();
  }
  CHECK(one.owned.size() == 16);
}

TEST_CASE("an anchor topic that does not exist is an error") {
  Broker broker;
  const auto member =
      broker.stream().join(unique_name("group"), unique_name("missing"), "one").value();
  std::optional<Error> failure;
  CHECK(eventually([&] {
    const auto change = member->poll(100ms);
    if (!change) failure = change.error();
    return failure.has_value();
  }));
  REQUIRE(failure);
  CHECK(failure->code == Errc::unknown_topic);
}
