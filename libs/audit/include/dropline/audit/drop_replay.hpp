#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dropline/audit/finding.hpp"
#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/base/sku.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::audit {

struct DropOptions {
  std::int32_t partitions = 16;
  std::string topic_prefix;
  /// Commands that need a signature count only with a good one, as in stock. Not owned.
  const contracts::CommandKeys* keys = nullptr;
};

/// Other terms than the drop was opened with; what is absent stays.
struct OtherTerms {
  std::optional<std::int64_t> stock;     ///< units of every offer
  std::map<Sku, std::int64_t> stock_of;  ///< units of one; counts before `stock`
  std::optional<std::int64_t> limit;     ///< units a member, over the whole drop

  [[nodiscard]] bool empty() const { return !stock && stock_of.empty() && !limit; }
};

struct Winner {
  OrderId order;
  MemberId member;
  std::int64_t offset = 0;
  std::int64_t units = 0;
};

/// What one drop came to, by its partition of the log and stock's rules alone.
struct DropOutcome {
  std::int32_t partition = 0;
  std::uint64_t records = 0;                    ///< of the partition
  std::uint64_t orders = 0;                     ///< first copies, of this drop
  std::vector<Winner> winners;                  ///< in the order of arrival
  std::map<std::string, std::int64_t> refused;  ///< orders by reason
  std::map<Sku, std::int64_t> granted;          ///< units, released ones counted
};

/// Reads the drop's partition of `orders.commands` from its start and judges each record with the
/// rules. With other terms every OpenDrop of the drop is read as if it had said so; releases and
/// settlements apply to the orders that they name, where these were granted units. An error where
/// no record opens the drop.
[[nodiscard]] Result<DropOutcome> replay_drop(stream::Stream& stream, const Clock& clock,
                                              const DropId& drop, const DropOptions& options,
                                              const OtherTerms& other = {});

/// The replay beside what stock told on `stock.events` and what its rows say: one finding for each
/// decision, and each count, that differs. Records behind stock's position are not judged.
struct DropAudit {
  DropOutcome outcome;
  std::vector<Finding> findings;
  std::uint64_t compared = 0;  ///< decisions
};
[[nodiscard]] Result<DropAudit> audit_drop(store::Session& session, stream::Stream& stream,
                                           const Clock& clock, const DropId& drop,
                                           const DropOptions& options);

}  // namespace dropline::audit
