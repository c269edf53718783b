#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "dropline/ordering/ordering.hpp"
#include "dropline/worker/service.hpp"

namespace dropline::ordering {

/// Orders whose units are paid or go back, gathered over a batch: stock is told of all of a drop in
/// one record. These records need no id of their own: an order is settled and released once, and
/// stock passes over what it has heard.
class UnitBatches final {
 public:
  void settle(const Order& order);
  void release(const Order& order, contracts::EndCause cause);

  /// Says all of it, at most contracts::kMaxBatch orders a record.
  void say(worker::Unit& unit) const;

 private:
  /// Ordinary orders are gathered by member: their records are keyed so.
  struct Target {
    std::int32_t shard = 0;
    std::optional<DropId> drop;
    std::optional<MemberId> member;
    auto operator<=>(const Target&) const = default;
  };
  [[nodiscard]] static Target target_of(const Order& order);

  std::map<Target, std::vector<contracts::SettledOrder>> settled_;
  std::map<Target, std::vector<contracts::ReleasedOrder>> released_;
};

}  // namespace dropline::ordering
