#pragma once

#include "dropline/stock/stock.hpp"
#include "dropline/stock/stock_store.hpp"
#include "dropline/worker/service.hpp"
#include "dropline/worker/state_versions.hpp"

namespace dropline::stock {

/// Reads `orders.commands`, judges each record at its offset, answers on `stock.events` and shows
/// what is left on `stock.levels`: one record for each offer and drop that a batch changed, and a
/// heartbeat a second from every shard. Follows `stock.levels` too: where a copy comes late, behind
/// a newer one, it says the current row again.
class StockWorker final : public worker::Service {
 public:
  static constexpr std::chrono::seconds kHeartbeat{1};
  /// Levels of drops that closed longer ago are not published again by a new owner.
  static constexpr std::chrono::hours kRepublish{24 * 7};

  StockWorker();

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }
  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override;
  Status claimed(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override;
  Status reject(const worker::Incoming& incoming, worker::Unit& unit) override;
  [[nodiscard]] bool heeds(const worker::Incoming& record) override;

 private:
  worker::ServiceSpec spec_;
  worker::StateVersions levels_;
};

}  // namespace dropline::stock
