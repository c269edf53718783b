#include "dropline/contracts/json.hpp"
#include "dropline/feeds/feeds.hpp"
#include "dropline/feeds/feeds_queries.hpp"
#include "dropline/feeds/feeds_worker.hpp"
#include "support/service/cluster.hpp"
#include "support/service/orders.hpp"
#include "support/service/sink.hpp"

using namespace dropline;
using namespace dropline::feeds;
using namespace dropline::contracts;
using namespace dropline::testing;

namespace {

constexpr worker::CallTerms kTerms{1s, 1s, 4s};

struct Office {
  explicit Office(std::uint64_t seed) : dice(seed) {}

  SeededRandom dice;
  Sink sink;
  std::unique_ptr<SinkCaller> caller;
  Cluster cluster{"feeds", [this] {
                    caller = std::make_unique<SinkCaller>(sink, dice);
                    return std::make_unique<FeedsWorker>(caller.get(), cluster.clock, kTerms);
                  }};
  std::map<MemberId, std::vector<Uuid>> expected;

  template <class T>
  void say(const T& fact) {
    cluster.say(fact);
    expected[fact.member].push_back(event_of(fact).id);
  }
  /// What the sink took, by member, in order.
  [[nodiscard]] std::map<MemberId, std::vector<Uuid>> told() const {
    std::map<Uuid, MemberId> whose;
    for (const auto& [who, ids] : expected)
      for (const auto& id : ids)
        whose.emplace(id, who);
    std::map<MemberId, std::vector<Uuid>> told;
    for (const auto& call : sink.taken)
      told[whose.at(call.id)].push_back(call.id);
    return told;
  }
  void finish(Cluster::Process& process, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      cluster.run({&process}, 10);
      caller->work(false);
      cluster.clock.advance(1s);
    }
  }
};

}  // namespace

TEST_CASE("a platform that is away is told everything later, in order for each member") {
  Office office(1);
  office.sink.open = false;
  Cluster::Process a(office.cluster, "a");
  for (std::uint32_t i = 1; i <= 20; ++i) {
    office.say(paid(i, i % 3));
    if (i % 2 == 0) office.say(cancelled(i, i % 3));
  }
  office.finish(a, 10);
  CHECK(office.sink.taken.empty());
  const auto backlog = read_backlog(office.cluster.ground.session).value();
  CHECK(backlog.events == 30);
  CHECK(backlog.members == 3);
  CHECK(backlog.oldest.has_value());
  const auto stuck = read_stuck(office.cluster.ground.session, 10).value();
  CHECK(stuck.size() == 3);
  CHECK(stuck.front().attempts > 1);
  office.sink.open = true;
  office.finish(a, 80);
  CHECK(office.told() == office.expected);
  CHECK(read_backlog(office.cluster.ground.session).value().events == 0);
  CHECK(read_stuck(office.cluster.ground.session, 10).value().empty());
}

TEST_CASE("100 kills lose no event, and a platform that honours ids sees each once and in order") {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    CAPTURE(seed);
    Office office(seed);
    std::uint32_t next = 1;
    for (int kill = 0; kill < 100; ++kill) {
      auto process = std::make_unique<Cluster::Process>(office.cluster, "p" + std::to_string(kill));
      for (auto steps = office.dice.below(12); steps > 0; --steps) {
        if (office.dice.below(3) == 0) {
          const auto id = next++;
          office.say(paid(id, id % 5));
          if (office.dice.below(2) == 0) office.say(cancelled(id, id % 5));
        }
        office.cluster.run({process.get()}, static_cast<int>(1 + office.dice.below(3)));
        if (office.dice.below(2) == 0) office.caller->work(true);
      }
      process->stream.kill();
      process.reset();
      office.cluster.clock.advance(7s);
    }
    Cluster::Process last(office.cluster, "last");
    office.finish(last, 120);
    CHECK(last.worker->health().empty());
    CHECK(office.told() == office.expected);
    CHECK(
        std::ranges::any_of(office.sink.times, [](const auto& entry) { return entry.second > 1; }));
  }
}
