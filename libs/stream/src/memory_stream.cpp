#include <algorithm>
#include <functional>
#include <set>
#include <thread>

#include "dropline/base/ensure.hpp"
#include "dropline/stream/partitioner.hpp"
#include "memory_state.hpp"

namespace dropline::stream {
namespace {

using std::chrono::milliseconds;
using RealTime = std::chrono::steady_clock;

// Waits without a limit are given as milliseconds::max(), which no time point can take.
RealTime::time_point after(milliseconds limit) {
  return RealTime::now() + std::clamp<milliseconds>(limit, milliseconds(0), std::chrono::hours(24));
}

Error cut_off_error() {
  return error(Errc::unreachable, "the stream is cut off from its log");
}

}  // namespace

class MemoryStream::Core final {
 public:
  using State = MemoryLog::State;

  std::shared_ptr<State> state;
  std::shared_ptr<State::Link> link;

  [[nodiscard]] bool silent() const { return link->cut || link->dead; }
};

// ---- producer

class MemoryStream::MemoryProducer final : public Producer {
 public:
  using State = MemoryLog::State;

  MemoryProducer(const Core& core, DeliveryHandler on_delivery);
  ~MemoryProducer() override { close(milliseconds(0)); }

  Status send(const Draft& draft, std::uint64_t token) override;
  bool flush(milliseconds limit) override;
  void close(milliseconds limit) override;
  std::optional<Error> fatal_error() const override;

 private:
  Result<std::int32_t> place(const Draft& draft) const;
  Status take(const Draft& draft, std::uint64_t token, std::int32_t partition, SendFate fate);
  bool flush(std::unique_lock<std::mutex>& lock, milliseconds limit);
  void run();

