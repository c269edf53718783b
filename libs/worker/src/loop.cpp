#include "dropline/worker/loop.hpp"

#include <algorithm>

#include "dropline/stream/errors.hpp"
#include "dropline/telemetry/log.hpp"
#include "dropline/worker/errors.hpp"
#include "loop_state.hpp"

namespace dropline::worker {
namespace {
const log::Logger kLog("worker");
}

LoopMetrics::LoopMetrics(telemetry::Metrics& metrics, std::string_view service)
    : records(metrics.counter("dropline_worker_records_total", "Records given to the service",
                              {{"service", service}})),
      duplicates(metrics.counter("dropline_worker_duplicates_total",
                                 "Records recognised as already applied", {{"service", service}})),
      passed_over(metrics.counter("dropline_worker_passed_over_total",
                                  "Records of types the service does not read",
                                  {{"service", service}})),
      dead_letters(metrics.counter("dropline_worker_dead_letters_total",
                                   "Records set aside for good", {{"service", service}})),
      held(metrics.counter("dropline_worker_held_total", "Records waiting behind one that failed",
                           {{"service", service}})),
      messages(metrics.counter("dropline_worker_messages_total", "Messages said",
                               {{"service", service}})),
      rollbacks(metrics.counter("dropline_worker_rollbacks_total",
                                "Transactions that did not commit", {{"service", service}})),
      fenced(metrics.counter("dropline_worker_fenced_total",
                             "Shards found to belong to another owner", {{"service", service}})),
      batch(metrics.histogram("dropline_worker_batch_records", "Records of a transaction",
                              {{"service", service}}, telemetry::count_buckets())),
      transaction(metrics.histogram("dropline_worker_transaction_seconds",
                                    "From begin to committed", {{"service", service}})),
      shards(metrics.gauge("dropline_worker_shards", "Shards owned and running",
                           {{"service", service}})),
      backlog(metrics.gauge("dropline_outbox_backlog_records",
                            "Records committed and not yet known to be in the log",
                            {{"service", service}})),
      stopped(metrics.gauge("dropline_worker_stopped_shards",
                            "Shards that stopped because their log lost records",
                            {{"service", service}})) {}

Loop::State::State(Ports ports, LoopOptions options, LoopMetrics metrics)
    : ports_(ports),
      options_(std::move(options)),
      metrics_(metrics),
      spec_(ports.service.spec()),
      ledger_(spec_.name),
      intake_(spec_, ports.keys, options_.partitions),
      speech_({spec_.name, options_.topic_prefix, ports.keys, ports.random, ports.clock,
               options_.tracer}),
      savepoints_(options_.savepoints_always) {
  for (const auto& topic : spec_.topics)
    topic_names_.push_back(options_.topic_prefix + topic.name);
}

Owned* Loop::State::find(Shard shard) {
  const auto found = owned_.find(shard);
  return found == owned_.end() ? nullptr : &found->second;
}

std::string Loop::State::full_name(std::size_t topic) const {
  return topic_names_[topic];
}

std::optional<std::size_t> Loop::State::topic_index(std::string_view name) const {
  for (std::size_t i = 0; i < topic_names_.size(); ++i)
    if (topic_names_[i] == name) return i;
  return std::nullopt;
}

bool Loop::State::reads_on() const {
  return prepared_.empty() && ports_.outlet.has_room() &&
         std::ranges::any_of(
             owned_, [](const auto& entry) { return entry.second.state == ShardState::running; });
}

Status Loop::State::gather(std::chrono::milliseconds wait, bool may_work) {
  constexpr std::chrono::milliseconds kNoWait{0};
  read_ = false;
  auto patience = wait;
  if (may_work) patience = has_work() ? kNoWait : std::min(wait, until_due());
  auto change = ports_.membership.poll(reads_on() ? kNoWait : patience);
  if (!change) {
    trouble_ = change.error().text();
    return change.error();
  }
  take_in(*change);
  if (auto placed = place_claimed(); !placed) {
    trouble_ = placed.error().text();
    return placed;
  }
  if (!reads_on()) return {};
  if (may_work && has_work()) patience = kNoWait;
  auto batch = ports_.consumer.poll(options_.max_records, patience);
  if (!batch) {
    trouble_ = batch.error().text();
    return batch.error();
  }
  trouble_.clear();
  read_ = !batch->records().empty();
  sort(std::move(*batch));
  note_ends();
  return {};
}

void Loop::State::count_shards() {
  const auto in = [this](ShardState state) {
    return std::ranges::count_if(
        owned_, [state](const auto& entry) { return entry.second.state == state; });
  };
  metrics_.shards.set(static_cast<double>(in(ShardState::running)));
  metrics_.stopped.set(static_cast<double>(in(ShardState::stopped)));
}

void Loop::State::sort(stream::Batch batch) {
  for (const auto& problem : batch.errors()) {
    auto* owned = find(Shard(problem.at.partition));
    if (!owned) continue;
    if (problem.error.code == stream::Errc::position_lost) {
      stop(*owned, "the log no longer holds " + problem.at.topic + '/' +
                       std::to_string(problem.at.partition) +
                       " where this shard stands: " + problem.error.detail);
    } else {
      owned->reason = problem.error.text();
    }
  }
  states_waiting_.clear();
  prepared_.reserve(batch.records().size());
  for (const auto& record : batch.records())
    sort_record(record);
  batch_ = std::move(batch);
}

void Loop::State::sort_record(const stream::Record& record) {
  const auto topic = topic_index(record.topic);
  auto* owned = find(Shard(record.partition));
  if (!topic || !owned || owned->state != ShardState::running) return;
  auto prepared = intake_.prepare(record, *topic);
  if (!expected(*owned, *topic, prepared)) return;
  const auto next = owned->positions.find(spec_.topics[*topic].name);
  if (next != owned->positions.end() && record.offset < next->second.next) return;
  const bool state_topic = spec_.topics[*topic].kind == TopicKind::state;
  if (state_topic && prepared.verdict == Verdict::deliver &&
      !ports_.service.heeds(prepared.incoming))
    prepared.verdict = Verdict::pass_over;
  // Positions move in order: it waits where one before it is to be applied.
  const std::pair at{owned->shard, *topic};
  if (state_topic && prepared.verdict == Verdict::pass_over && !states_waiting_.contains(at)) {
    owned->positions[spec_.topics[*topic].name] = {record.offset + 1, prepared.fingerprint};
    metrics_.passed_over.add();
    return;
  }
  if (state_topic) states_waiting_.insert(at);
  prepared_.push_back(std::move(prepared));
}

/// Which ends seen at the claim have been reached.
void Loop::State::note_ends() {
  for (auto& [shard, owned] : owned_)
    std::erase_if(owned.ends, [&, &positions = owned.positions](const auto& end) {
      const auto found = positions.find(spec_.topics[end.first].name);
      return found != positions.end() && found->second.next >= end.second;
    });
}

/// The first record read after a claim is the one before the position, and must be the very one
/// that was read then: else records were lost, and going on would hide it.
bool Loop::State::expected(Owned& owned, std::size_t topic, const Prepared& prepared) {
  if (!owned.unchecked.erase(topic)) return true;
  const auto& name = spec_.topics[topic].name;
  const auto& progress = owned.positions[name];
  const auto offset = prepared.incoming.record.offset;
  if (offset == progress.next - 1 && prepared.fingerprint == progress.fingerprint) return false;
  if (offset >= progress.next && spec_.topics[topic].kind == TopicKind::state) return true;
  stop(owned, "the record before the position " + std::to_string(progress.next) + " of " +
                  full_name(topic) + '/' + std::to_string(number(owned.shard)) +
                  " is not the one that was read: the log was truncated or replaced. Restore it, "
                  "or start this service's database afresh");
  return false;
}

bool Loop::State::has_work() const {
  return !prepared_.empty() || claims_due() || ticks_due() ||
         (ports_.clock.steady() >= held_check_at_ &&
          std::ranges::any_of(owned_, [](const auto& e) { return !e.second.held.empty(); }));
}

std::chrono::milliseconds Loop::State::until_due() const {
  constexpr std::chrono::milliseconds kLongest{1'000};
  constexpr std::chrono::milliseconds kSettlePause{20};
  const auto now = ports_.clock.steady();
  auto due = now + kLongest;
  for (const auto& [shard, owned] : owned_) {
    if (owned.state == ShardState::claiming) due = std::min(due, owned.retry_at);
    if (owned.state == ShardState::placing)
      due = std::min(due, ports_.outlet.settling(shard) ? now + kSettlePause : owned.retry_at);
    if (spec_.tick && owned.caught_up()) due = std::min(due, owned.tick_at);
    if (!owned.held.empty()) due = std::min(due, held_check_at_);
  }
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::ceil<std::chrono::milliseconds>(due - now));
}

void Loop::State::committed() {
  for (auto& row : rows_to_be_)
    if (auto* owned = find(row.shard)) owned->row = std::move(row);
  for (const auto shard : claiming_)
    if (auto* owned = find(shard); owned && owned->state == ShardState::claiming) {
      owned->state = ShardState::placing;
      owned->retry_at = ports_.clock.steady();
    }
  ports_.outlet.committed();
  ports_.service.committed();
  metrics_.messages.add(speech_.messages());
  metrics_.transaction.observe(ports_.clock.steady() - began_);
  if (!prepared_.empty()) metrics_.batch.observe(static_cast<double>(prepared_.size()));
  metrics_.records.add(delivered_);
  note_ends();
  if (claiming_.empty()) {
    prepared_.clear();
    batch_ = {};
    savepoints_ = options_.savepoints_always;
  }
  touched_.clear();
  mark_changes_.clear();
  rows_to_be_.clear();
  claiming_.clear();
  newly_held_.clear();
}

void Loop::State::rolled_back(const Error& error) {
  metrics_.rollbacks.add();
  kLog.warn("a transaction did not commit", {{"service", spec_.name}, {"error", error.text()}});
  ports_.service.rolled_back();
  ports_.outlet.rolled_back();
  const bool careful = savepoints_;
  for (const auto shard : claiming_)
    if (auto* owned = find(shard)) lose(*owned);
  for (const auto& [shard, order] : newly_held_)
    if (auto* owned = find(shard)) owned->held.erase(order);
  for (auto change = mark_changes_.rbegin(); change != mark_changes_.rend(); ++change) {
    auto* owned = find(change->shard);
    if (!owned) continue;
    if (change->before) {
      owned->watermarks[change->source] = *change->before;
    } else {
      owned->watermarks.erase(change->source);
    }
  }
  seek_back();
  savepoints_ = careful;
  touched_.clear();
  mark_changes_.clear();
  rows_to_be_.clear();
  claiming_.clear();
  newly_held_.clear();
}

/// Forgets what was read ahead and reads again from what the database holds.
void Loop::State::seek_back() {
  std::vector<stream::Position> places;
  std::set<std::pair<Shard, std::size_t>> seen;
  for (const auto& prepared : prepared_) {
    auto* owned = find(prepared.incoming.shard);
    if (!owned || owned->state != ShardState::running) continue;
    if (!seen.emplace(owned->shard, prepared.topic).second) continue;
    places.push_back(
        {{full_name(prepared.topic), number(owned->shard)}, prepared.incoming.record.offset});
  }
  prepared_.clear();
  batch_ = {};
  for (auto& [shard, owned] : owned_) {
    // State records that nobody heeded have moved positions outside any transaction.
    if (!touched_.contains(shard) && owned.state != ShardState::running) continue;
    auto positions = parse_positions(owned.row.positions);
    if (positions) owned.positions = std::move(*positions);
    owned.seq = owned.row.seq;
  }
  if (places.empty()) return;
  if (auto assigned = ports_.consumer.assign(places); !assigned)
    for (const auto& place : places)
      if (auto* owned = find(Shard(place.at.partition))) lose(*owned);
}

std::vector<stream::Position> Loop::State::positions() const {
  std::vector<stream::Position> out;
  for (const auto& [shard, owned] : owned_) {
    if (owned.state != ShardState::running) continue;
    for (std::size_t topic = 0; topic < spec_.topics.size(); ++topic) {
      const auto found = owned.positions.find(spec_.topics[topic].name);
      if (found != owned.positions.end())
        out.push_back({{full_name(topic), number(shard)}, found->second.next});
    }
  }
  return out;
}

std::vector<ShardReport> Loop::State::shards() const {
  std::vector<ShardReport> out;
  for (const auto& [shard, owned] : owned_)
    out.push_back({shard, owned.state, owned.row.epoch, owned.caught_up(), owned.reason});
  return out;
}

std::string Loop::State::health() const {
  if (!trouble_.empty()) return trouble_;
  for (const auto& [shard, owned] : owned_) {
    if (owned.state == ShardState::stopped || !owned.reason.empty())
      return spec_.name + '/' + std::to_string(number(shard)) + ": " + owned.reason;
  }
  return {};
}

Loop::Loop(Ports ports, LoopOptions options, LoopMetrics metrics)
    : state_(std::make_unique<State>(ports, std::move(options), metrics)) {}
Loop::~Loop() = default;
Status Loop::gather(std::chrono::milliseconds wait, bool may_work) {
  auto gathered = state_->gather(wait, may_work);
  state_->count_shards();
  return gathered;
}
bool Loop::read() const {
  return state_->read();
}
bool Loop::has_work() const {
  return state_->has_work();
}
Status Loop::apply(store::Session& session) {
  return state_->apply(session);
}
void Loop::committed() {
  state_->committed();
}
void Loop::rolled_back(const Error& error) {
  state_->rolled_back(error);
}
std::chrono::milliseconds Loop::until_due() const {
  return state_->until_due();
}
std::vector<stream::Position> Loop::positions() const {
  return state_->positions();
}
std::vector<ShardReport> Loop::shards() const {
  return state_->shards();
}
std::string Loop::health() const {
  return state_->health();
}

}  // namespace dropline::worker
