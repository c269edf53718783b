#include "dropline/notices/notices_worker.hpp"

#include <map>
#include <set>
#include <utility>

#include "dropline/store/table.hpp"

namespace dropline::notices {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about
using store::Type;

constexpr store::Column kCallColumns[] = {{"call", Type::uuid},      {"shard", Type::int64},
                                          {"kind", Type::text},      {"request", Type::text},
                                          {"attempts", Type::int64}, {"due_at", Type::int64},
                                          {"at", Type::int64}};
constexpr store::Table kCalls{"notices", "calls", kCallColumns, 1};

constexpr store::Column kAttemptColumns[] = {{"notice", Type::uuid},
                                             {"number", Type::int64},
                                             {"at", Type::int64},
                                             {"outcome", Type::text},
                                             {"detail", Type::text}};
constexpr store::Table kAttempts{"notices", "attempts", kAttemptColumns, 2};

template <class T>
Result<Notice> notice_as(const worker::Incoming& incoming) {
  const auto fact = worker::open<T>(incoming);
  if (!fact) return fact.error();
  if constexpr (std::same_as<T, OrderPaymentDue>)
    return notice_of(*fact, incoming.record.append_time);
  else
    return notice_of(*fact);
}

template <class... Ts>
Result<Notice> notice_of_any(const worker::Incoming& incoming) {
  Result<Notice> out = error(Errc::unknown_type, "no message for notices");
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = notice_as<Ts>(incoming), true)) || ...));
  return out;
}

/// What was written before is told once: a fact that comes again, as a copy of another source,
/// adds nothing.
Status forget_known(store::Session& session, std::map<Uuid, worker::Call>& calls) {
  auto keys = store::RowBuffer::keys(kCalls);
  for (const auto& [id, call] : calls)
    keys.add(id);
  const auto known = store::load(session, kCalls, keys);
  if (!known) return known.error();
  for (const auto row : *known)
    calls.erase(row.uuid(0));
  return {};
}

}  // namespace

NoticesWorker::NoticesWorker(worker::Caller* caller, RecordedTarget* recorded, const Clock& clock,
                             worker::CallTerms terms)
    : off_(caller == nullptr), recorded_(recorded), desk_("notices", caller, clock, terms) {
  spec_.name = "notices";
  spec_.anchor = topic::kOrdersEvents;
  spec_.patience = worker::kPatience;
  spec_.topics = {
      worker::reads<OrderPaid, OrderCancelled, OrderExpired, OrderPaymentDue, OrderShipped,
                    OrderDelivered, OrderPartlyRefunded, OrderRefunded>(worker::TopicKind::events),
      worker::reads<CouponIssued>(worker::TopicKind::events)};
}

Status NoticesWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  if (off_) return {};
  std::map<Uuid, worker::Call> calls;
  for (const auto& incoming : batch) {
    auto notice =
        notice_of_any<OrderPaid, OrderCancelled, OrderExpired, OrderPaymentDue, OrderShipped,
                      OrderDelivered, OrderPartlyRefunded, OrderRefunded, CouponIssued>(incoming);
    if (!notice) {
      unit.dead_letter(incoming, notice.error().code.message(), notice.error().detail);
      continue;
    }
    calls.try_emplace(notice->id.uuid(), worker::Call{notice->id.uuid(), incoming.shard,
                                                      std::string(contracts::to_text(notice->kind)),
                                                      encode(*notice), 0, unit.now()});
  }
  if (calls.empty()) return {};
  if (auto done = forget_known(unit.session(), calls); !done) return done;
  std::vector<worker::Call> added;
  added.reserve(calls.size());
  for (auto& [id, call] : calls)
    added.push_back(std::move(call));
  return desk_.add(unit.session(), added, unit.now());
}

Status NoticesWorker::claimed(std::span<const worker::Shard> shards, worker::Unit& unit) {
  return off_ ? Status() : desk_.claimed(shards, unit);
}

Status NoticesWorker::tick(std::span<const worker::Shard> shards, worker::Unit& unit) {
  if (off_) return {};
  if (auto done = record_attempts(unit.session()); !done) return done;
  return desk_.tick(shards, unit, [](const worker::Answer&) -> Result<bool> { return true; });
}

/// Of whichever shard: an attempt is a fact, also where the shard has another owner by now.
Status NoticesWorker::record_attempts(store::Session& session) {
  if (recorded_ == nullptr || recorded_->empty()) return {};
  auto taken = recorded_->take();
  store::RowBuffer rows(kAttempts);
  std::set<std::pair<Uuid, std::int64_t>> seen;
  for (const auto& attempt : taken) {
    if (!seen.emplace(attempt.notice, attempt.number).second) continue;
    rows.add(attempt.notice).add(attempt.number).add(attempt.at);
    rows.add(contracts::to_text(attempt.outcome)).add(attempt.detail);
  }
  written_.insert(written_.end(), std::make_move_iterator(taken.begin()),
                  std::make_move_iterator(taken.end()));
  auto done = store::insert(session, kAttempts, rows, store::OnConflict::ignore);
  if (!done) return done.error();
  return {};
}

bool NoticesWorker::wants_tick(worker::Shard shard) const {
  return !off_ && (desk_.wants_tick(shard) || (recorded_ != nullptr && !recorded_->empty()));
}

void NoticesWorker::committed() {
  written_.clear();
  desk_.committed();
}

void NoticesWorker::rolled_back() {
  if (recorded_ != nullptr && !written_.empty()) recorded_->give_back(std::exchange(written_, {}));
  desk_.rolled_back();
}

}  // namespace dropline::notices