  const Core core_;
  State& state_;
  const std::shared_ptr<State::Outbox> outbox_;
  std::thread thread_;
};

MemoryStream::MemoryProducer::MemoryProducer(const Core& core, DeliveryHandler on_delivery)
    : core_(core), state_(*core_.state), outbox_(std::make_shared<State::Outbox>()) {
  outbox_->link = core_.link;
  outbox_->on_delivery = std::move(on_delivery);
  {
    const std::lock_guard lock(state_.mutex);
    state_.outboxes.push_back(outbox_);
  }
  if (state_.options.threads) thread_ = std::thread([this] { run(); });
}

void MemoryStream::MemoryProducer::run() {
  std::unique_lock lock(state_.mutex);
  for (;;) {
    state_.settle(*outbox_);
    if (state_.deliver(*outbox_, lock) > 0) continue;
    if (outbox_->stopping) return;
    if (outbox_->lanes.empty())
      outbox_->changed.wait(lock);
    else
      outbox_->changed.wait_for(lock, state_.nap(RealTime::now() + State::kLongestWait));
  }
}

/// Which partition the draft goes to, or why it goes nowhere.
Result<std::int32_t> MemoryStream::MemoryProducer::place(const Draft& draft) const {
  if (outbox_->closed) return error(Errc::closed, "the producer is closed");
  if (outbox_->fatal) return *outbox_->fatal;
  const auto topic = state_.find(draft.topic);
  if (!topic) return topic.error();
  if (!draft.partition) return partition_of(draft.key, (*topic)->spec.partitions);
  const auto chosen = state_.find(TopicPartition{std::string(draft.topic), *draft.partition});
  if (!chosen) return chosen.error();
  return *draft.partition;
}

Status MemoryStream::MemoryProducer::send(const Draft& draft, std::uint64_t token) {
  if (auto checked = check(draft); !checked) return checked;
  Result<std::int32_t> partition = 0;
  {
    const std::lock_guard lock(state_.mutex);
    partition = place(draft);
  }
  if (!partition) return partition.error();
  const auto& decide = core_.link->options.fate;
  return take(draft, token, *partition, decide ? decide(draft) : SendFate{});
}

Status MemoryStream::MemoryProducer::take(const Draft& draft, std::uint64_t token,
                                          std::int32_t partition, SendFate fate) {
  const auto& bounds = core_.link->options;
  const std::size_t bytes = record_bytes(draft);
  const std::lock_guard lock(state_.mutex);
  if (const auto again = place(draft); !again) return again.error();
  if (fate.fault == SendFault::queue_full || outbox_->records >= bounds.max_in_flight_records ||
      (outbox_->records > 0 && outbox_->bytes + bytes > bounds.max_in_flight_bytes))
    return error(Errc::queue_full, std::to_string(outbox_->records) + " records with " +
                                       std::to_string(outbox_->bytes) + " bytes are in flight");

  auto record = std::make_shared<State::Stored>();
  record->topic = (*state_.find(draft.topic))->name;
  record->partition = partition;
  record->append_time = state_.clock.now();
  record->key = draft.key;
  record->value = draft.value;
  record->header_text.reserve(draft.headers.size());
  for (const Header& header : draft.headers)
    record->header_text.emplace_back(header.name, header.value);
  for (const auto& [name, value] : record->header_text)
    record->headers.push_back({name, value});

  ++outbox_->records;
  outbox_->bytes += bytes;
  auto& lane = outbox_->lanes[{std::string(draft.topic), partition}];
  lane.push_back({++outbox_->last_sequence, token, bytes, fate.fault,
                  state_.clock.steady() + fate.delay, std::move(record)});
  state_.settle(*outbox_);
  outbox_->changed.notify_all();
  return {};
}

bool MemoryStream::MemoryProducer::flush(milliseconds limit) {
  std::unique_lock lock(state_.mutex);
  return flush(lock, limit);
}

bool MemoryStream::MemoryProducer::flush(std::unique_lock<std::mutex>& lock, milliseconds limit) {
  const std::uint64_t target = outbox_->last_sequence;
  const auto reported = [&] { return outbox_->all_reported(target); };
  if (state_.options.threads) return outbox_->changed.wait_until(lock, after(limit), reported);
  do {
    state_.settle(*outbox_);
  } while (!reported() && state_.deliver(*outbox_, lock) > 0);
  return reported();
}

void MemoryStream::MemoryProducer::close(milliseconds limit) {
  {
    std::unique_lock lock(state_.mutex);
    outbox_->closed = true;
    if (!outbox_->killed) {
      flush(lock, limit);
      state_.give_up(*outbox_, core_.silent() ? Errc::unreachable : Errc::timed_out);
      while (!thread_.joinable() && state_.deliver(*outbox_, lock) > 0) {
      }
    }
    outbox_->stopping = true;
    outbox_->changed.notify_all();
    state_.forget(outbox_);
  }
  if (thread_.joinable()) thread_.join();
}

std::optional<Error> MemoryStream::MemoryProducer::fatal_error() const {
  const std::lock_guard lock(state_.mutex);
  return outbox_->fatal;
}

// ---- consumer

class MemoryStream::MemoryConsumer final : public Consumer {
 public:
  using State = MemoryLog::State;

  explicit MemoryConsumer(const Core& core) : core_(core), state_(*core_.state) {}

  Status assign(std::span<const Position> positions) override;
  Status unassign(std::span<const TopicPartition> partitions) override;
  Result<Batch> poll(std::size_t max, milliseconds wait) override;
  void wake() override;
  Result<std::vector<Extent>> extents(std::span<const TopicPartition> partitions,
                                      milliseconds limit) override;
  std::string health() const override;

 private:
  struct Reading {
    std::int64_t next = 0;
    bool failed = false;  // told; silent until assigned again
  };
  using Stored = std::shared_ptr<const State::Stored>;
  struct Harvest {
    std::vector<Stored> records;
    std::vector<PartitionError> errors;
  };

  std::optional<Error> trouble(const TopicPartition& at, const Reading& reading) const;
  std::vector<TopicPartition> readable(Harvest& harvest);
  void take(const TopicPartition& at, std::size_t max, Harvest& harvest);
  Harvest gather(std::size_t max);

