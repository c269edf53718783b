#include "dropline/audit/watch.hpp"

#include <algorithm>
#include <iterator>

#include "barrier.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/store/errors.hpp"
#include "loop_checks.hpp"
#include "state_checks.hpp"
#include "table_check.hpp"

namespace dropline::audit {
namespace {

constexpr std::size_t kPollRecords = 2'000;
constexpr std::chrono::milliseconds kFirstPollWait{200};
constexpr std::chrono::seconds kExtentsLimit{10};
/// Without a record for so long a compacted topic has no more up to its end.
constexpr std::chrono::seconds kQuietLimit{2};
/// While services are waited for, what needs no rest is looked at again this often.
constexpr std::chrono::seconds kMeanwhile{3};
/// Between two looks at how far services have read: ten hops take as many.
constexpr std::chrono::milliseconds kNap{100};

/// Follows the topics that tell the state of offers, drops and products.
class StateReader final {
 public:
  StateReader(stream::Stream& stream, const Clock& clock, const WatchOptions& options)
      : stream_(stream), clock_(clock), options_(options) {}

  /// Reads up to where they end now.
  Status read() {
    if (!consumer_)
      if (auto opened = open(); !opened) return opened;
    auto extents = consumer_->extents(topics_, kExtentsLimit);
    if (!extents) return extents.error();
    auto heard = clock_.steady();
    while (!reached(*extents) && clock_.steady() - heard < kQuietLimit) {
      auto batch = consumer_->poll(kPollRecords, kFirstPollWait);
      if (!batch) return batch.error();
      if (!batch->errors().empty()) return batch->errors().front().error;
      for (const auto& record : batch->records())
        take(record);
      if (!batch->records().empty()) heard = clock_.steady();
    }
    return {};
  }
  [[nodiscard]] const ToldStates& states() const { return states_; }

 private:
  Status open() {
    auto consumer = stream_.consumer();
    if (!consumer) return consumer.error();
    topics_.clear();
    next_.clear();
    for (const auto name : {contracts::topic::kStockLevels, contracts::topic::kCatalogProducts,
                            contracts::topic::kRankingsSnapshots})
      for (std::int32_t p = 0; p < options_.partitions; ++p)
        topics_.push_back({contracts::topic_name(options_.topic_prefix, name), p});
    std::vector<stream::Position> from;
    for (const auto& topic : topics_)
      from.push_back({topic, stream::Position::kStart});
    if (auto assigned = (*consumer)->assign(from); !assigned) return assigned;
    consumer_ = std::move(*consumer);
    return {};
  }
  void take(const stream::Record& record) {
    next_[{std::string(record.topic), record.partition}] = record.offset + 1;
    if (const auto envelope = contracts::parse_envelope(record)) states_.take(record, *envelope);
  }
  [[nodiscard]] bool reached(const std::vector<stream::Extent>& extents) const {
    for (std::size_t i = 0; i < topics_.size(); ++i) {
      const auto& extent = extents[i];
      if (extent.end <= extent.start) continue;
      const auto at = next_.find({topics_[i].topic, topics_[i].partition});
      if (at == next_.end() || at->second < extent.end) return false;
    }
    return true;
  }

  stream::Stream& stream_;
  const Clock& clock_;
  const WatchOptions& options_;
  std::unique_ptr<stream::Consumer> consumer_;
  std::vector<stream::TopicPartition> topics_;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> next_;
  ToldStates states_;
};

}  // namespace

struct Watch::State {
  State(stream::Stream& stream_of, const Clock& clock_of, WatchOptions given)
      : stream(stream_of),
        clock(clock_of),
        options(std::move(given)),
        checks(all_table_checks()),
        states(stream_of, clock_of, options) {}

  /// The topics are read before the rows: a row may be ahead of them, never behind.
  Result<std::vector<Outcome>> pass(store::Session& session) {
    if (auto read = states.read(); !read) return read.error();
    const auto began = clock.steady();
    std::vector<Outcome> outcomes;
    for (const auto& check : checks) {
      auto outcome = try_run(session, check);
      // A row that cannot be read is a finding; tables that are not there yet, or a server that
      // has gone, are not.
      if (!outcome && outcome.error().code != store::Errc::bad_value) return outcome.error();
      outcomes.push_back(outcome ? std::move(*outcome) : unreadable(check, outcome.error()));
    }
    Outcomes out;
    LoopChecks::announce(out);
    StateChecks::announce_states(out);
    if (auto done = LoopChecks(out, session, options.partitions).finish(nullptr, nullptr); !done)
      return done.error();
    if (auto done = StateChecks(out, states.states()).compare_states(session); !done)
      return done.error();
    for (auto& outcome : out.take()) {
      std::ranges::sort(outcome.findings);
      outcomes.push_back(std::move(outcome));
    }
    worked += std::chrono::duration_cast<std::chrono::microseconds>(clock.steady() - began);
    return outcomes;
  }

  stream::Stream& stream;
  const Clock& clock;
  const WatchOptions options;
  const std::vector<TableCheck> checks;
  StateReader states;
  std::chrono::microseconds worked{0};
};

Watch::Watch(stream::Stream& stream, const Clock& clock, WatchOptions options)
    : state_(std::make_unique<State>(stream, clock, std::move(options))) {}
Watch::~Watch() = default;

Result<Look> Watch::look(store::Session& session, const std::atomic<bool>& stop,
                         const std::function<void(const Outcome&)>& at_once) {
  auto& state = *state_;
  state.worked = {};
  Look look;
  Barrier barrier(session, state.stream, state.clock,
                  {state.options.partitions, state.options.topic_prefix});
  auto outcomes = state.pass(session);
  if (!outcomes) return outcomes.error();
  look.outcomes = std::move(*outcomes);
  for (const auto& outcome : look.outcomes)
    if (!may_be_on_its_way(outcome)) at_once(outcome);
  if (std::ranges::any_of(look.outcomes, may_be_on_its_way)) {
    // What needs no rest is not kept waiting for it.
    auto passed = state.clock.steady();
    const auto meanwhile = [&]() -> Status {
      if (state.clock.steady() - passed < kMeanwhile) return {};
      auto fresh = state.pass(session);
      if (!fresh) return fresh.error();
      for (const auto& outcome : *fresh)
        if (outcome.reach == Reach::always) at_once(outcome);
      passed = state.clock.steady();
      return {};
    };
    auto unsettled = barrier.pass({state.options.patience, kNap, &stop, meanwhile});
    if (!unsettled) return unsettled.error();
    look.unsettled = std::move(*unsettled);
    auto again = state.pass(session);
    if (!again) return again.error();
    for (std::size_t i = 0; i < look.outcomes.size(); ++i) {
      auto& outcome = look.outcomes[i];
      if (!may_be_on_its_way(outcome)) continue;
      keep_lasting(outcome, (*again)[i]);
      outcome.unsettled = outcome.found > 0 && !look.unsettled.empty();
    }
  }
  auto lag = barrier.lag();
  if (!lag) return lag.error();
  look.behind = lag->behind;
  look.said = lag->ends;
  look.worked = state.worked;
  return look;
}

std::chrono::milliseconds pause_after(std::chrono::microseconds worked, std::int64_t said,
                                      double said_a_second, std::chrono::milliseconds interval) {
  const auto share = said_a_second > kBusyRecords ? kBusyShare : kIdleShare;
  auto pause =
      std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double, std::micro>(
          static_cast<double>(worked.count()) * (1 / share - 1)));
  if (said <= kSmallShop) pause = std::min(pause, kSmallPause);
  return std::max(interval, pause);
}

}  // namespace dropline::audit
