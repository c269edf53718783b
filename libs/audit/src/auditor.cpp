#include "dropline/audit/auditor.hpp"

#include <algorithm>

#include "barrier.hpp"
#include "coupon_replay.hpp"
#include "goods_checks.hpp"
#include "letter_checks.hpp"
#include "loop_checks.hpp"
#include "money_checks.hpp"
#include "order_checks.hpp"
#include "readers.hpp"
#include "reward_checks.hpp"
#include "sales_checks.hpp"
#include "speech_checks.hpp"
#include "state_checks.hpp"
#include "table_check.hpp"
#include "topic_reader.hpp"

namespace dropline::audit {
namespace {

bool heard_by_ordering(std::string_view topic) {
  for (const auto& service : services())
    if (service.name == "ordering")
      return std::ranges::find(service.topics, topic, &worker::TopicUse::name) !=
             service.topics.end();
  return false;
}

/// Everything that is found by reading the topics once, and what hangs together with it.
class LogAudit final {
 public:
  LogAudit(store::Session& session, stream::Stream& stream, const Clock& clock,
           const Options& options)
      : session_(session), stream_(stream), clock_(clock), options_(options) {
    for (std::int32_t p = 0; p < options.partitions; ++p)
      partitions_.push_back(p);
  }

  Result<std::vector<Outcome>> pass() {
    LoopChecks::announce(out_);
    LoopChecks loop(out_, session_, options_.partitions);
    if (!options_.read_log) {
      if (auto done = loop.finish(nullptr, nullptr); !done) return done.error();
      return finished();
    }
    SpeechChecks::announce(out_);
    StateChecks::announce(out_);
    OrderChecks::announce(out_);
    MoneyChecks::announce(out_);
    LetterChecks::announce(out_);
    CouponReplay::announce(out_);
    GoodsChecks::announce(out_);
    RewardChecks::announce(out_);
    SalesChecks::announce(out_);
    // Positions first: what is before them must be in the log that is read after.
    auto shards = read_shards(session_);
    if (!shards) return shards.error();
    SpeechChecks speech(out_, *shards, options_.partitions, options_.keys);
    LetterChecks letters(out_);
    ToldStates states;
    OrderChecks orders(out_, session_);
    MoneyChecks money(out_, session_);
    Aftermath later{GoodsChecks(out_, session_), RewardChecks(out_, session_),
                    SalesChecks(out_, session_, *shards)};
    for (const auto& topic : contracts::all_topics())
      if (auto done = read(topic, speech, letters, states, orders, money, later); !done)
        return done.error();
    for (const auto& topic : contracts::all_topics())
      if (auto done = read_dead(topic, letters); !done) return done.error();
    letters.finish(*shards);
    if (auto done = orders.finish(); !done) return done.error();
    if (auto done = money.finish(); !done) return done.error();
    if (auto done = later.goods.finish(); !done) return done.error();
    if (auto done = later.rewards.finish(); !done) return done.error();
    if (auto done = later.sales.finish(later.extents); !done) return done.error();
    if (auto done = replay_coupons(*shards, letters); !done) return done.error();
    if (auto done = StateChecks(out_, states).finish(session_); !done) return done.error();
    if (auto done = loop.finish(&speech, &letters); !done) return done.error();
    return finished();
  }
  [[nodiscard]] std::uint64_t records() const { return records_; }

 private:
  std::vector<Outcome> finished() {
    auto outcomes = out_.take();
    for (auto& outcome : outcomes)
      std::ranges::sort(outcome.findings);
    return outcomes;
  }

  /// What follows on a paid order.
  struct Aftermath {
    GoodsChecks goods;
    RewardChecks rewards;
    SalesChecks sales;
    std::vector<stream::Extent> extents{};  ///< of orders.events

    void take(const contracts::Topic& topic, const stream::Record& record,
              const contracts::Envelope& envelope) {
      const bool of_orders = topic.name == contracts::topic::kOrdersEvents;
      if (of_orders || topic.name == contracts::topic::kDeliveriesEvents ||
          topic.name == contracts::topic::kDeliveriesCommands)
        goods.take(record, envelope);
      if (of_orders || topic.name == contracts::topic::kPointsEvents)
        rewards.take(record, envelope);
      if (of_orders) sales.take(record, envelope);
    }
  };

  /// Once more, now that it is known which records were set aside: to remember them all would take
  /// the memory of a rush.
  Status replay_coupons(const Shards& shards, const LetterChecks& letters) {
    CouponReplay replay(out_, session_, shards, letters);
    auto extents = read_topic(
        stream_, clock_,
        {contracts::topic_name(options_.topic_prefix, contracts::topic::kCouponsCommands),
         partitions_},
        [&](const stream::Record& record) { replay.take(record); });
    if (!extents) return extents.error();
    return replay.finish(*extents);
  }