  const Core core_;
  State& state_;
  std::map<TopicPartition, Reading> readings_;
  TopicPartition last_served_;
  bool woken_ = false;
};

Status MemoryStream::MemoryConsumer::assign(std::span<const Position> positions) {
  const std::lock_guard lock(state_.mutex);
  for (const Position& position : positions) {
    std::int64_t next = position.offset;
    // What does not exist is told by the next poll.
    if (const auto partition = state_.find(position.at)) {
      if (next == Position::kStart) next = (*partition)->start;
      if (next == Position::kEnd) next = (*partition)->end;
    }
    readings_[position.at] = {next, false};
  }
  return {};
}

Status MemoryStream::MemoryConsumer::unassign(std::span<const TopicPartition> partitions) {
  const std::lock_guard lock(state_.mutex);
  for (const TopicPartition& at : partitions)
    readings_.erase(at);
  return {};
}

std::optional<Error> MemoryStream::MemoryConsumer::trouble(const TopicPartition& at,
                                                           const Reading& reading) const {
  const auto partition = state_.find(at);
  if (!partition) return partition.error();
  if (reading.next >= (*partition)->start && reading.next <= (*partition)->end) return std::nullopt;
  return error(Errc::position_lost,
               at.topic + "/" + std::to_string(at.partition) + " holds offsets from " +
                   std::to_string((*partition)->start) + " up to " +
                   std::to_string((*partition)->end) + ", not " + std::to_string(reading.next));
}

/// The partitions that have records to give, in turn: the one after the last served comes first.
std::vector<TopicPartition> MemoryStream::MemoryConsumer::readable(Harvest& harvest) {
  std::vector<TopicPartition> found;
  for (auto& [at, reading] : readings_) {
    if (reading.failed) continue;
    if (auto why = trouble(at, reading)) {
      reading.failed = true;
      harvest.errors.push_back({at, std::move(*why)});
    } else if (reading.next < (*state_.find(at))->end) {
      found.push_back(at);
    }
  }
  std::ranges::rotate(found, std::ranges::upper_bound(found, last_served_));
  return found;
}

void MemoryStream::MemoryConsumer::take(const TopicPartition& at, std::size_t max,
                                        Harvest& harvest) {
  Reading& reading = readings_.at(at);
  const State::Partition& partition = **state_.find(at);
  auto next = std::ranges::lower_bound(partition.records, reading.next, {},
                                       [](const Stored& record) { return record->offset; });
  for (; max > 0 && next != partition.records.end(); ++next, --max) {
    harvest.records.push_back(*next);
    reading.next = (*next)->offset + 1;
    last_served_ = at;
  }
  if (next == partition.records.end()) reading.next = partition.end;
}

MemoryStream::MemoryConsumer::Harvest MemoryStream::MemoryConsumer::gather(std::size_t max) {
  Harvest harvest;
  if (core_.silent()) return harvest;
  const auto sources = readable(harvest);
  if (sources.empty() || max == 0) return harvest;
  // A fair share each first, then what is left to whoever has more.
  const std::size_t share = std::max<std::size_t>(1, max / sources.size());
  for (const std::size_t most : {share, max})
    for (const TopicPartition& at : sources)
      take(at, std::min(most, max - harvest.records.size()), harvest);
  return harvest;
}

Result<Batch> MemoryStream::MemoryConsumer::poll(std::size_t max, milliseconds wait) {
  const auto give_up = after(wait);
  std::unique_lock lock(state_.mutex);
  for (;;) {
    state_.settle();
    auto harvest = gather(max);
    if (!harvest.records.empty() || !harvest.errors.empty()) {
      std::vector<Record> records;
      records.reserve(harvest.records.size());
      for (const Stored& stored : harvest.records)
        records.push_back({*stored->topic, stored->partition, stored->offset, stored->append_time,
                           stored->key, stored->value, stored->headers});
      auto owner = std::make_shared<const std::vector<Stored>>(std::move(harvest.records));
      return Batch(std::move(records), std::move(harvest.errors), std::move(owner));
    }
    if (std::exchange(woken_, false) || !state_.options.threads || RealTime::now() >= give_up)
      return Batch();
    state_.changed.wait_for(lock, state_.nap(give_up));
  }
}

void MemoryStream::MemoryConsumer::wake() {
  const std::lock_guard lock(state_.mutex);
  woken_ = true;
  state_.changed.notify_all();
}

Result<std::vector<Extent>> MemoryStream::MemoryConsumer::extents(
    std::span<const TopicPartition> partitions, milliseconds /*limit*/) {
  const std::lock_guard lock(state_.mutex);
  if (core_.silent()) return cut_off_error();
  state_.settle();
  std::vector<Extent> extents;
  for (const TopicPartition& at : partitions) {
    const auto partition = state_.find(at);
    if (!partition) return partition.error();
    extents.push_back({(*partition)->start, (*partition)->end});
  }
  return extents;
}

std::string MemoryStream::MemoryConsumer::health() const {
  const std::lock_guard lock(state_.mutex);
  return core_.silent() ? cut_off_error().detail : std::string();
}

// ---- membership

/// Passes everything on to the log's groups while the stream is not cut off.
class MemoryStream::MemoryMembership final : public Membership {
 public:
  using State = MemoryLog::State;

