#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dropline/stream/appender.hpp"
#include "dropline/worker/loop.hpp"
#include "dropline/worker/publisher.hpp"
#include "dropline/worker/shard_ledger.hpp"

namespace dropline::worker {

/// Messages become outbox rows of the transaction and are published after its commit; rows that are
/// wholly in the log go with the next transaction.
class OutboxOutlet final : public Outlet {
 public:
  OutboxOutlet(std::string service, Publisher& publisher)
      : ledger_(std::move(service)), publisher_(publisher) {}

  Status put(store::Session& session, std::span<const Parcel> parcels) override;
  Status take_over(store::Session& session, std::span<const Shard> shards) override;
  void committed() override;
  void rolled_back() override;
  void forget(Shard shard) override;
  [[nodiscard]] bool has_room() const override { return publisher_.has_room(); }
  [[nodiscard]] bool settling(Shard shard) const override { return publisher_.busy(shard); }

  /// Finished rows wait for a transaction to be removed in.
  [[nodiscard]] bool wants_transaction() const { return !finished_.empty(); }
  /// Takes over from the publisher what is wholly in the log.
  void collect();

 private:
  ShardLedger ledger_;
  Publisher& publisher_;
  std::vector<OutboxRow> staged_;  ///< of the open transaction
  std::vector<std::pair<Shard, std::int64_t>> finished_;
  std::size_t removing_ = 0;  ///< of finished_, in the open transaction
};

/// Messages are appended to the log in the same transaction: embedded mode.
class AppendOutlet final : public Outlet {
 public:
  explicit AppendOutlet(stream::Appender& appender) : appender_(appender) {}

  Status put(store::Session& session, std::span<const Parcel> parcels) override;
  Status take_over(store::Session&, std::span<const Shard>) override { return {}; }
  void committed() override {}
  void rolled_back() override {}
  void forget(Shard) override {}
  [[nodiscard]] bool has_room() const override { return true; }
  [[nodiscard]] bool settling(Shard) const override { return false; }

 private:
  stream::Appender& appender_;
};

}  // namespace dropline::worker
