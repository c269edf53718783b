#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "dropline/worker/service.hpp"

namespace dropline::worker {

/// What an owner has met of its own state topic: the highest version of each key, in memory. A
/// compacted topic keeps the last copy of a key, and the last may be one that an earlier owner had
/// still under way; whoever meets it says the current row again.
///
///     heeds(record):  return versions.met(record);       // no database
///     apply(records): for each, load its row;
///                     if (row.version > versions.of(record)) say the row again, from that shard
///                     versions.settle(record, row.version)
///     claimed(shards): versions.forget(shards)
///
/// One entry for each key met since the claim. One thread at a time.
class StateVersions final {
 public:
  /// What a record's body gives as `version`; 0 where it cannot be read.
  [[nodiscard]] static std::int64_t of(const Incoming& record);

  /// Takes note of it. True where a higher version of the key was met before, or it has none that
  /// can be read: the row must be looked at.
  [[nodiscard]] bool met(const Incoming& record);

  /// The row has this version: what is met later is compared with it. So a record that claims a
  /// version higher than any row ever had is answered no more than once.
  void settle(Shard shard, std::string_view key, std::int64_t version);

  void forget(std::span<const Shard> shards);

 private:
  std::map<Shard, std::map<std::string, std::int64_t, std::less<>>> highest_;
};

}  // namespace dropline::worker