  MemoryMembership(const Core& core, std::unique_ptr<Membership> share)
      : core_(core), state_(*core_.state), share_(std::move(share)) {}
  ~MemoryMembership() override { leave(milliseconds(0)); }

  Result<MembershipChange> poll(milliseconds wait) override {
    const auto give_up = after(wait);
    {
      std::unique_lock lock(state_.mutex);
      while (core_.silent()) {
        if (!state_.options.threads || RealTime::now() >= give_up) return MembershipChange{};
        state_.changed.wait_for(lock, state_.nap(give_up));
      }
    }
    if (!share_) return error(Errc::closed, "the member has left its group");
    return share_->poll(
        std::max(milliseconds(0), std::chrono::ceil<milliseconds>(give_up - RealTime::now())));
  }

  void report(std::span<const Position> positions) override {
    if (share_ && connected()) share_->report(positions);
  }

  void leave(milliseconds limit) override {
    if (!share_) return;
    if (connected()) {
      share_->leave(limit);
      share_.reset();
    } else {
      const std::lock_guard lock(state_.mutex);
      state_.silent.push_back(std::move(share_));
    }
  }

 private:
  bool connected() const {
    const std::lock_guard lock(state_.mutex);
    return !core_.silent();
  }

  const Core core_;
  State& state_;
  std::unique_ptr<Membership> share_;
};

// ---- admin

class MemoryStream::MemoryAdmin final : public Admin {
 public:
  explicit MemoryAdmin(const Core& core) : core_(core), state_(*core_.state) {}

  Status ensure_topics(std::span<const TopicSpec> topics) override;
  Result<std::vector<std::optional<std::int32_t>>> partitions(
      std::span<const std::string> topics) override;
  Status truncate(const TopicPartition& at, std::int64_t offset) override;
  Status remove_topics(std::span<const std::string> topics) override;

 private:
  Status fits(const TopicSpec& spec) const;

