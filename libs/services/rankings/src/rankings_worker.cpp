#include "dropline/rankings/rankings_worker.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"
#include "dropline/rankings/rankings_store.hpp"

namespace dropline::rankings {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

/// Whose owner adds up and tells.
constexpr worker::Shard kTeller{0};

template <class T>
bool count_as(Sales& sales, const worker::Incoming& incoming, worker::Unit& unit) {
  if (incoming.envelope.type != T::kType) return false;
  auto fact = worker::open<T>(incoming);
  if (fact) {
    count(sales, *fact, worker::number(incoming.shard));
  } else {
    unit.dead_letter(incoming, fact.error().code.message(), fact.error().detail);
  }
  return true;
}

template <class... Ts>
void count_any(Sales& sales, const worker::Incoming& incoming, worker::Unit& unit) {
  static_cast<void>((count_as<Ts>(sales, incoming, unit) || ...));
}

const RankingSnapshot* find(const std::vector<RankingSnapshot>& all, RankingWindow window) {
  const auto found = std::ranges::find(all, window, &RankingSnapshot::window);
  return found == all.end() ? nullptr : &*found;
}

/// The snapshot of a span that follows `before`, in force or not.
RankingSnapshot next_of(RankingWindow window, const RankingSnapshot* before, const Span& span,
                        Timestamp now, std::vector<RankedSku> best) {
  RankingSnapshot snapshot;
  snapshot.window = window;
  snapshot.version = before == nullptr ? 1 : before->version + 1;
  snapshot.from = time_of(span.from);
  snapshot.until = time_of(span.until);
  snapshot.as_of = now;
  snapshot.best = std::move(best);
  return snapshot;
}

}  // namespace

RankingsWorker::RankingsWorker(const Terms& terms) : terms_(terms) {
  ensure(terms.refresh.count() > 0 && terms.grace.count() >= 0, "the best are added up at times");
  spec_.name = "rankings";
  spec_.anchor = topic::kOrdersEvents;
  spec_.patience = worker::kPatience;
  spec_.topics = {worker::reads<OrderPaid, OrderCancelled, OrderPartlyRefunded, OrderRefunded>(
                      worker::TopicKind::events),
                  worker::reads<RankingSnapshot>(worker::TopicKind::state)};
  spec_.tick = terms.refresh;
}

Status RankingsWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  Sales sales;
  std::vector<const worker::Incoming*> late;
  for (const auto& incoming : batch) {
    if (incoming.envelope.type == RankingSnapshot::kType) {
      late.push_back(&incoming);
    } else {
      count_any<OrderPaid, OrderCancelled, OrderPartlyRefunded, OrderRefunded>(sales, incoming,
                                                                               unit);
    }
  }
  std::erase_if(sales, [](const auto& entry) { return entry.second.units == 0; });
  if (auto done = add(unit.session(), sales); !done) return done;
  if (late.empty()) return {};
  const auto standing = load_snapshots(unit.session());
  if (!standing) return standing.error();
  for (const auto* record : late)
    for (const auto& snapshot : *standing) {
      if (snapshot.partition_key() != record->record.key) continue;
      if (snapshot.version > worker::StateVersions::of(*record))
        worker::emit(unit, record->shard, snapshot, {}, record);
      versions_.settle(record->shard, snapshot.partition_key(), snapshot.version);
    }
  return {};
}

bool RankingsWorker::heeds(const worker::Incoming& record) {
  return versions_.met(record);
}

Status RankingsWorker::claimed(std::span<const worker::Shard> shards, worker::Unit& unit) {
  versions_.forget(shards);
  if (std::ranges::find(shards, kTeller) == shards.end()) return {};
  const auto standing = load_snapshots(unit.session());
  if (!standing) return standing.error();
  for (const auto& snapshot : *standing)
    worker::emit(unit, kTeller, snapshot);
  return {};
}

Status RankingsWorker::tick(std::span<const worker::Shard> shards, worker::Unit& unit) {
  if (std::ranges::find(shards, kTeller) == shards.end()) return {};
  const auto standing = load_snapshots(unit.session());
  if (!standing) return standing.error();
  const auto now = unit.now();
  const auto* days3 = find(*standing, RankingWindow::days3);
  const auto span = last_three_days(now);
  auto best = best_in(unit.session(), span);
  if (!best) return best.error();
  const bool same = days3 != nullptr && days3->until == time_of(span.until) && days3->best == *best;
  if (!same) {
    const auto snapshot = next_of(RankingWindow::days3, days3, span, now, std::move(*best));
    if (auto done = tell(unit, snapshot); !done) return done;
  }
  const auto* week = find(*standing, RankingWindow::week);
  const auto ended = last_week(now - terms_.grace);
  if (week != nullptr && week->until >= time_of(ended.until)) return {};
  auto best_of_week = best_in(unit.session(), ended);
  if (!best_of_week) return best_of_week.error();
  return tell(unit, next_of(RankingWindow::week, week, ended, now, std::move(*best_of_week)));
}

Status RankingsWorker::tell(worker::Unit& unit, const RankingSnapshot& snapshot) {
  if (auto done = save_snapshot(unit.session(), snapshot); !done) return done;
  worker::emit(unit, kTeller, snapshot);
  return {};
}

}  // namespace dropline::rankings
