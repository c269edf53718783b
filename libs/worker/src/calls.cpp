#include "dropline/worker/calls.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "dropline/base/ensure.hpp"
#include "dropline/store/table.hpp"

namespace dropline::worker {
namespace {

using store::Type;

constexpr store::Column kColumns[] = {{"call", Type::uuid},      {"shard", Type::int64},
                                      {"kind", Type::text},      {"request", Type::text},
                                      {"attempts", Type::int64}, {"due_at", Type::int64},
                                      {"at", Type::int64}};

store::Table table(std::string_view service) {
  return {service, "calls", kColumns, 1};
}

std::vector<std::int64_t> numbers(std::span<const Shard> shards) {
  std::vector<std::int64_t> out;
  out.reserve(shards.size());
  for (const auto shard : shards)
    out.push_back(number(shard));
  return out;
}

void put(store::RowBuffer& rows, const Call& call, Timestamp now) {
  rows.add(call.id).add(number(call.shard)).add(call.kind).add(call.request).add(call.attempts);
  rows.add(call.due_at).add(now);
}

}  // namespace

CallDesk::CallDesk(std::string service, Caller* caller, const Clock& clock, CallTerms terms)
    : service_(std::move(service)), caller_(caller), clock_(clock), terms_(terms) {}

void CallDesk::report_to(telemetry::Metrics& metrics) {
  open_rows_ = metrics.gauge("dropline_calls_open", "Calls out that have no answer yet",
                             {{"service", service_}});
  leases_ = metrics.counter("dropline_calls_made_total", "Calls out, repeated ones counted again",
                            {{"service", service_}});
}

std::chrono::milliseconds CallDesk::lease(std::int64_t attempts) const {
  auto pause = terms_.pause;
  for (std::int64_t i = 0; i < attempts && pause < terms_.pause_max; ++i)
    pause *= 2;
  return terms_.timeout + std::min(pause, terms_.pause_max);
}

void CallDesk::note_due(Shard shard, Clock::Steady at) {
  const auto found = due_.find(shard);
  if (found == due_.end()) {
    due_.emplace(shard, at);
  } else {
    found->second = std::min(found->second, at);
  }
}

Status CallDesk::add(store::Session& session, std::span<const Call> calls, Timestamp now) {
  if (calls.empty()) return {};
  if (due_before_.empty()) due_before_ = due_;
  store::RowBuffer rows(table(service_));
  for (const auto& call : calls) {
    ensure(call.due_at.has_value(), "a call that is added is to be made");
    put(rows, call, now);
    const auto wait = std::max(*call.due_at - now, decltype(*call.due_at - now)::zero());
    note_due(call.shard, clock_.steady() + wait);
  }
  return store::upsert(session, table(service_), rows);
}

/// Whatever was known of these shards is of an earlier claim.
Status CallDesk::claimed(std::span<const Shard> shards, Unit& unit) {
  for (const auto shard : shards)
    answers_.erase(shard);
  return look(unit.session(), shards, unit.now());
}

/// Asks the table when each shard's next call is due.
Status CallDesk::look(store::Session& session, std::span<const Shard> shards, Timestamp now) {
  if (due_before_.empty()) due_before_ = due_;
  const store::Statement statement{"calls_due", service_,
                                   "SELECT shard, MIN(due_at), COUNT(*) FROM {calls} "
                                   "WHERE shard {any:shards:int64} AND due_at IS NOT NULL "
                                   "GROUP BY shard"};
  store::Params params;
  const auto wanted = numbers(shards);
  params.add_list("shards", wanted);
  const auto rows =
      store::query(session, statement, params, {Type::int64, Type::int64, Type::int64});
  if (!rows) return rows.error();
  for (const auto shard : shards) {
    due_.erase(shard);
    open_.erase(shard);
  }
  for (const auto row : *rows) {
    const auto shard = Shard(static_cast<std::int32_t>(row.int64(0)));
    const auto wait = std::max(row.time(1) - now, decltype(row.time(1) - now)::zero());
    due_[shard] = clock_.steady() + wait;
    open_[shard] = row.int64(2);
  }
  open_rows_.set(static_cast<double>(
      std::accumulate(open_.begin(), open_.end(), std::int64_t{0},
                      [](auto sum, const auto& entry) { return sum + entry.second; })));
  return {};
}

bool CallDesk::wants_tick(Shard shard) const {
  if (caller_ == nullptr) return false;
  if (caller_->has_answers()) return true;
  if (const auto waiting = answers_.find(shard);
      waiting != answers_.end() && !waiting->second.empty())
    return true;
  const auto due = due_.find(shard);
  return due != due_.end() && due->second <= clock_.steady() && caller_->room() > 0;
}

/// Answers of shards that are no longer ours have no taker; their calls fall due again elsewhere.
void CallDesk::collect() {
  const auto now = clock_.steady();
  for (auto& answer : caller_->take()) {
    const auto shard = answer.shard;
    answers_[shard].push_back({now, std::move(answer)});
  }
  for (auto& [shard, waiting] : answers_)
    std::erase_if(waiting, [&](const Waiting& each) { return each.at + terms_.timeout < now; });
}

Status CallDesk::tick(std::span<const Shard> shards, Unit& unit, const Say& say) {
  if (caller_ == nullptr || std::ranges::none_of(shards, [this](Shard s) { return wants_tick(s); }))
    return {};
  collect();
  std::vector<Answer> settled;
  for (const auto shard : shards) {
    const auto waiting = answers_.find(shard);
    if (waiting == answers_.end()) continue;
    for (const auto& each : waiting->second) {
      if (!told_.insert(each.answer.call).second) continue;
      const auto said = say(each.answer);
      if (!said) return said.error();
      if (*said) settled.push_back(each.answer);
    }
  }
  if (auto closed = close(unit.session(), settled, unit.now()); !closed) return closed;
  if (auto leased = take_leases(unit.session(), shards, unit.now()); !leased) return leased;
  return look(unit.session(), shards, unit.now());
}

Status CallDesk::close(store::Session& session, std::span<const Answer> answers, Timestamp now) {
  if (answers.empty()) return {};
  std::vector<Uuid> calls;
  for (const auto& answer : answers)
    calls.push_back(answer.call);
  const store::Statement statement{
      "calls_answered", service_,
      "UPDATE {calls} SET due_at = NULL, at = :now WHERE call {any:calls:uuid}"};
  store::Params params;
  params.add("now", now).add_list("calls", calls);
  auto done = store::change(session, statement, params);
  if (!done) return done.error();
  return {};
}

Status CallDesk::take_leases(store::Session& session, std::span<const Shard> shards,
                             Timestamp now) {
  const auto room = std::min(caller_->room(), kMaxLeases);
  if (room == 0) return {};
  const store::Statement statement{
      "calls_to_make", service_,
      "SELECT call, shard, kind, request, attempts FROM {calls} "
      "WHERE shard {any:shards:int64} AND due_at <= :now ORDER BY due_at, call LIMIT :room"};
  store::Params params;
  const auto wanted = numbers(shards);
  params.add("now", now).add("room", static_cast<std::int64_t>(room)).add_list("shards", wanted);
  const auto rows = store::query(session, statement, params,
                                 {Type::uuid, Type::int64, Type::text, Type::text, Type::int64});
  if (!rows) return rows.error();
  store::RowBuffer leased(table(service_));
  for (const auto row : *rows) {
    Call call{row.uuid(0),
              Shard(static_cast<std::int32_t>(row.int64(1))),
              std::string(row.text(2)),
              std::string(row.text(3)),
              row.int64(4),
              now};
    leased_.push_back(call);
    call.due_at = now + lease(call.attempts);
    ++call.attempts;
    put(leased, call, now);
  }
  return store::upsert(session, table(service_), leased);
}

void CallDesk::committed() {
  due_before_.clear();
  for (auto& call : leased_) {
    leases_.add();
    caller_->start(std::move(call));
  }
  leased_.clear();
  if (told_.empty()) return;
  for (auto& [shard, waiting] : answers_)
    std::erase_if(waiting,
                  [this](const Waiting& each) { return told_.contains(each.answer.call); });
  told_.clear();
}

/// A time too early costs one look at the table; one too late would leave a call unmade.
void CallDesk::rolled_back() {
  for (const auto& [shard, at] : std::exchange(due_before_, {}))
    note_due(shard, at);
  leased_.clear();
  told_.clear();
}

}  // namespace dropline::worker