  const Core core_;
  MemoryLog::State& state_;
};

Status MemoryStream::MemoryAdmin::fits(const TopicSpec& spec) const {
  if (spec.name.empty() || spec.partitions < 1)
    return error(Errc::bad_config, "a topic has a name and at least one partition");
  const auto topic = state_.find(spec.name);
  if (!topic || (*topic)->spec.partitions == spec.partitions) return {};
  return error(Errc::wrong_partition_count,
               "topic " + spec.name + " has " + std::to_string((*topic)->spec.partitions) +
                   " partitions, not " + std::to_string(spec.partitions) +
                   ": configure the number it has, or use another topic prefix");
}

Status MemoryStream::MemoryAdmin::ensure_topics(std::span<const TopicSpec> topics) {
  const std::lock_guard lock(state_.mutex);
  if (core_.silent()) return cut_off_error();
  for (const TopicSpec& spec : topics)
    if (auto fit = fits(spec); !fit) return fit;
  for (const TopicSpec& spec : topics) {
    if (state_.find(spec.name)) continue;
    state_.topics[spec.name] = {
        spec, std::make_shared<const std::string>(spec.name),
        std::vector<MemoryLog::State::Partition>(static_cast<std::size_t>(spec.partitions))};
  }
  state_.changed.notify_all();
  return {};
}

Result<std::vector<std::optional<std::int32_t>>> MemoryStream::MemoryAdmin::partitions(
    std::span<const std::string> topics) {
  const std::lock_guard lock(state_.mutex);
  if (core_.silent()) return cut_off_error();
  std::vector<std::optional<std::int32_t>> counts;
  for (const std::string& name : topics) {
    const auto topic = state_.find(name);
    counts.push_back(topic ? std::optional((*topic)->spec.partitions) : std::nullopt);
  }
  return counts;
}

Status MemoryStream::MemoryAdmin::truncate(const TopicPartition& at, std::int64_t offset) {
  const std::lock_guard lock(state_.mutex);
  if (core_.silent()) return cut_off_error();
  const auto found = state_.find(at);
  if (!found) return found.error();
  auto& partition = **found;
  if (offset < 0 || offset > partition.end)
    return error(Errc::position_lost, at.topic + "/" + std::to_string(at.partition) + " ends at " +
                                          std::to_string(partition.end) + ", before " +
                                          std::to_string(offset));
  partition.start = std::max(partition.start, offset);
  while (!partition.records.empty() && partition.records.front()->offset < partition.start)
    partition.records.pop_front();
  state_.changed.notify_all();
  return {};
}

Status MemoryStream::MemoryAdmin::remove_topics(std::span<const std::string> topics) {
  const std::lock_guard lock(state_.mutex);
  if (core_.silent()) return cut_off_error();
  for (const std::string& name : topics)
    if (const auto topic = state_.find(name); !topic) return topic.error();
  for (const std::string& name : topics)
    state_.topics.erase(name);
  state_.changed.notify_all();
  return {};
}

// ---- stream

MemoryStream::MemoryStream(std::shared_ptr<MemoryLog> log, MemoryStreamOptions options)
    : log_(std::move(log)), core_(std::make_unique<Core>()) {
  core_->state = log_->state_;
  core_->link = std::make_shared<MemoryLog::State::Link>();
  core_->link->options = std::move(options);
}

MemoryStream::~MemoryStream() = default;

Result<std::unique_ptr<Producer>> MemoryStream::producer(DeliveryHandler on_delivery) {
  return std::unique_ptr<Producer>(
      std::make_unique<MemoryProducer>(*core_, std::move(on_delivery)));
}

Result<std::unique_ptr<Consumer>> MemoryStream::consumer() {
  return std::unique_ptr<Consumer>(std::make_unique<MemoryConsumer>(*core_));
}

Result<std::unique_ptr<Membership>> MemoryStream::join(const std::string& group,
                                                       const std::string& anchor_topic,
                                                       const std::string& member) {
  std::int32_t partitions = 0;
  {
    const std::lock_guard lock(core_->state->mutex);
    if (core_->silent()) return cut_off_error();
    const auto topic = core_->state->find(anchor_topic);
    if (!topic) return topic.error();
    partitions = (*topic)->spec.partitions;
  }
  auto share = log_->groups().join(group, anchor_topic, partitions, member);
  if (!share) return share.error();
  return std::unique_ptr<Membership>(std::make_unique<MemoryMembership>(*core_, std::move(*share)));
}

Result<std::unique_ptr<Admin>> MemoryStream::admin(milliseconds /*limit*/) {
  return std::unique_ptr<Admin>(std::make_unique<MemoryAdmin>(*core_));
}

std::size_t MemoryStream::pump() {
  std::unique_lock lock(core_->state->mutex);
  core_->state->settle();
  const auto all = core_->state->outboxes;  // handlers may make and close producers
  std::size_t count = 0;
  for (const auto& outbox : all)
    if (outbox->link == core_->link) count += core_->state->deliver(*outbox, lock);
  return count;
}

void MemoryStream::cut_off(bool cut) {
  const std::lock_guard lock(core_->state->mutex);
  core_->link->cut = cut;
  core_->state->settle();
  core_->state->changed.notify_all();
  for (const auto& outbox : core_->state->outboxes)
    outbox->changed.notify_all();
}

void MemoryStream::kill() {
  const std::lock_guard lock(core_->state->mutex);
  core_->link->dead = true;
  for (const auto& outbox : core_->state->outboxes) {
    if (outbox->link != core_->link) continue;
    outbox->killed = true;
    outbox->closed = true;
    outbox->stopping = true;
    outbox->reports.clear();
    if (core_->link->cut) outbox->lanes.clear();
    outbox->changed.notify_all();
  }
  core_->state->changed.notify_all();
}

}  // namespace dropline::stream
