#include "dropline/rankings/rankings.hpp"

#include <algorithm>
#include <chrono>

namespace dropline::rankings {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about
using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;

constexpr Hour kHoursADay = 24;
constexpr Hour kHoursAWeek = 7 * kHoursADay;
/// 1970-01-02 was a Friday, and 17:00 in Seoul is 08:00 UTC.
constexpr Hour kFirstSnapshot = kHoursADay + 17 - 9;

/// A bank transfer is paid days after it was placed: what counts is when. An ordering that did not
/// tell that said when the order was placed, of sale and refund alike.
Hour hour_sold(const OrderStep& order) {
  return hour_of(order.paid_at.value_or(order.placed_at));
}

void add(Sales& sales, const OrderStep& order, std::int32_t shard, const Sku& sku,
         const ProductId& product, std::int64_t units) {
  auto& sale = sales[{hour_sold(order), sku, shard}];
  sale.product = product;
  sale.units += units;
}

void take_all_off(Sales& sales, const OrderStep& order, std::int32_t shard) {
  for (const auto& line : order.lines)
    add(sales, order, shard, line.sku, line.product, -line.quantity);
}

void take_off(Sales& sales, const OrderRefundStep& order, std::int32_t shard) {
  for (const auto& back : order.refunded_lines) {
    const auto line = std::ranges::find(order.lines, back.sku, &PricedLine::sku);
    if (line != order.lines.end())
      add(sales, order, shard, back.sku, line->product, -back.quantity);
  }
}

}  // namespace

Hour hour_of(Timestamp at) {
  return floor<hours>(at.time_since_epoch()).count();
}

Timestamp time_of(Hour hour) {
  return Timestamp(hours(hour));
}

void count(Sales& sales, const OrderPaid& order, std::int32_t shard) {
  for (const auto& line : order.lines)
    add(sales, order, shard, line.sku, line.product, line.quantity);
}

void count(Sales& sales, const OrderCancelled& order, std::int32_t shard) {
  if (order.paid_at || order.refunded.minor > 0) take_all_off(sales, order, shard);
}

void count(Sales& sales, const OrderPartlyRefunded& order, std::int32_t shard) {
  take_off(sales, order, shard);
}

void count(Sales& sales, const OrderRefunded& order, std::int32_t shard) {
  take_off(sales, order, shard);
}

Span last_three_days(Timestamp now) {
  const auto until = hour_of(now) + 1;
  return {until - 3 * kHoursADay, until};
}

Span last_week(Timestamp now) {
  const auto weeks = (hour_of(now) - kFirstSnapshot) / kHoursAWeek;
  const auto until = kFirstSnapshot + weeks * kHoursAWeek;
  return {until - kHoursAWeek, until};
}

std::vector<RankedSku> best_of(std::vector<Sum> sums) {
  std::erase_if(sums, [](const Sum& sum) { return sum.units <= 0; });
  std::ranges::sort(sums, [](const Sum& a, const Sum& b) {
    return a.units != b.units ? a.units > b.units : a.sku < b.sku;
  });
  if (sums.size() > static_cast<std::size_t>(kMaxRanks)) sums.resize(kMaxRanks);
  std::vector<RankedSku> best;
  for (const auto& sum : sums)
    best.push_back({sum.sku, sum.product, std::min(sum.units, kMaxExact)});
  return best;
}

}  // namespace dropline::rankings