  Status read(const contracts::Topic& topic, SpeechChecks& speech, LetterChecks& letters,
              ToldStates& states, OrderChecks& orders, MoneyChecks& money, Aftermath& later) {
    const bool of_orders = topic.name == contracts::topic::kStockEvents ||
                           topic.name == contracts::topic::kOrdersEvents;
    const bool of_facts = heard_by_ordering(topic.name);
    const bool of_money = topic.name == contracts::topic::kPaymentsEvents;
    const bool of_states = topic.name == contracts::topic::kStockLevels ||
                           topic.name == contracts::topic::kRankingsSnapshots ||
                           topic.name == contracts::topic::kCatalogProducts ||
                           topic.name == contracts::topic::kCatalogEvents ||
                           topic.name == contracts::topic::kStockEvents;
    Status failed;
    speech.begin(topic);
    auto extents = read_topic(stream_, clock_,
                              {contracts::topic_name(options_.topic_prefix, topic.name),
                               partitions_, topic.cleanup == stream::Cleanup::compact},
                              [&](const stream::Record& record) {
                                ++records_;
                                speech.look(record);
                                const auto envelope = contracts::parse_envelope(record);
                                if (!envelope) return letters.unreadable(record, topic.name);
                                speech.take(record, *envelope);
                                if (of_states) states.take(record, *envelope);
                                if (of_facts) orders.heard(record, *envelope);
                                later.take(topic, record, *envelope);
                                if (!failed) return;
                                if (of_orders) failed = orders.take(record, *envelope);
                                if (of_money) failed = money.take(record, *envelope);
                              });
    if (!extents) return extents.error();
    if (topic.name == contracts::topic::kOrdersEvents) later.extents = *extents;
    speech.end(*extents);
    letters.topic_end(topic.name, *extents);
    return failed;
  }

  Status read_dead(const contracts::Topic& topic, LetterChecks& letters) {
    auto extents =
        read_topic(stream_, clock_,
                   {contracts::dead_topic_name(options_.topic_prefix, topic.name), partitions_},
                   [&](const stream::Record& record) {
                     ++records_;
                     letters.take(record, topic.name);
                   });
    if (!extents) return extents.error();
    return {};
  }

  store::Session& session_;
  stream::Stream& stream_;
  const Clock& clock_;
  const Options& options_;
  std::vector<std::int32_t> partitions_;
  Outcomes out_;
  std::uint64_t records_ = 0;
};

}  // namespace

bool Report::whole() const {
  return violations() == 0;
}

std::int64_t Report::violations() const {
  std::int64_t count = 0;
  for (const auto& outcome : outcomes)
    if (!outcome.unsettled) count += outcome.found;
  return count;
}

Result<Report> audit(store::Session& session, stream::Stream& stream, const Clock& clock,
                     const Options& options) {
  Report report;
  const auto checks = all_table_checks();
  for (const auto& check : checks)
    report.outcomes.push_back(run(session, check));
  LogAudit first(session, stream, clock, options);
  auto found = first.pass();
  if (!found) return found.error();
  report.records = first.records();
  report.outcomes.insert(report.outcomes.end(), found->begin(), found->end());
  if (std::ranges::none_of(report.outcomes, may_be_on_its_way)) return report;

  auto unsettled = Barrier(session, stream, clock, {options.partitions, options.topic_prefix})
                       .pass({options.patience});
  if (!unsettled) return unsettled.error();
  report.unsettled = std::move(*unsettled);
  const bool of_log =
      std::any_of(report.outcomes.begin() + static_cast<std::ptrdiff_t>(checks.size()),
                  report.outcomes.end(), may_be_on_its_way);
  std::vector<Outcome> again;
  if (of_log) {
    auto second = LogAudit(session, stream, clock, options).pass();
    if (!second) return second.error();
    again = std::move(*second);
  }
  for (std::size_t i = 0; i < report.outcomes.size(); ++i) {
    auto& outcome = report.outcomes[i];
    if (!may_be_on_its_way(outcome)) continue;
    keep_lasting(outcome, i < checks.size() ? run(session, checks[i]) : again[i - checks.size()]);
    outcome.unsettled = outcome.found > 0 && !report.unsettled.empty();
  }
  if (std::ranges::none_of(report.outcomes, &Outcome::unsettled)) report.unsettled.clear();
  return report;
}

}  // namespace dropline::audit
