#pragma once

#include <cstdint>
#include <map>

#include "dropline/contracts/source_marks.hpp"
#include "dropline/coupons/coupons.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/consumer.hpp"
#include "letter_checks.hpp"
#include "outcomes.hpp"
#include "readers.hpp"

namespace dropline::audit {

/// What coupons keeps beside what `coupons.commands` comes to by the rules: coupons reads nothing
/// else, so every row of its tables is a function of that topic. Holds one row of each in memory.
class CouponReplay final {
 public:
  /// `shards`: how far coupons had read before the topic is read here; `letters` must have met the
  /// dead letters.
  CouponReplay(Outcomes& out, store::Session& session, const Shards& shards,
               const LetterChecks& letters);
  static void announce(Outcomes& out);

  /// Each partition from its start, in order.
  void take(const stream::Record& record);
  /// Where the topic was cut short there is nothing to compare with.
  [[nodiscard]] Status finish(const std::vector<stream::Extent>& extents);

 private:
  [[nodiscard]] Status compare_rows();
  [[nodiscard]] Status compare_counts();

  Outcomes& out_;
  store::Session& session_;
  const LetterChecks& letters_;
  std::map<std::int32_t, std::int64_t> read_;  ///< up to where coupons has read
  contracts::SourceMarks heard_;
  coupons::Book book_;
};

}  // namespace dropline::audit
