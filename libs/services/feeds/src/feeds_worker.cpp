#include "dropline/feeds/feeds_worker.hpp"

#include <algorithm>
#include <set>

#include "dropline/store/errors.hpp"
#include "feeds_store.hpp"

namespace dropline::feeds {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

template <class T>
Result<Event> event_as(const worker::Incoming& incoming) {
  auto fact = worker::open<T>(incoming);
  if (!fact) return fact.error();
  return event_of(std::move(*fact));
}

template <class... Ts>
Result<Event> event_of_any(const worker::Incoming& incoming) {
  Result<Event> out = error(Errc::unknown_type, "no message for feeds");
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = event_as<Ts>(incoming), true)) || ...));
  return out;
}

}  // namespace

FeedsWorker::FeedsWorker(worker::Caller* caller, const Clock& clock, worker::CallTerms terms)
    : off_(caller == nullptr), desk_("feeds", caller, clock, terms) {
  spec_.name = "feeds";
  spec_.anchor = topic::kOrdersEvents;
  spec_.patience = worker::kPatience;
  spec_.topics = {worker::reads<OrderPaid, OrderCancelled, OrderPartlyRefunded, OrderRefunded>(
      worker::TopicKind::events)};
}

Status FeedsWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  if (off_) return {};
  std::vector<Placed> events;
  std::set<Uuid> members;
  for (const auto& incoming : batch) {
    auto event =
        event_of_any<OrderPaid, OrderCancelled, OrderPartlyRefunded, OrderRefunded>(incoming);
    if (!event) {
      unit.dead_letter(incoming, event.error().code.message(), event.error().detail);
      continue;
    }
    members.insert(event->member.uuid());
    events.push_back({std::move(*event), incoming.record.offset, incoming.shard});
  }
  if (events.empty()) return {};
  const std::vector<Uuid> asked(members.begin(), members.end());
  const auto waiting = waiting_among(unit.session(), asked);
  if (!waiting) return waiting.error();
  if (auto done = add(unit.session(), events, unit.now()); !done) return done;
  std::set<MemberId> busy(waiting->begin(), waiting->end());
  std::vector<worker::Call> calls;
  for (const auto& [event, position, shard] : events)
    if (busy.insert(event.member).second)
      calls.push_back({event.id, shard, event.kind, event.body, 0, unit.now()});
  return desk_.add(unit.session(), calls, unit.now());
}

Status FeedsWorker::claimed(std::span<const worker::Shard> shards, worker::Unit& unit) {
  return off_ ? Status() : desk_.claimed(shards, unit);
}

Status FeedsWorker::tick(std::span<const worker::Shard> shards, worker::Unit& unit) {
  if (off_) return {};
  std::vector<Uuid> taken;
  auto done = desk_.tick(shards, unit, [&taken](const worker::Answer& answer) -> Result<bool> {
    taken.push_back(answer.call);
    return true;
  });
  if (!done || taken.empty()) return done;
  const auto next = take_off(unit.session(), taken, unit.now());
  if (!next) return next.error();
  return desk_.add(unit.session(), *next, unit.now());
}

bool FeedsWorker::wants_tick(worker::Shard shard) const {
  return !off_ && desk_.wants_tick(shard);
}

}  // namespace dropline::feeds
