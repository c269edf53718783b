#include "faults.hpp"

#include <array>

#include "dropline/store/errors.hpp"
#include "dropline/stream/errors.hpp"

namespace dropline::simulation {
namespace {

using store::Seam;

// A seam that is added to the store, or a fault to the stream, does not compile here (-Wswitch)
// until it has a name; kinds_of_points() then wants it struck.
constexpr std::string_view name_of(Seam seam) noexcept {
  switch (seam) {
    case Seam::open:
      return "open";
    case Seam::begin:
      return "begin";
    case Seam::statement:
      return "statement";
    case Seam::savepoint:
      return "savepoint";
    case Seam::commit:
      return "commit";
    case Seam::committed:
      return "committed";
    case Seam::rollback:
      return "rollback";
  }
  return {};
}

constexpr std::string_view name_of(stream::SendFault fault) noexcept {
  using stream::SendFault;
  switch (fault) {
    case SendFault::none:
      return "none";
    case SendFault::lose:
      return "lose";
    case SendFault::lose_answer:
      return "lose_answer";
    case SendFault::lose_unseen:
      return "lose_unseen";
    case SendFault::duplicate:
      return "duplicate";
    case SendFault::queue_full:
      return "queue_full";
    case SendFault::fatal:
      return "fatal";
  }
  return {};
}

/// Values of an enumeration that counts from 0, as long as they have a name.
template <class Enum>
std::size_t count_of() {
  std::size_t count = 0;
  while (count < 64 && !name_of(static_cast<Enum>(count)).empty())
    ++count;
  return count;
}

/// A point is struck often while it is new, so that rare ones are struck at all.
constexpr std::uint64_t kNewPassages = 12;
constexpr std::uint64_t kNewRarity = 14;

store::Errc some_error(Random& random, Seam seam) {
  if (seam == Seam::open) return store::Errc::unreachable;
  constexpr std::array kErrors{store::Errc::connection_lost, store::Errc::deadlock,
                               store::Errc::serialization,   store::Errc::busy,
                               store::Errc::timed_out,       store::Errc::disk_full,
                               store::Errc::out_of_memory};
  return kErrors.at(random.below(kErrors.size()));
}

}  // namespace

void Coverage::merge(const Coverage& other) {
  for (const auto& [point, counts] : other.points_) {
    points_[point].first += counts.first;
    points_[point].second += counts.second;
  }
}

std::size_t Coverage::hit_points() const {
  std::size_t count = 0;
  for (const auto& [point, counts] : points_)
    count += counts.second > 0 ? 1U : 0U;
  return count;
}

std::string Coverage::report() const {
  std::string text;
  for (const auto& [point, counts] : points_)
    text += point + ": passed " + std::to_string(counts.first) + ", struck " +
            std::to_string(counts.second) + '\n';
  return text;
}

ProcessFaults::ProcessFaults(std::uint64_t seed, const Plan& plan, Coverage& coverage)
    : random_(seed), plan_(plan), coverage_(coverage), rarity_(60 + random_.below(400)) {}

bool ProcessFaults::strikes(const std::string& point) {
  coverage_.passed(point);
  if (healed_) return false;
  const auto rarity = seen_[point]++ < kNewPassages ? kNewRarity + rarity_ / 8 : rarity_;
  return random_.below(rarity) == 0;
}

bool ProcessFaults::kills(const std::string& point) {
  return strikes(point + " (crash)") && !spared_;
}

void ProcessFaults::crash() {
  if (crashed_) return;
  crashed_ = true;
  if (on_crash) on_crash();
}

Status ProcessFaults::at(Seam seam, std::string_view statement) {
  if (crashed_) return store::error(store::Errc::connection_lost, "the process is dead");
  const std::string name(name_of(seam));
  const auto point =
      "store " + name + (seam == Seam::statement ? " " + std::string(statement) : "");
  const bool answer_lost = seam == Seam::committed;
  if (plan_.allows(Mishap::store_crash) && kills(point)) {
    coverage_.hit(point + " (crash)");
    crash();
    return store::error(answer_lost ? store::Errc::commit_unknown : store::Errc::connection_lost,
                        "it died here");
  }
  if (!plan_.allows(answer_lost ? Mishap::commit_answer : Mishap::store_error)) return {};
  if (!strikes(point)) return {};
  coverage_.hit(point);
  if (answer_lost) return store::error(store::Errc::commit_unknown, "the answer was lost");
  return store::error(some_error(random_, seam), "as the seed has it");
}

stream::SendFate ProcessFaults::fate(const stream::Draft& draft) {
  const auto point = "send " + std::string(draft.topic);
  if (crashed_ || healed_) return {};
  if (plan_.allows(Mishap::send_crash) && kills(point)) {
    coverage_.hit(point + " (crash)");
    crash();
    return {};
  }
  if (!plan_.allows(Mishap::send_fault) || !strikes(point)) return {};
  coverage_.hit(point);
  return network_fate(random_, coverage_, "worker");
}

Status ProcessFaults::at_port(std::string_view call) {
  if (crashed_) return stream::error(stream::Errc::unreachable, "the process is dead");
  const auto point = "port " + std::string(call);
  if (plan_.allows(Mishap::send_crash) && kills(point)) {
    coverage_.hit(point + " (crash)");
    crash();
    return stream::error(stream::Errc::unreachable, "it died here");
  }
  if (!plan_.allows(Mishap::send_fault) || !strikes(point)) return {};
  coverage_.hit(point);
  return stream::error(stream::Errc::unreachable, "as the seed has it");
}

stream::SendFate network_fate(Random& random, Coverage& coverage, const std::string& whose) {
  const auto point = [&whose](stream::SendFault fault) {
    return "fault of " + whose + ' ' + std::string(name_of(fault));
  };
  const auto kinds = count_of<stream::SendFault>();
  for (std::size_t i = 1; i < kinds; ++i)
    coverage.passed(point(static_cast<stream::SendFault>(i)));
  stream::SendFate fate;
  fate.fault = static_cast<stream::SendFault>(random.below(kinds));
  if (random.below(3) == 0) fate.delay = std::chrono::milliseconds(random.below(3'000));
  if (fate.fault != stream::SendFault::none) coverage.hit(point(fate.fault));
  return fate;
}

std::vector<std::string> kinds_of_points() {
  std::vector<std::string> kinds;
  for (std::size_t i = 0; i < count_of<Seam>(); ++i)
    kinds.push_back("store " + std::string(name_of(static_cast<Seam>(i))));
  for (std::size_t i = 1; i < count_of<stream::SendFault>(); ++i)
    for (const char* whose : {"worker ", "others "})
      kinds.push_back(std::string("fault of ") + whose +
                      std::string(name_of(static_cast<stream::SendFault>(i))));
  for (const char* call :
       {"producer", "consumer", "join", "assign", "unassign", "poll", "extents", "membership"})
    kinds.push_back(std::string("port ") + call);
  for (std::size_t i = static_cast<std::size_t>(Mishap::kill);
       i < static_cast<std::size_t>(Mishap::outside_fault); ++i)
    kinds.push_back("mishap " + std::string(name_of(static_cast<Mishap>(i))));
  return kinds;
}

std::optional<std::uint64_t> Coverage::struck(std::string_view prefix) const {
  std::optional<std::uint64_t> sum;
  for (const auto& [point, counts] : points_)
    if (point.starts_with(prefix)) sum = sum.value_or(0) + counts.second;
  return sum;
}

// ---- the stream's port

namespace {

class FaultyProducer final : public stream::Producer {
 public:
  explicit FaultyProducer(std::unique_ptr<stream::Producer> inner) : inner_(std::move(inner)) {}
  // What can become of a record is decided by the log: ProcessFaults::fate().
  Status send(const stream::Draft& draft, std::uint64_t token) override {
    return inner_->send(draft, token);
  }
  bool flush(std::chrono::milliseconds limit) override { return inner_->flush(limit); }
  void close(std::chrono::milliseconds limit) override { inner_->close(limit); }
  std::optional<Error> fatal_error() const override { return inner_->fatal_error(); }

 private:
  std::unique_ptr<stream::Producer> inner_;
};

class FaultyConsumer final : public stream::Consumer {
 public:
  FaultyConsumer(std::unique_ptr<stream::Consumer> inner, ProcessFaults& faults)
      : inner_(std::move(inner)), faults_(faults) {}
  Status assign(std::span<const stream::Position> positions) override {
    if (auto fault = faults_.at_port("assign"); !fault) return fault;
    return inner_->assign(positions);
  }
  Status unassign(std::span<const stream::TopicPartition> partitions) override {
    if (auto fault = faults_.at_port("unassign"); !fault) return fault;
    return inner_->unassign(partitions);
  }
  Result<stream::Batch> poll(std::size_t max, std::chrono::milliseconds wait) override {
    if (auto fault = faults_.at_port("poll"); !fault) return fault.error();
    return inner_->poll(max, wait);
  }
  void wake() override { inner_->wake(); }
  Result<std::vector<stream::Extent>> extents(std::span<const stream::TopicPartition> partitions,
                                              std::chrono::milliseconds limit) override {
    if (auto fault = faults_.at_port("extents"); !fault) return fault.error();
    return inner_->extents(partitions, limit);
  }
  std::string health() const override { return inner_->health(); }

 private:
  std::unique_ptr<stream::Consumer> inner_;
  ProcessFaults& faults_;
};

class FaultyMembership final : public stream::Membership {
 public:
  FaultyMembership(std::unique_ptr<stream::Membership> inner, ProcessFaults& faults)
      : inner_(std::move(inner)), faults_(faults) {}
  Result<stream::MembershipChange> poll(std::chrono::milliseconds wait) override {
    if (auto fault = faults_.at_port("membership"); !fault) return fault.error();
    return inner_->poll(wait);
  }
  void report(std::span<const stream::Position> positions) override { inner_->report(positions); }
  void leave(std::chrono::milliseconds limit) override { inner_->leave(limit); }

 private:
  std::unique_ptr<stream::Membership> inner_;
  ProcessFaults& faults_;
};

}  // namespace

Result<std::unique_ptr<stream::Producer>> FaultyStream::producer(
    stream::DeliveryHandler on_delivery) {
  if (auto fault = faults_.at_port("producer"); !fault) return fault.error();
  auto inner = inner_.producer(std::move(on_delivery));
  if (!inner) return inner;
  return std::make_unique<FaultyProducer>(std::move(*inner));
}

Result<std::unique_ptr<stream::Consumer>> FaultyStream::consumer() {
  if (auto fault = faults_.at_port("consumer"); !fault) return fault.error();
  auto inner = inner_.consumer();
  if (!inner) return inner;
  return std::make_unique<FaultyConsumer>(std::move(*inner), faults_);
}

Result<std::unique_ptr<stream::Membership>> FaultyStream::join(const std::string& group,
                                                               const std::string& anchor_topic,
                                                               const std::string& member) {
  if (auto fault = faults_.at_port("join"); !fault) return fault.error();
  auto inner = inner_.join(group, anchor_topic, member);
  if (!inner) return inner;
  return std::make_unique<FaultyMembership>(std::move(*inner), faults_);
}

Result<std::unique_ptr<stream::Admin>> FaultyStream::admin(std::chrono::milliseconds limit) {
  return inner_.admin(limit);
}

}  // namespace dropline::simulation
