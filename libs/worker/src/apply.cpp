#include <algorithm>

#include "dropline/base/ensure.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/transaction.hpp"
#include "dropline/telemetry/log.hpp"
#include "dropline/worker/errors.hpp"
#include "loop_state.hpp"

namespace dropline::worker {
namespace {
const log::Logger kLog("worker");

/// Whether an error may be one record's fault. Others are the database's or the program's, and
/// setting records aside would only lose them one by one.
bool blames_a_record(const Error& error, const store::Session& session) {
  return error.severity() == Severity::permanent && !session.broken() &&
         error.code != store::Errc::bad_statement;
}

}  // namespace

store::Session& Loop::State::session() {
  ensure(session_ != nullptr, "a unit's session is used within its call");
  return *session_;
}

std::int64_t Loop::State::next_offset(Shard shard, std::string_view topic) const {
  const auto owned = owned_.find(shard);
  if (owned == owned_.end()) return 0;
  const auto progress = owned->second.positions.find(topic);
  return progress == owned->second.positions.end() ? 0 : progress->second.next;
}

void Loop::State::emit(Shard from, const Emission& emission, const Incoming* cause) {
  ensure(touched_.contains(from), "a service speaks for shards of its batch only");
  speech_.say(from, emission, cause);
}

void Loop::State::dead_letter(const Incoming& incoming, std::string_view reason,
                              std::string_view detail) {
  metrics_.dead_letters.add();
  kLog.warn("a record was set aside", {{"service", spec_.name},
                                       {"topic", incoming.record.topic},
                                       {"partition", incoming.record.partition},
                                       {"offset", incoming.record.offset},
                                       {"reason", reason},
                                       {"detail", detail}});
  speech_.bury(incoming, reason, detail);
}

Status Loop::State::apply(store::Session& session) {
  session_ = &session;
  began_ = ports_.clock.steady();
  fenced_ = false;
  delivered_ = 0;
  auto now = session.now();
  Status status = now ? Status() : now.error();
  if (status) {
    now_ = *now;
    speech_.begin(now_);
    status = claims_due() ? claim_due(session) : apply_work();
  }
  if (status) status = finish();
  session_ = nullptr;
  return status;
}

Status Loop::State::apply_work() {
  for (const auto& prepared : prepared_)
    touched_.insert(prepared.incoming.shard);
  for (const auto shard : ticking())
    touched_.insert(shard);
  if (ports_.clock.steady() >= held_check_at_)
    for (const auto& [shard, owned] : owned_)
      if (owned.state == ShardState::running && !owned.held.empty()) touched_.insert(shard);
  std::erase_if(touched_, [this](Shard shard) { return !find(shard); });
  if (touched_.empty()) return {};
  if (auto locked = lock_rows(); !locked) return locked;
  if (auto applied = apply_records(); !applied) return applied;
  if (auto heeded = heed_operators(); !heeded) return heeded;
  return apply_ticks();
}

/// Whoever claimed a shard after us has raised its epoch; then nothing of ours may be written.
Status Loop::State::lock_rows() {
  const std::vector<Shard> wanted(touched_.begin(), touched_.end());
  auto rows = ledger_.lock(*session_, wanted);
  if (!rows) return rows.error();
  std::string whose;
  auto row = rows->begin();
  for (const auto shard : wanted) {
    auto& owned = *find(shard);
    const bool there = row != rows->end() && row->shard == shard;
    const bool ours = there && row->epoch == owned.row.epoch && row->seq == owned.row.seq &&
                      row->positions == owned.row.positions;
    if (there) ++row;
    if (ours) {
      speech_.set_last_seq(shard, owned.seq);
      continue;
    }
    metrics_.fenced.add();
    whose += (whose.empty() ? "" : ", ") + std::to_string(number(shard));
    std::erase_if(prepared_, [shard](const auto& p) { return p.incoming.shard == shard; });
    lose(owned);
  }
  if (whose.empty()) return {};
  fenced_ = true;
  return error(Errc::fenced, spec_.name + " shard " + whose + " was claimed by another owner");
}

Status Loop::State::apply_records() {
  std::vector<Incoming> batch;
  batch.reserve(prepared_.size());
  Status status;
  for (auto& prepared : prepared_)
    if (!consume(prepared, batch, status)) return status;
  if (batch.empty()) return {};
  delivered_ = batch.size();
  return deliver(batch);
}

/// Moves the position past a record and decides whether the service sees it.
bool Loop::State::consume(Prepared& prepared, std::vector<Incoming>& batch, Status& status) {
  auto* owned = find(prepared.incoming.shard);
  if (!owned || owned->state != ShardState::running) return true;
  auto& progress = owned->positions[spec_.topics[prepared.topic].name];
  progress = {prepared.incoming.record.offset + 1, prepared.fingerprint};
  switch (prepared.verdict) {
    case Verdict::pass_over:
      metrics_.passed_over.add();
      return true;
    case Verdict::bury:
      dead_letter(prepared.incoming, prepared.reason, prepared.detail);
      return true;
    case Verdict::deliver:
      break;
  }
  if (prepared.from_service) {
    const auto source =
        spec_.topics[prepared.topic].name + ' ' + std::string(prepared.incoming.envelope.source);
    const auto said = owned->watermarks.find(source);
    if (said != owned->watermarks.end() && prepared.said <= said->second) {
      metrics_.duplicates.add();
      return true;
    }
    mark_said(*owned, prepared);
  }
  const auto order = prepared.incoming.envelope.correlation;
  if (!order.empty() && owned->held.contains(order)) {
    metrics_.held.add();
    status = hold(prepared.incoming, {});
    return status.has_value();
  }
  batch.push_back(prepared.incoming);
  return true;
}

void Loop::State::mark_said(Owned& owned, const Prepared& prepared) {
  auto source =
      spec_.topics[prepared.topic].name + ' ' + std::string(prepared.incoming.envelope.source);
  const auto [place, fresh] = owned.watermarks.try_emplace(source, prepared.said);
  mark_changes_.push_back(
      {owned.shard, std::move(source), fresh ? std::nullopt : std::optional(place->second)});
  place->second = prepared.said;
}

/// Runs a service's call; what it throws becomes an error.
Status Loop::State::call(const std::function<Status()>& body) {
  try {
    return body();
  } catch (const ErrorException& thrown) {
    return thrown.error();
  } catch (const std::exception& thrown) {
    return error(Errc::rejected, std::string("unexpected: ") + thrown.what());
  }
}

/// Gives records to the service; where it fails for no reason that will pass, halves the range
/// until the record to blame stands alone.
Status Loop::State::deliver(std::span<const Incoming> range) {
  std::vector<Incoming> free;
  if (!newly_held_.empty()) {
    for (const auto& incoming : range) {
      const auto& held = find(incoming.shard)->held;
      const auto order = incoming.envelope.correlation;
      if (order.empty() || !held.contains(order)) {
        free.push_back(incoming);
      } else if (auto status = hold(incoming, {}); !status) {
        return status;
      }
    }
    range = free;
  }
  if (range.empty()) return {};
  if (!savepoints_) {
    auto status = call([&] { return ports_.service.apply(range, *this); });
    if (status || !blames_a_record(status.error(), *session_)) return status;
    savepoints_ = true;  // The transaction is lost; the next one looks for the record to blame.
    return status;
  }
  auto savepoint = store::Savepoint::begin(*session_);
  if (!savepoint) return savepoint.error();
  const auto mark = speech_.mark();
  auto status = call([&] { return ports_.service.apply(range, *this); });
  if (status) return savepoint->release();
  if (!blames_a_record(status.error(), *session_)) return status;
  savepoint->rollback();
  speech_.back_to(mark);
  ports_.service.rolled_back();
  if (range.size() == 1) return set_aside(range.front(), status.error());
  const auto half = range.size() / 2;
  if (auto first = deliver(range.first(half)); !first) return first;
  return deliver(range.subspan(half));
}

Status Loop::State::set_aside(const Incoming& incoming, const Error& why) {
  const auto detail = why.text();
  kLog.error("a record could not be applied", {{"service", spec_.name},
                                               {"topic", incoming.record.topic},
                                               {"partition", incoming.record.partition},
                                               {"offset", incoming.record.offset},
                                               {"order", incoming.envelope.correlation},
                                               {"error", detail}});
  dead_letter(incoming, "failed", detail);
  if (!incoming.envelope.correlation.empty())
    if (auto held = hold(incoming, detail); !held) return held;
  auto savepoint = store::Savepoint::begin(*session_);
  if (!savepoint) return savepoint.error();
  const auto mark = speech_.mark();
  auto rejected = call([&] { return ports_.service.reject(incoming, *this); });
  if (rejected) return savepoint->release();
  if (!blames_a_record(rejected.error(), *session_)) return rejected;
  savepoint->rollback();
  speech_.back_to(mark);
  ports_.service.rolled_back();
  kLog.error("nor could its rejection", {{"service", spec_.name},
                                         {"order", incoming.envelope.correlation},
                                         {"error", rejected.error().text()}});
  return {};
}

/// Keeps a record in the database until an operator decides.
Status Loop::State::hold(const Incoming& incoming, std::string_view reason) {
  auto& owned = *find(incoming.shard);
  const std::string order(incoming.envelope.correlation);
  const auto [place, fresh] = owned.held.try_emplace(order, 0);
  if (fresh) newly_held_.emplace_back(owned.shard, order);
  HeldRecord record;
  record.shard = owned.shard;
  record.order = order;
  record.place = ++place->second;
  record.topic = incoming.record.topic;
  record.offset = incoming.record.offset;
  record.frames = new_frames();
  stream::Draft draft;
  draft.topic = incoming.record.topic;
  draft.key = incoming.record.key.value_or(std::string_view());
  draft.value = incoming.record.value;
  draft.headers = incoming.record.headers;
  draft.partition = incoming.record.partition;
  frame(record.frames, draft);
  record.reason = reason;
  return ledger_.hold(*session_, std::span(&record, 1));
}

Status Loop::State::heed_operators() {
  if (ports_.clock.steady() < held_check_at_) return {};
  held_check_at_ = ports_.clock.steady() + options_.held_interval;
  std::vector<Shard> asked;
  for (const auto shard : touched_)
    if (!find(shard)->held.empty()) asked.push_back(shard);
  if (asked.empty()) return {};
  auto held = ledger_.held(*session_, asked);
  if (!held) return held.error();
  for (auto from = held->begin(); from != held->end();) {
    const auto to = std::find_if(from, held->end(), [&](const HeldRecord& record) {
      return record.shard != from->shard || record.order != from->order;
    });
    auto& owned = *find(from->shard);
    if (from->action == "redrive") {
      if (auto done = redrive(owned, std::span(from, to)); !done) return done;
    } else if (from->action == "drop") {
      if (auto done = ledger_.release_held(*session_, from->shard, from->order); !done) return done;
      owned.held.erase(from->order);
    }
    from = to;
  }
  return {};
}

/// Applies an order's held records again, all or none.
Status Loop::State::redrive(Owned& owned, std::span<const HeldRecord> records) {
  auto savepoint = store::Savepoint::begin(*session_);
  if (!savepoint) return savepoint.error();
  const auto mark = speech_.mark();
  Status status;
  for (const auto& record : records) {
    auto frames = Frames::open(record.frames);
    if (!frames) return frames.error();
    const auto& draft = frames->drafts().front();
    stream::Record again{draft.topic, number(owned.shard), record.offset, now_,
                         draft.key,   draft.value,         draft.headers};
    const auto topic = topic_index(draft.topic);
    if (!topic) continue;
    auto prepared = intake_.prepare(again, *topic);
    prepared.incoming.redriven = true;
    if (prepared.verdict != Verdict::deliver) continue;
    status = call([&] { return ports_.service.apply(std::span(&prepared.incoming, 1), *this); });
    if (!status) break;
  }
  if (status) {
    if (auto gone = ledger_.release_held(*session_, owned.shard, records.front().order); !gone)
      return gone;
    owned.held.erase(records.front().order);
    return savepoint->release();
  }
  if (!blames_a_record(status.error(), *session_)) return status;
  savepoint->rollback();
  speech_.back_to(mark);
  ports_.service.rolled_back();
  HeldRecord first = records.front();
  first.action.clear();
  first.reason = status.error().text();
  return ledger_.hold(*session_, std::span(&first, 1));
}

std::vector<Shard> Loop::State::ticking() const {
  std::vector<Shard> due;
  const auto now = ports_.clock.steady();
  for (const auto& [shard, owned] : owned_) {
    if (!owned.caught_up()) continue;
    const bool by_time = spec_.tick && owned.tick_at <= now;
    if (by_time || ports_.service.wants_tick(shard)) due.push_back(shard);
  }
  return due;
}

bool Loop::State::ticks_due() const {
  return !ticking().empty();
}

Status Loop::State::apply_ticks() {
  // Only those whose rows are locked: others fell due, or caught up, since the transaction began.
  auto due = ticking();
  std::erase_if(due, [this](Shard shard) { return !touched_.contains(shard); });
  if (due.empty()) return {};
  for (const auto shard : due)
    if (spec_.tick) find(shard)->tick_at = ports_.clock.steady() + *spec_.tick;
  return call([&] { return ports_.service.tick(due, *this); });
}

/// Writes what the transaction says and how far its shards have come.
Status Loop::State::finish() {
  auto parcels = speech_.parcels();
  for (const auto& parcel : parcels)
    find(parcel.shard)->seq = parcel.seq;
  for (const auto shard : touched_) {
    auto* owned = find(shard);
    if (!owned || owned->state == ShardState::stopped) continue;
    ShardRow row{shard, owned->row.epoch, owned->seq, format_positions(owned->positions),
                 format_watermarks(owned->watermarks)};
    const bool same = row.seq == owned->row.seq && row.positions == owned->row.positions &&
                      row.watermarks == owned->row.watermarks;
    if (!same) rows_to_be_.push_back(std::move(row));
  }
  if (auto put = ports_.outlet.put(*session_, parcels); !put) return put;
  return ledger_.save(*session_, rows_to_be_);
}

}  // namespace dropline::worker
