#pragma once

#include <cstdint>
#include <unordered_set>

#include "dropline/contracts/envelope.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/table.hpp"
#include "outcomes.hpp"

namespace dropline::audit {

/// Points' ledger beside what it was made for (orders' steps) and what points told of it. Of each
/// fact a number of 64 bits is kept.
class RewardChecks final {
 public:
  RewardChecks(Outcomes& out, store::Session& session) : out_(out), session_(session) {}
  static void announce(Outcomes& out);

  /// Of `orders.events` and `points.events`.
  void take(const stream::Record& record, const contracts::Envelope& envelope);
  [[nodiscard]] Status finish();

 private:
  void compare(const store::Rows::Row& row);

  Outcomes& out_;
  store::Session& session_;
  std::unordered_set<std::uint64_t> causes_;  ///< order, member, kind, money, time
  std::unordered_set<std::uint64_t> told_;    ///< order, member, points, balance, time
  std::size_t entries_told_ = 0;              ///< that were met in the ledger
};

}  // namespace dropline::audit
