#pragma once

#include <chrono>

#include "dropline/rankings/rankings.hpp"
#include "dropline/worker/service.hpp"
#include "dropline/worker/state_versions.hpp"

namespace dropline::rankings {

struct Terms {
  /// How often the best are added up; they are told where something has changed.
  std::chrono::milliseconds refresh{5'000};
  /// A week is closed so long after its end: what was paid before may still be on its way here.
  std::chrono::milliseconds grace{60'000};
};

/// Counts what was paid, cancelled and refunded on `orders.events`, keyed by member. The owner of
/// shard 0 adds up what all shards counted and tells it on `rankings.snapshots`; it follows that
/// topic, so that a copy of an earlier owner never stays the last.
class RankingsWorker final : public worker::Service {
 public:
  explicit RankingsWorker(const Terms& terms = {});

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;
  [[nodiscard]] bool heeds(const worker::Incoming& record) override;
  Status claimed(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override;

 private:
  Status tell(worker::Unit& unit, const contracts::RankingSnapshot& snapshot);

  worker::ServiceSpec spec_;
  Terms terms_;
  worker::StateVersions versions_;
};

}  // namespace dropline::rankings
