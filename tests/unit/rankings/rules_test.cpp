#include <doctest/doctest.h>

#include "dropline/base/time.hpp"
#include "dropline/rankings/rankings.hpp"
#include "support/service/orders.hpp"

using namespace dropline;
using namespace dropline::rankings;
using namespace dropline::contracts;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

Timestamp at(std::string_view text) {
  return parse_rfc3339(text).value();
}

std::int64_t units(const Sales& sales, std::string_view sku, Timestamp when) {
  const auto found = sales.find({hour_of(when), Sku::parse(sku).value(), 3});
  return found == sales.end() ? 0 : found->second.units;
}

}  // namespace

TEST_CASE("a week ends on Friday at 17:00 in Seoul, and on no other hour") {
  struct Row {
    std::string_view now, until;
  };
  for (const auto& row : {
           Row{"2026-11-20T07:59:59.999999Z", "2026-11-13T08:00:00Z"},
           Row{"2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z"},
           Row{"2026-11-20T17:00:00+09:00", "2026-11-20T08:00:00Z"},
           Row{"2026-11-21T00:00:00Z", "2026-11-20T08:00:00Z"},
           Row{"2026-11-27T07:59:00Z", "2026-11-20T08:00:00Z"},
           // Korea keeps its offset when others put their clocks forward.
           Row{"2026-07-03T08:00:00Z", "2026-07-03T08:00:00Z"},
           Row{"2024-02-29T12:00:00Z", "2024-02-23T08:00:00Z"},
           Row{"1970-01-02T08:00:00Z", "1970-01-02T08:00:00Z"},
       }) {
    CAPTURE(row.now);
    const auto span = last_week(at(row.now));
    CHECK(time_of(span.until) == at(row.until));
    CHECK(span.until - span.from == 7 * 24);
  }
}

TEST_CASE("three days end with the hour under way") {
  const auto span = last_three_days(at("2026-11-21T12:34:56Z"));
  CHECK(time_of(span.until) == at("2026-11-21T13:00:00Z"));
  CHECK(time_of(span.from) == at("2026-11-18T13:00:00Z"));
}

TEST_CASE("a sale counts in the hour it was paid, and a refund is taken off that hour") {
  Sales sales;
  auto sold = paid(1, 1, {{"TEE-M", 5}, {"CAP", 2}});
  sold.paid_at = kNewYear + 3 * 24h + 5min;
  count(sales, sold, 3);
  CHECK(units(sales, "TEE-M", *sold.paid_at) == 5);
  CHECK(units(sales, "CAP", *sold.paid_at) == 2);
  CHECK(units(sales, "TEE-M", kNewYear) == 0);
  auto back =
      refunded<OrderPartlyRefunded>(1, 1, {{"TEE-M", 5}, {"CAP", 2}}, {{"TEE-M", 2}}, 2'000, 3);
  back.paid_at = sold.paid_at;
  back.entry.at = kNewYear + 9 * 24h;
  count(sales, back, 3);
  CHECK(units(sales, "TEE-M", *sold.paid_at) == 3);
  auto rest = refunded<OrderRefunded>(1, 1, {{"TEE-M", 5}, {"CAP", 2}}, {{"TEE-M", 3}, {"CAP", 2}},
                                      7'000, 4);
  rest.paid_at = sold.paid_at;
  count(sales, rest, 3);
  CHECK(units(sales, "TEE-M", *sold.paid_at) == 0);
  CHECK(units(sales, "CAP", *sold.paid_at) == 0);
}

TEST_CASE("a cancellation takes a paid order's units off, and an unpaid one's not") {
  Sales sales;
  count(sales, paid(1, 1, {{"TEE-M", 5}}), 3);
  count(sales, cancelled(1, 1, {{"TEE-M", 5}}), 3);
  CHECK(units(sales, "TEE-M", kNewYear) == 0);
  auto unpaid = cancelled(2, 1, {{"TEE-M", 5}});
  unpaid.refunded = won(0);
  count(sales, unpaid, 3);
  CHECK(units(sales, "TEE-M", kNewYear) == 0);
  auto for_nothing = cancelled(3, 1, {{"TEE-M", 4, 0}});
  for_nothing.paid_at = kNewYear;
  count(sales, for_nothing, 3);
  CHECK(units(sales, "TEE-M", kNewYear) == -4);
}

TEST_CASE("the best come first, of as many by name, and what sold nothing does not come") {
  const auto sum = [](std::string_view sku, std::int64_t units) {
    return Sum{Sku::parse(sku).value(), product(1), units};
  };
  const auto best = best_of({sum("A", 1), sum("F", 9), sum("C", 7), sum("B", 7), sum("Z", 0),
                             sum("Y", -2), sum("D", 3), sum("E", 2)});
  std::vector<std::string> names;
  for (const auto& sku : best)
    names.push_back(sku.sku.text() + ' ' + std::to_string(sku.units));
  CHECK(names == std::vector<std::string>{"F 9", "B 7", "C 7", "D 3", "E 2"});
  CHECK(best_of({}).empty());
}
