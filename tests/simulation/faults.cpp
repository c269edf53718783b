#include "faults.hpp"

#include <array>

#include "dropline/store/errors.hpp"

namespace dropline::simulation {
namespace {

using store::Seam;

constexpr std::array<std::string_view, 7> kSeams{"open",   "begin",     "statement", "savepoint",
                                                 "commit", "committed", "rollback"};
constexpr std::array<std::string_view, 7> kSendFaults{
    "none", "lose", "lose_answer", "lose_unseen", "duplicate", "queue_full", "fatal"};

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

void ProcessFaults::crash() {
  if (crashed_) return;
  crashed_ = true;
  if (on_crash) on_crash();
}

Status ProcessFaults::at(Seam seam, std::string_view statement) {
  if (crashed_) return store::error(store::Errc::connection_lost, "the process is dead");
  const std::string name(kSeams.at(static_cast<std::size_t>(seam)));
  const auto point =
      "store " + name + (seam == Seam::statement ? " " + std::string(statement) : "");
  const bool answer_lost = seam == Seam::committed;
  if (plan_.allows(Mishap::store_crash) && strikes(point + " (crash)")) {
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
  if (plan_.allows(Mishap::send_crash) && strikes(point + " (crash)")) {
    coverage_.hit(point + " (crash)");
    crash();
    return {};
  }
  if (!plan_.allows(Mishap::send_fault) || !strikes(point)) return {};
  coverage_.hit(point);
  return network_fate(random_, coverage_, "worker");
}

stream::SendFate network_fate(Random& random, Coverage& coverage, const std::string& whose) {
  for (std::size_t i = 1; i < kSendFaults.size(); ++i)
    coverage.passed("fault of " + whose + ' ' + std::string(kSendFaults[i]));
  stream::SendFate fate;
  fate.fault = static_cast<stream::SendFault>(random.below(kSendFaults.size()));
  if (random.below(3) == 0) fate.delay = std::chrono::milliseconds(random.below(3'000));
  if (fate.fault != stream::SendFault::none)
    coverage.hit("fault of " + whose + ' ' +
                 std::string(kSendFaults.at(static_cast<std::size_t>(fate.fault))));
  return fate;
}

}  // namespace dropline::simulation
