#include "dropline/stream/group_coordinator.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <thread>

#include "dropline/stream/errors.hpp"

using namespace dropline;
using namespace dropline::stream;
using namespace std::chrono_literals;

namespace {

using Numbers = std::vector<std::int32_t>;

/// A member with what it believes to own.
class Reader final {
 public:
  Reader(GroupCoordinator& groups, const std::string& name, std::int32_t partitions = 8)
      : share_(groups.join("g", "anchor", partitions, name).value()) {}

  MembershipChange poll() {
    auto change = share_->poll(0ms).value();
    for (const auto p : change.gained)
      CHECK(owned.insert(p).second);
    for (const auto p : change.revoked)
      CHECK(owned.erase(p) == 1);
    for (const auto p : change.lost)
      CHECK(owned.erase(p) == 1);
    return change;
  }
  Membership& share() { return *share_; }
  void drop() { share_.reset(); }

  std::set<std::int32_t> owned;

 private:
  std::unique_ptr<Membership> share_;
};

struct Scene {
  ManualClock clock;
  GroupCoordinator groups{clock, {.session_timeout = 6s, .blocking = false}};
};

}  // namespace

TEST_CASE("a lone member gains every partition, once") {
  Scene scene;
  Reader a(scene.groups, "a");
  CHECK(a.poll().gained == Numbers{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(a.poll().empty());
}

TEST_CASE("partitions are divided into ranges by member name, the first ones larger") {
  Scene scene;
  Reader c(scene.groups, "c");
  Reader a(scene.groups, "a");
  Reader b(scene.groups, "b");
  CHECK(a.poll().gained == Numbers{0, 1, 2});
  CHECK(b.poll().gained == Numbers{3, 4, 5});
  CHECK(c.poll().gained == Numbers{6, 7});
  const auto members = scene.groups.members("g");
  REQUIRE(members.size() == 3);
  CHECK(members[2].name == "c");
  CHECK(members[2].partitions == Numbers{6, 7});
}

TEST_CASE("more members than partitions leaves some with none, and they take over") {
  Scene scene;
  Reader a(scene.groups, "a", 2);
  Reader b(scene.groups, "b", 2);
  Reader c(scene.groups, "c", 2);
  a.poll();
  b.poll();
  CHECK(c.poll().empty());
  a.drop();
  b.poll();
  b.poll();
  c.poll();
  CHECK(b.owned == std::set<std::int32_t>{0});
  CHECK(c.owned == std::set<std::int32_t>{1});
}

TEST_CASE("a revoked partition is handed on only after its owner polled again") {
  Scene scene;
  Reader a(scene.groups, "a");
  a.poll();
  Reader b(scene.groups, "b");
  CHECK(b.poll().empty());
  CHECK(a.poll().revoked == Numbers{4, 5, 6, 7});
  CHECK(b.poll().empty());
  CHECK(a.poll().empty());
  CHECK(b.poll().gained == Numbers{4, 5, 6, 7});
}

TEST_CASE("a partition that comes back before it was handed on is gained anew") {
  Scene scene;
  Reader a(scene.groups, "a");
  a.poll();
  Reader b(scene.groups, "b");
  CHECK(a.poll().revoked == Numbers{4, 5, 6, 7});
  b.drop();
  CHECK(a.poll().gained == Numbers{4, 5, 6, 7});
}

TEST_CASE("a member that leaves is replaced at once and answers closed") {
  Scene scene;
  Reader a(scene.groups, "a");
  Reader b(scene.groups, "b");
  a.poll();
  b.poll();
  b.share().leave(0ms);
  CHECK(a.poll().gained == Numbers{4, 5, 6, 7});
  CHECK(b.share().poll(0ms).error().code == Errc::closed);
  b.share().leave(0ms);
}

TEST_CASE("a silent member is expelled when its session ends, told, and joins anew") {
  Scene scene;
  Reader a(scene.groups, "a");
  Reader b(scene.groups, "b");
  a.poll();
  b.poll();
  scene.clock.advance(5999ms);
  CHECK(b.poll().empty());
  scene.clock.advance(1ms);
  CHECK(b.poll().gained == Numbers{0, 1, 2, 3});
  CHECK(a.owned.size() == 4);  // two owners for a moment: a cannot know yet
  CHECK(a.poll().lost == Numbers{0, 1, 2, 3});
  CHECK(b.poll().revoked == Numbers{0, 1, 2, 3});
  b.poll();
  CHECK(a.poll().gained == Numbers{0, 1, 2, 3});
}

TEST_CASE("a revoked partition whose owner dies is handed on when its session ends") {
  Scene scene;
  Reader a(scene.groups, "a");
  a.poll();
  Reader b(scene.groups, "b");
  CHECK(a.poll().revoked.size() == 4);
  scene.clock.advance(6s);
  CHECK(b.poll().gained.size() == 8);
  CHECK(a.poll().lost == Numbers{0, 1, 2, 3});  // those revoked were no longer believed owned
}

TEST_CASE("a lone member may pause for as long as it likes") {
  Scene scene;
  Reader a(scene.groups, "a");
  a.poll();
  scene.clock.advance(1h);
  CHECK(a.poll().empty());
  CHECK(a.owned.size() == 8);
}

TEST_CASE("an expelled member loses its share before others know, and finds out at its poll") {
  Scene scene;
  Reader a(scene.groups, "a");
  a.poll();
  scene.groups.expel("g", "a");
  scene.groups.expel("g", "nobody");
  scene.groups.expel("no group", "a");
  CHECK(scene.groups.members("g").empty());
  CHECK(a.poll().lost.size() == 8);
  CHECK(a.poll().gained.size() == 8);
}

TEST_CASE("a group has one anchor, known to all with one count") {
  Scene scene;
  Reader a(scene.groups, "a");
  CHECK(scene.groups.join("g", "other", 8, "b").error().code == Errc::bad_config);
  const auto refused = scene.groups.join("g", "anchor", 9, "b");
  CHECK(refused.error().code == Errc::wrong_partition_count);
  CHECK(refused.error().detail.find('8') != std::string::npos);
  CHECK(refused.error().detail.find('9') != std::string::npos);
  CHECK(scene.groups.join("other group", "other", 9, "b").has_value());
  a.drop();
  CHECK(scene.groups.join("g", "other", 8, "b").has_value());
}

TEST_CASE("reported positions stay when members go; those of an expelled member do not count") {
  Scene scene;
  Reader a(scene.groups, "a");
  a.poll();
  const Position first{{"t", 1}, 5};
  const Position second{{"t", 1}, 9};
  a.share().report({&first, 1});
  a.share().report({&second, 1});
  scene.groups.expel("g", "a");
  const Position stale{{"t", 1}, 11};
  a.share().report({&stale, 1});
  a.drop();
  REQUIRE(scene.groups.reported("g").size() == 1);
  CHECK(scene.groups.reported("g")[0].offset == 9);
  CHECK(scene.groups.groups() == std::vector<std::string>{"g"});
  CHECK(scene.groups.reported("unknown").empty());
}

TEST_CASE("a waiting member is woken by a change at once, and is not dead while it waits") {
  const SystemClock clock;
  GroupCoordinator groups(clock, {.session_timeout = 200ms});
  auto a = groups.join("g", "anchor", 4, "a").value();
  auto b = groups.join("g", "anchor", 4, "b").value();
  CHECK(a->poll(0ms)->gained.size() == 2);
  CHECK(b->poll(0ms)->gained.size() == 2);

  std::atomic<bool> waiting = false;
  std::jthread waiter([&] {
    waiting = true;
    const auto began = std::chrono::steady_clock::now();
    const auto change = a->poll(30s);
    CHECK(change->gained == Numbers{2, 3});
    CHECK(change->lost.empty());
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(took > 400ms);
    CHECK(took < 10s);
  });
  // Longer than a session: only the one that waits is alive without being called again.
  const auto leave_at = std::chrono::steady_clock::now() + 500ms;
  while (!waiting || std::chrono::steady_clock::now() < leave_at)
    CHECK(b->poll(20ms)->empty());
  b->leave(0ms);
}

TEST_CASE("a member that waits is alive however far the clock is set forward meanwhile") {
  // Goes on for the thread that made it alone, and counts how often the others asked.
  class SplitClock final : public Clock {
   public:
    Timestamp now() const override { return ours.now(); }
    Steady steady() const override {
      if (std::this_thread::get_id() == maker) return ours.steady();
      ++asked_by_others;
      return theirs.steady();
    }
    ManualClock ours;
    ManualClock theirs;
    const std::thread::id maker = std::this_thread::get_id();
    mutable std::atomic<int> asked_by_others = 0;
  };
  SplitClock clock;
  GroupCoordinator groups(clock);
  auto a = groups.join("g", "anchor", 4, "a").value();
  auto b = groups.join("g", "anchor", 4, "b").value();
  CHECK(a->poll(0ms)->gained.size() == 2);
  CHECK(b->poll(0ms)->gained.size() == 2);
  std::jthread waiter([&] {
    const auto change = a->poll(30s);
    CHECK(change->gained == Numbers{2, 3});
    CHECK(change->lost.empty());
  });
  // Once on entry, once for the dead, once for how long to wait: from there on to its wait it holds
  // the group's lock.
  while (clock.asked_by_others < 3)
    std::this_thread::yield();
  clock.ours.advance(7s);
  CHECK(b->poll(0ms)->empty());
  b->leave(0ms);
}

TEST_CASE("a waiting member takes over from one that falls silent, without being called again") {
  const SystemClock clock;
  GroupCoordinator groups(clock, {.session_timeout = 100ms});
  auto a = groups.join("g", "anchor", 4, "a").value();
  auto b = groups.join("g", "anchor", 4, "b").value();
  CHECK(a->poll(0ms)->gained.size() == 2);
  CHECK(b->poll(0ms)->gained.size() == 2);
  CHECK(a->poll(30s)->gained == Numbers{2, 3});
  CHECK(b->poll(0ms)->lost == Numbers{2, 3});
}
