#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/parts.hpp"

namespace dropline::audit {

/// What an order's steps told beyond its state, as prints of 64 bits: prices and discounts of its
/// lines, who it is sent to, what was given back.
struct ToldAfter {
  std::uint64_t lines = 0;     ///< as the last step has them
  std::uint64_t discount = 0;  ///< the coupon's; zero where none was told
  std::uint64_t delivery = 0;  ///< told when it was paid
  std::uint64_t refunds = 0;   ///< sum over the refunds told
  std::int64_t refunded = 0;   ///< in all, as the last refund told

  /// A step that is news.
  void take(const contracts::Envelope& step);
};

/// Holds the facts of ordering's row to it; `blame` is told a sentence for each that differs.
/// `refunded` is the row's own column.
void compare(const ToldAfter& told, std::string_view facts, std::int64_t refunded,
             contracts::OrderState state, const std::vector<contracts::TimelineEntry>& timeline,
             const std::function<void(std::string)>& blame);

}  // namespace dropline::audit
