#include "dropline/shop/charts.hpp"

#include "dropline/contracts/envelope.hpp"

namespace dropline::shop {

void Charts::take(const stream::Record& record) {
  const auto envelope = contracts::parse_envelope(record);
  if (!envelope || envelope->type != contracts::RankingSnapshot::kType) return;
  auto snapshot = contracts::decode<contracts::RankingSnapshot>(*envelope);
  if (!snapshot) return;
  const std::lock_guard guard(lock_);
  auto& known = snapshots_[snapshot->window];
  if (snapshot->version > known.version) known = std::move(*snapshot);
}

std::optional<contracts::RankingSnapshot> Charts::of(contracts::RankingWindow window) const {
  const std::lock_guard guard(lock_);
  const auto found = snapshots_.find(window);
  if (found == snapshots_.end()) return std::nullopt;
  return found->second;
}

}  // namespace dropline::shop
