#include <algorithm>
#include <thread>

#include "scene.hpp"
#include "support/eventually.hpp"

namespace dropline::stream::conformance {
namespace {

constexpr std::int32_t kPartitions = 6;
using Numbers = std::set<std::int32_t>;

const Numbers kAll = {0, 1, 2, 3, 4, 5};

/// A member that does as the contract says: what it is told to give up it has given up when it
/// polls next.
class Sharer final {
 public:
  Sharer(Scene& scene, const std::string& group, const std::string& topic, const std::string& name)
      : share(std::move(scene.stream().join(group, topic, name).value())) {}

  MembershipChange step(milliseconds wait = milliseconds(20)) {
    auto polled = share->poll(wait);
    REQUIRE_MESSAGE(polled.has_value(), polled.error());
    for (const auto p : polled->lost)
      CHECK(owned.erase(p) == 1);
    for (const auto p : polled->revoked)
      CHECK(owned.erase(p) == 1);
    for (const auto p : polled->gained)
      CHECK(owned.insert(p).second);
    lost |= !polled->lost.empty();
    return std::move(*polled);
  }

  std::unique_ptr<Membership> share;
  Numbers owned;
  bool lost = false;
};

bool apart(const Numbers& a, const Numbers& b) {
  return std::ranges::none_of(a, [&](std::int32_t p) { return b.contains(p); });
}

Numbers together(const Numbers& a, const Numbers& b) {
  Numbers all = a;
  all.insert(b.begin(), b.end());
  return all;
}

TEST_CASE("groups: a lone member gains every partition of the anchor") {
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  Sharer a(scene, Scene::unique("group"), topic, "a");
  CHECK(eventually([&] {
    a.step();
    return a.owned == kAll;
  }));
  CHECK(a.step(milliseconds(200)).empty());
}

TEST_CASE("groups: members share every partition, never two of them the same") {
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  const auto group = Scene::unique("group");
  Sharer a(scene, group, topic, "a");
  CHECK(eventually([&] {
    a.step();
    return a.owned == kAll;
  }));
  Sharer b(scene, group, topic, "b");
  CHECK(eventually([&] {
    a.step();
    CHECK(apart(a.owned, b.owned));
    b.step();
    CHECK(apart(a.owned, b.owned));
    return together(a.owned, b.owned) == kAll && !b.owned.empty();
  }));
  CHECK(a.owned.size() == 3);
  CHECK_FALSE(a.lost);

  // Of three, each has two; and when the first leaves, the others take over before its session
  // would have ended.
  Sharer c(scene, group, topic, "c");
  CHECK(eventually([&] {
    for (Sharer* member : {&a, &b, &c})
      member->step();
    CHECK(apart(a.owned, b.owned));
    CHECK(apart(together(a.owned, b.owned), c.owned));
    return a.owned.size() == 2 && b.owned.size() == 2 && c.owned.size() == 2;
  }));
  const auto began = Time::now();
  a.share->leave(kPatience);
  CHECK(eventually([&] {
    b.step();
    c.step();
    return together(b.owned, c.owned) == kAll && apart(b.owned, c.owned);
  }));
  b.share.reset();  // destroying is leaving
  CHECK(eventually([&] {
    c.step();
    return c.owned == kAll;
  }));
  CHECK(Time::now() - began < milliseconds(5500));
  CHECK_FALSE(c.lost);
}

TEST_CASE("groups: a partition revoked is handed on only after its owner has polled again") {
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  const auto group = Scene::unique("group");
  Sharer a(scene, group, topic, "a");
  CHECK(eventually([&] {
    a.step();
    return a.owned == kAll;
  }));
  Sharer b(scene, group, topic, "b");
  CHECK(eventually([&] {
    b.step(milliseconds(1));
    return !a.step().revoked.empty();
  }));
  // a is still finishing what was under way.
  const auto until = Time::now() + milliseconds(500);
  while (Time::now() < until)
    CHECK(b.step().gained.empty());
  CHECK(eventually([&] {
    a.step();
    b.step();
    return together(a.owned, b.owned) == kAll && b.owned.size() == 3;
  }));
}

TEST_CASE("groups: a member that waits is woken when its share changes") {
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  const auto group = Scene::unique("group");
  Sharer a(scene, group, topic, "a");
  Sharer b(scene, group, topic, "b");
  CHECK(eventually([&] {
    a.step();
    b.step();
    return a.owned.size() == 3 && b.owned.size() == 3;
  }));
  a.step(milliseconds(100));
  std::jthread leaver([&] {
    dropline::testing::be_slow(milliseconds(100));
    b.share->leave(kPatience);
  });
  const auto began = Time::now();
  CHECK(eventually([&] {
    CHECK_FALSE(a.step(kPatience).empty());
    return a.owned == kAll;
  }));
  CHECK(Time::now() - began < milliseconds(5500));
}

TEST_CASE(
    "groups: a member that falls silent loses its share, two own it for a moment, it learns") {
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  const auto group = Scene::unique("group");
  Sharer a(scene, group, topic, "a");
  const auto other = scene.place().companion(scene.stream(), group, topic, "b");
  CHECK(eventually([&] {
    a.step();
    other->step();
    return a.owned.size() == 3 && other->owned.size() == 3;
  }));
  other->fall_silent();
  CHECK(eventually([&] {
    a.step();
    return a.owned == kAll;
  }));
  CHECK(other->owned.size() == 3);  // as it believes
  CHECK_FALSE(other->lost);
  CHECK_FALSE(a.lost);
  other->come_back();
  CHECK(eventually([&] {
    a.step();
    other->step();
    return other->lost && a.owned.size() == 3 && other->owned.size() == 3;
  }));
  CHECK(apart(a.owned, other->owned));
}

TEST_CASE("groups: each group has the whole of the topic") {
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  Sharer a(scene, Scene::unique("group"), topic, "member");
  Sharer b(scene, Scene::unique("group"), topic, "member");
  CHECK(eventually([&] {
    a.step();
    b.step();
    return a.owned == kAll && b.owned == kAll;
  }));
}

TEST_CASE("groups: reporting positions does not wait and disturbs nothing") {
  Scene scene;
  const auto topic = scene.topic(kPartitions);
  Sharer a(scene, Scene::unique("group"), topic, "a");
  CHECK(eventually([&] {
    a.step();
    return a.owned == kAll;
  }));
  const auto began = Time::now();
  for (int i = 0; i < 100; ++i) {
    const std::vector<Position> positions = {{{topic, 0}, i}, {{topic, 5}, i + 1}};
    a.share->report(positions);
  }
  a.share->report({});
  CHECK(Time::now() - began < milliseconds(1000));
  CHECK(a.step(milliseconds(100)).empty());
  a.share->leave(kPatience);
  const std::vector<Position> late = {{{topic, 0}, 7}};
  a.share->report(late);
  CHECK((a.share->poll(milliseconds(0)).error().code == Errc::closed));
  a.share->leave(kPatience);
}

}  // namespace
}  // namespace dropline::stream::conformance
