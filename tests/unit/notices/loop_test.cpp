#include "dropline/notices/notices_worker.hpp"
#include "support/service/cluster.hpp"
#include "support/service/orders.hpp"
#include "support/service/sink.hpp"

using namespace dropline;
using namespace dropline::notices;
using namespace dropline::contracts;
using namespace dropline::testing;

namespace {

/// Fails every other call, and refuses those of one kind for good.
class Moody final : public worker::CallTarget {
 public:
  [[nodiscard]] Result<std::string> call(const worker::Call& call) override {
    if (call.attempts == 0) return store::error(store::Errc::unreachable, "nobody is there");
    if (call.kind == "order_cancelled") return std::string(kRefused) + "no such mailbox";
    return std::string();
  }
};

/// Makes calls at once, on the loop's thread.
class DirectCaller final : public worker::Caller {
 public:
  explicit DirectCaller(worker::CallTarget& target) : target_(target) {}
  [[nodiscard]] std::size_t room() const override { return 64; }
  void start(worker::Call call) override {
    if (auto body = target_.call(call))
      answers_.push_back({call.id, call.shard, call.kind, call.request, *body});
  }
  [[nodiscard]] std::vector<worker::Answer> take() override { return std::exchange(answers_, {}); }
  [[nodiscard]] bool has_answers() const override { return !answers_.empty(); }

 private:
  worker::CallTarget& target_;
  std::vector<worker::Answer> answers_;
};

constexpr worker::CallTerms kTerms{1s, 1s, 4s};

}  // namespace

TEST_CASE("each attempt is on record, and what is refused for good is not tried again") {
  Cluster* here = nullptr;
  Moody moody;
  ManualClock clock;
  RecordedTarget recorded(moody, clock);
  DirectCaller caller(recorded);
  Cluster office("notices", [&] {
    return std::make_unique<NoticesWorker>(&caller, &recorded, here->clock, kTerms);
  });
  here = &office;
  Cluster::Process a(office, "a");
  office.say(paid(1, 1));
  office.say(cancelled(1, 1));
  office.run({&a}, 400);
  CHECK(office.ground.number("SELECT count(*) FROM {calls} WHERE due_at IS NULL") == 2);
  CHECK(office.ground.number("SELECT count(*) FROM {attempts}") == 4);
  CHECK(office.ground.number("SELECT count(*) FROM {attempts} WHERE outcome = 'failed' AND "
                             "number = 1 AND detail LIKE '%nobody is there%'") == 2);
  CHECK(office.ground.number("SELECT count(*) FROM {attempts} WHERE outcome = 'told'") == 1);
  CHECK(office.ground.number("SELECT count(*) FROM {attempts} WHERE outcome = 'refused' AND "
                             "detail = 'no such mailbox'") == 1);
}

TEST_CASE("without a transport nobody is told and nothing is written") {
  Cluster* here = nullptr;
  Cluster office("notices", [&] {
    return std::make_unique<NoticesWorker>(nullptr, nullptr, here->clock, kTerms);
  });
  here = &office;
  Cluster::Process a(office, "a");
  office.say(paid(1, 1));
  office.run({&a});
  CHECK(office.ground.number("SELECT count(*) FROM {calls}") == 0);
}

TEST_CASE("100 kills lose no notice, and a sink that honours ids sees each once") {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    CAPTURE(seed);
    SeededRandom dice(seed);
    Sink sink;
    std::unique_ptr<SinkCaller> caller;
    Cluster* here = nullptr;
    Cluster office("notices", [&] {
      caller = std::make_unique<SinkCaller>(sink, dice);
      return std::make_unique<NoticesWorker>(caller.get(), nullptr, here->clock, kTerms);
    });
    here = &office;
    std::set<Uuid> expected;
    std::uint32_t next = 1;
    const auto say = [&] {
      const auto id = next++;
      office.say(paid(id, id % 7));
      expected.insert(notice_of(paid(id, id % 7)).id.uuid());
      if (dice.below(2) == 0) {
        office.say(cancelled(id, id % 7));
        expected.insert(notice_of(cancelled(id, id % 7)).id.uuid());
      }
      // A copy from a source whose watermark does not know it.
      if (dice.below(4) == 0) office.say(paid(id, id % 7), {.source = "ordering/9"});
    };
    for (int kill = 0; kill < 100; ++kill) {
      auto process = std::make_unique<Cluster::Process>(office, "p" + std::to_string(kill));
      for (auto steps = dice.below(12); steps > 0; --steps) {
        if (dice.below(3) == 0) say();
        office.run({process.get()}, static_cast<int>(1 + dice.below(3)));
        if (dice.below(2) == 0) caller->work(true);
      }
      process->stream.kill();
      process.reset();  // With whatever calls and answers were under way.
      office.clock.advance(7s);
    }
    Cluster::Process last(office, "last");
    for (int i = 0; i < 60; ++i) {
      office.run({&last}, 10);
      caller->work(false);
      office.clock.advance(1s);
    }
    CHECK(last.worker->health().empty());
    CHECK(expected.size() > 100);
    CHECK(sink.taken.size() == expected.size());
    for (const auto& call : sink.taken)
      CHECK(expected.contains(call.id));
    CHECK(std::ranges::any_of(sink.times, [](const auto& entry) { return entry.second > 1; }));
    CHECK(office.ground.number("SELECT count(*) FROM {calls} WHERE due_at IS NOT NULL") == 0);
  }
}
