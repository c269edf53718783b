#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/base/time.hpp"
#include "dropline/store/database.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::worker {

/// A shard's row, as read and, at the end of a batch, as written back.
struct ShardRow {
  Shard shard{};
  std::int64_t epoch = 0;
  std::int64_t seq = 0;  ///< of the last batch that said something
  std::string positions;
  std::string watermarks;
};

struct OutboxRow {
  Shard shard{};
  std::int64_t seq = 0;
  std::string frames;
};

/// A record that waits because an earlier one of its order was set aside.
struct HeldRecord {
  Shard shard{};
  std::string order;
  std::int64_t place = 0;  ///< grows with time within the order
  std::string topic;
  std::int64_t offset = 0;
  std::string frames;  ///< the record, framed
  std::string reason;  ///< empty for those that only wait behind the first
  std::string action;  ///< empty, "redrive" or "drop": what an operator asked for
};

/// The consumer loop's own tables in one service's schema: {shards}, {outbox}, {held}. Every call
/// is one statement or a fixed few, never one a row, within the caller's transaction.
///
/// An owner claims a shard (its epoch grows), and each later transaction locks the row and finds
/// the epoch it claimed, or writes nothing. That is all that keeps a stale owner out.
class ShardLedger final {
 public:
  explicit ShardLedger(std::string service) : service_(std::move(service)) {}

  /// Creates missing rows, raises the epochs and returns the rows, in shard order.
  [[nodiscard]] Result<std::vector<ShardRow>> claim(store::Session& session,
                                                    std::span<const Shard> shards) const;

  /// Locks the rows until the transaction ends, in shard order, and returns them.
  [[nodiscard]] Result<std::vector<ShardRow>> lock(store::Session& session,
                                                   std::span<const Shard> shards) const;

  /// Writes back rows that this transaction has locked and found unchanged.
  [[nodiscard]] Status save(store::Session& session, std::span<const ShardRow> rows) const;

  [[nodiscard]] Status add_outbox(store::Session& session, std::span<const OutboxRow> rows) const;
  /// Removes rows that are wholly in the log.
  [[nodiscard]] Status forget_outbox(store::Session& session,
                                     std::span<const std::pair<Shard, std::int64_t>> rows) const;
  /// What the shards' earlier owners committed and may not have published, in order.
  [[nodiscard]] Result<std::vector<OutboxRow>> outbox(store::Session& session,
                                                      std::span<const Shard> shards) const;

  [[nodiscard]] Status hold(store::Session& session, std::span<const HeldRecord> records) const;
  /// Orders of these shards that have something held.
  [[nodiscard]] Result<std::vector<HeldRecord>> held(store::Session& session,
                                                     std::span<const Shard> shards) const;
  [[nodiscard]] Status release_held(store::Session& session, Shard shard,
                                    std::string_view order) const;

 private:
  std::string service_;
};

}  // namespace dropline::worker
