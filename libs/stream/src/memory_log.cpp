#include <algorithm>
#include <set>

#include "dropline/base/ensure.hpp"
#include "memory_state.hpp"

namespace dropline::stream {
namespace {

using std::chrono::milliseconds;

const Clock& machine_clock() {
  static const SystemClock clock;
  return clock;
}

}  // namespace

bool MemoryLog::State::Outbox::all_reported(std::uint64_t up_to) const {
  if (delivering) return false;
  const auto later = [&](const auto& item) { return item.sequence > up_to; };
  return std::ranges::all_of(reports, later) &&
         std::ranges::all_of(lanes, [&](const auto& lane) { return later(lane.second.front()); });
}

MemoryLog::State::State(MemoryLogOptions given)
    : options(given),
      clock(given.clock ? *given.clock : machine_clock()),
      groups(clock, GroupOptions{given.session_timeout, given.threads}) {}

Result<MemoryLog::State::Topic*> MemoryLog::State::find(std::string_view topic) {
  const auto found = topics.find(topic);
  if (found == topics.end())
    return error(Errc::unknown_topic, "there is no topic " + std::string(topic));
  return &found->second;
}

Result<MemoryLog::State::Partition*> MemoryLog::State::find(const TopicPartition& at) {
  const auto topic = find(at.topic);
  if (!topic) return topic.error();
  auto& partitions = (*topic)->partitions;
  if (at.partition < 0 || static_cast<std::size_t>(at.partition) >= partitions.size())
    return error(Errc::bad_partition, "topic " + at.topic + " has no partition " +
                                          std::to_string(at.partition) + ", only " +
                                          std::to_string(partitions.size()));
  return &partitions[static_cast<std::size_t>(at.partition)];
}

std::int64_t MemoryLog::State::append(Topic& topic, const std::shared_ptr<Stored>& record) {
  Partition& partition = topic.partitions[static_cast<std::size_t>(record->partition)];
  record->offset = partition.end++;
  if (topic.spec.append_time) record->append_time = clock.now();
  partition.records.push_back(record);
  changed.notify_all();
  return record->offset;
}

void MemoryLog::State::report(Outbox& outbox, const Letter& letter, Outcome outcome,
                              std::error_code why) {
  Report report{letter.sequence, letter.bytes, {}};
  report.delivery.token = letter.token;
  report.delivery.outcome = outcome;
  report.delivery.partition = letter.record->partition;
  if (outcome == Outcome::acknowledged) report.delivery.offset = letter.record->offset;
  report.delivery.error = why;
  if (!outbox.killed) outbox.reports.push_back(std::move(report));
  outbox.changed.notify_all();
}

void MemoryLog::State::arrive(Outbox& outbox, Letter letter) {
  const auto topic = find(*letter.record->topic);
  if (!topic || static_cast<std::size_t>(letter.record->partition) >= (*topic)->partitions.size())
    return report(outbox, letter, Outcome::failed, Errc::unknown_topic);
  switch (letter.fault) {
    case SendFault::lose:
      report(outbox, letter, Outcome::failed, Errc::failed);
      if (outbox.link->options.gapless) end(outbox);
      return;
    case SendFault::lose_unseen:
      report(outbox, letter, Outcome::unknown, Errc::timed_out);
      if (outbox.link->options.gapless) end(outbox);
      return;
    case SendFault::fatal:
      report(outbox, letter, Outcome::unknown, Errc::failed);
      return end(outbox);
    case SendFault::lose_answer:
      append(**topic, letter.record);
      return report(outbox, letter, Outcome::unknown, Errc::timed_out);
    case SendFault::duplicate: {
      append(**topic, letter.record);
      auto second = std::make_shared<Stored>(*letter.record);
      second->headers.clear();
      for (const auto& [name, value] : second->header_text)
        second->headers.push_back({name, value});
      append(**topic, second);
      return report(outbox, letter, Outcome::acknowledged, {});
    }
    case SendFault::none:
    case SendFault::queue_full:  // never taken
      append(**topic, letter.record);
      return report(outbox, letter, Outcome::acknowledged, {});
  }
}

void MemoryLog::State::end(Outbox& outbox) {
  outbox.fatal = error(Errc::failed, "the producer met a fatal error and must be replaced");
  give_up(outbox, Errc::failed);
}

void MemoryLog::State::settle(Outbox& outbox) {
  if (outbox.link->cut && !outbox.killed) return;
  const auto now = clock.steady();
  while (!outbox.lanes.empty()) {
    // Of several lanes the record due first goes first, so that a jump of the clock over many dues
    // leaves the order that small steps would.
    const auto lane = std::ranges::min_element(outbox.lanes, {}, [](const auto& entry) {
      return std::pair(entry.second.front().due, entry.second.front().sequence);
    });
    if (lane->second.front().due > now) break;
    Letter letter = std::move(lane->second.front());
    lane->second.pop_front();
    if (lane->second.empty()) outbox.lanes.erase(lane);
    arrive(outbox, std::move(letter));
  }
}

void MemoryLog::State::settle() {
  for (const auto& outbox : outboxes)
    if (!outbox->lanes.empty()) settle(*outbox);
  std::erase_if(outboxes, [](const auto& box) { return box->killed && box->lanes.empty(); });
}

void MemoryLog::State::give_up(Outbox& outbox, const std::error_code& why) {
  const auto lanes = std::exchange(outbox.lanes, {});
  for (const auto& [at, letters] : lanes)
    for (const Letter& letter : letters)
      report(outbox, letter, Outcome::failed, why);
}

std::size_t MemoryLog::State::deliver(Outbox& outbox, std::unique_lock<std::mutex>& lock) {
  if (outbox.delivering || outbox.reports.empty()) return 0;
  std::vector<Delivery> batch;
  std::size_t bytes = 0;
  for (const Report& report : outbox.reports) {
    batch.push_back(report.delivery);
    bytes += report.bytes;
  }
  outbox.reports.clear();
  outbox.delivering = true;
  lock.unlock();
  if (outbox.on_delivery) outbox.on_delivery(batch);
  lock.lock();
  outbox.delivering = false;
  outbox.records -= batch.size();
  outbox.bytes -= bytes;
  outbox.changed.notify_all();
  return batch.size();
}

void MemoryLog::State::forget(const std::shared_ptr<Outbox>& outbox) {
  if (outbox->killed && !outbox->lanes.empty()) return;  // settle() forgets it
  std::erase(outboxes, outbox);
}

milliseconds MemoryLog::State::nap(std::chrono::steady_clock::time_point until) const {
  const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  auto nap = std::min(left, kLongestWait);
  const auto now = clock.steady();
  for (const auto& outbox : outboxes)
    for (const auto& [at, lane] : outbox->lanes)
      nap = std::min(nap, std::chrono::ceil<milliseconds>(lane.front().due - now));
  return std::max(nap, milliseconds(1));
}

MemoryLog::MemoryLog(MemoryLogOptions options) : state_(std::make_shared<State>(options)) {}
MemoryLog::~MemoryLog() = default;

GroupCoordinator& MemoryLog::groups() {
  return state_->groups;
}

void MemoryLog::compact() {
  const std::lock_guard lock(state_->mutex);
  const auto oldest_tombstone = state_->clock.now() - state_->options.tombstone_retention;
  for (auto& [name, topic] : state_->topics) {
    if (topic.spec.cleanup != Cleanup::compact) continue;
    for (auto& partition : topic.partitions) {
      std::set<std::string_view> seen;
      std::deque<std::shared_ptr<const State::Stored>> kept;
      const auto stale = std::move(partition.records);  // keeps the views in `seen` valid
      for (auto record = stale.rbegin(); record != stale.rend(); ++record) {
        if (!seen.insert((*record)->key).second) continue;
        if (!(*record)->value && (*record)->append_time <= oldest_tombstone) continue;
        kept.push_front(*record);
      }
      partition.records = std::move(kept);
    }
  }
}

void MemoryLog::expire() {
  const std::lock_guard lock(state_->mutex);
  for (auto& [name, topic] : state_->topics) {
    if (topic.spec.cleanup != Cleanup::retain || !topic.spec.retention) continue;
    const auto oldest = state_->clock.now() - *topic.spec.retention;
    for (auto& partition : topic.partitions) {
      while (!partition.records.empty() && partition.records.front()->append_time < oldest) {
        partition.start = partition.records.front()->offset + 1;
        partition.records.pop_front();
      }
    }
  }
}

void MemoryLog::lose_tail(const TopicPartition& at, std::int64_t offset) {
  const std::lock_guard lock(state_->mutex);
  const auto partition = state_->find(at);
  ensure(partition.has_value(), "the log has the partition whose tail is lost");
  auto& records = (*partition)->records;
  while (!records.empty() && records.back()->offset >= offset)
    records.pop_back();
  (*partition)->end = std::min((*partition)->end, std::max<std::int64_t>(offset, 0));
  (*partition)->start = std::min((*partition)->start, (*partition)->end);
  state_->changed.notify_all();
}

void MemoryLog::start_over(std::string_view topic) {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->find(topic);
  ensure(found.has_value(), "the log has the topic that starts over");
  for (auto& partition : (*found)->partitions)
    partition = {};
  state_->changed.notify_all();
}

}  // namespace dropline::stream
