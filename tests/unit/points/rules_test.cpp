#include <doctest/doctest.h>

#include <algorithm>
#include <variant>

#include "dropline/base/random.hpp"
#include "dropline/points/points.hpp"
#include "support/service/orders.hpp"

using namespace dropline;
using namespace dropline::points;
using namespace dropline::contracts;
using namespace dropline::testing;

namespace {

using Fact = std::variant<OrderPaid, OrderCancelled, OrderPartlyRefunded, OrderRefunded>;

struct Desk {
  Book book;
  Terms terms{100};

  /// What was given (or taken) by the fact.
  std::int64_t operator()(const Fact& fact) {
    const auto from = std::visit(
        [this]<class T>(const T& message) {
          if constexpr (std::same_as<T, OrderPaid>)
            return accrue(book, terms, message, kNewYear);
          else
            return reverse(book, message, kNewYear);
        },
        fact);
    std::int64_t sum = 0;
    for (auto i = from; i < book.entries.size(); ++i)
      sum += book.entries[i].points;
    return sum;
  }
  [[nodiscard]] std::int64_t balance(std::uint32_t who) const {
    const auto found = book.balances.find(member(who));
    return found == book.balances.end() ? 0 : found->second.balance;
  }
};

OrderPartlyRefunded part(std::uint32_t id, std::uint32_t who, std::int64_t amount,
                         std::int64_t total, std::int64_t version) {
  return refunded<OrderPartlyRefunded>(id, who, {{"TEE-M", 1, 10'000}}, {{"TEE-M", 1, amount}},
                                       total, version);
}
OrderRefunded last(std::uint32_t id, std::uint32_t who, std::int64_t amount, std::int64_t total,
                   std::int64_t version) {
  return refunded<OrderRefunded>(id, who, {{"TEE-M", 1, 10'000}}, {{"TEE-M", 1, amount}}, total,
                                 version);
}

}  // namespace

TEST_CASE("points are a part of what is paid, rounded down") {
  struct Row {
    std::int64_t paid, rate, points;
  };
  for (const auto& row :
       {Row{10'000, 100, 100}, Row{9'999, 100, 99}, Row{99, 100, 0}, Row{0, 100, 0},
        Row{10'000, 0, 0}, Row{10'000, 10'000, 10'000}, Row{1, 10'000, 1}, Row{3'333, 33, 10},
        Row{kMaxExact, 10'000, kMaxExact}, Row{kMaxExact, 1, 900'719'925'474}}) {
    CAPTURE(row.paid);
    CAPTURE(row.rate);
    CHECK(points_for(row.paid, row.rate) == row.points);
  }
}

TEST_CASE("a paid order gives once, and what was paid counts, not the total") {
  Desk desk;
  auto order_paid = paid(1, 1, {{"TEE-M", 1, 10'000}});
  order_paid.discount = won(1'000);
  order_paid.paid = won(9'000);
  CHECK(desk(order_paid) == 90);
  CHECK(desk(order_paid) == 0);
  CHECK(desk(paid(2, 1, {{"TEE-M", 1, 10'000}})) == 100);
  CHECK(desk.balance(1) == 190);
}

TEST_CASE("a cancellation takes back all, once, and of an unpaid order nothing") {
  Desk desk;
  desk(paid(1, 1, {{"TEE-M", 1, 9'999}}));
  CHECK(desk(cancelled(1, 1, {{"TEE-M", 1, 9'999}})) == -99);
  CHECK(desk(cancelled(1, 1, {{"TEE-M", 1, 9'999}})) == 0);
  auto unpaid = cancelled(2, 1);
  unpaid.refunded = won(0);
  CHECK(desk(unpaid) == 0);
  CHECK(desk.balance(1) == 0);
  CHECK(desk.book.entries.size() == 2);
}

TEST_CASE("parts take back in proportion, and sum to what was given") {
  Desk desk;
  desk.terms.rate = 333;
  CHECK(desk(paid(1, 1, {{"TEE-M", 1, 10'000}})) == 333);
  CHECK(desk(part(1, 1, 3'333, 3'333, 3)) == -110);
  CHECK(desk(part(1, 1, 3'333, 6'666, 4)) == -111);
  CHECK(desk(part(1, 1, 3'333, 6'666, 4)) == 0);
  CHECK(desk(last(1, 1, 3'334, 10'000, 5)) == -112);
  CHECK(desk.balance(1) == 0);
}

TEST_CASE("an order worth no point gives and takes none, and counts as one accrual") {
  Desk desk;
  CHECK(desk(paid(1, 1, {{"TEE-M", 1, 99}})) == 0);
  CHECK(desk(cancelled(1, 1, {{"TEE-M", 1, 99}})) == 0);
  REQUIRE(desk.book.entries.size() == 1);
  CHECK(desk.book.entries.front().kind == EntryKind::accrual);
  CHECK(desk(paid(2, 1, {{"TEE-M", 1, 0}})) == 0);
  CHECK(desk(cancelled(2, 1, {{"TEE-M", 1, 0}})) == 0);
}

TEST_CASE("a balance goes below zero where nothing is left to take back") {
  Desk desk;
  desk(paid(1, 1, {{"TEE-M", 1, 10'000}}));
  desk.book.balances[member(1)].balance = 20;  // The rest was spent.
  CHECK(desk(last(1, 1, 10'000, 10'000, 3)) == -100);
  CHECK(desk.balance(1) == -80);
}

TEST_CASE("facts in any order, and twice, come to the same balance") {
  const std::vector<Fact> facts{paid(1, 1, {{"TEE-M", 1, 10'000}}), part(1, 1, 2'500, 2'500, 3),
                                part(1, 1, 1'111, 3'611, 4), paid(2, 1, {{"TEE-M", 1, 7'777}}),
                                cancelled(2, 1, {{"TEE-M", 1, 7'777}})};
  std::vector<std::size_t> order{0, 1, 2, 3, 4};
  do {
    Desk desk;
    desk.terms.rate = 777;
    for (const auto i : order) {
      desk(facts[i]);
      desk(facts[i]);
    }
    REQUIRE(desk.balance(1) == 777 - 777 * 3'611 / 10'000);
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("whatever is refunded, the rest of the points is what the rest of the money is worth") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    SeededRandom dice(seed);
    Desk desk;
    desk.terms.rate = static_cast<std::int64_t>(dice.below(kMaxRate + 1));
    const auto price = static_cast<std::int64_t>(1 + dice.below(1'000'000));
    const auto given = desk(paid(1, 1, {{"TEE-M", 1, price}}));
    std::int64_t back = 0;
    std::int64_t version = 3;
    while (back < price) {
      const auto now =
          static_cast<std::int64_t>(1 + dice.below(static_cast<std::uint64_t>(price - back)));
      back += now;
      desk(back == price ? Fact(last(1, 1, now, back, version))
                         : Fact(part(1, 1, now, back, version)));
      ++version;
      CHECK(desk.balance(1) >= 0);
      CHECK(desk.balance(1) <= given);
    }
    CHECK(desk.balance(1) == 0);
    std::int64_t sum = 0;
    for (const auto& entry : desk.book.entries) {
      sum += entry.points;
      CHECK(entry.balance == sum);
    }
  }
}
