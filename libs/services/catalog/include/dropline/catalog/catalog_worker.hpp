#pragma once

#include "dropline/catalog/catalog.hpp"
#include "dropline/worker/service.hpp"
#include "dropline/worker/state_versions.hpp"

namespace dropline::catalog {

/// Reads `catalog.commands`, answers on `catalog.events`, shows products and drops on
/// `catalog.products`, one record for each that a batch changed, and proposes terms and ordinary
/// offers to stock on `orders.commands`. Follows `catalog.products` too: where a copy comes late,
/// behind a newer one, it says the current row again.
class CatalogWorker final : public worker::Service {
 public:
  /// Products retired and drops closed longer ago are not published again by a new owner.
  static constexpr std::chrono::hours kRepublish{24 * 7};

  CatalogWorker();

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;
  Status claimed(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  [[nodiscard]] bool heeds(const worker::Incoming& record) override;

 private:
  worker::ServiceSpec spec_;
  worker::StateVersions told_;
};

}  // namespace dropline::catalog
