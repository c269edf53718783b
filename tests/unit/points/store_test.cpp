#include "dropline/points/points_store.hpp"

#include "dropline/points/points_queries.hpp"
#include "dropline/store/transaction.hpp"
#include "support/service/orders.hpp"
#include "support/service/place.hpp"

using namespace dropline;
using namespace dropline::points;
using namespace dropline::contracts;
using namespace dropline::testing;

namespace {

struct Office {
  template <class T>
  void operator()(const T& fact) {
    auto transaction = store::Transaction::begin(ground.session).value();
    auto book = load(ground.session, {{fact.order_id, fact.member}}).value();
    at += std::chrono::seconds(1);
    if constexpr (std::same_as<T, OrderPaid>) {
      accrue(book, {}, fact, at);
    } else {
      reverse(book, fact, at);
    }
    REQUIRE(save(ground.session, book));
    REQUIRE(transaction.commit());
  }
  std::int64_t balance(std::uint32_t who) {
    return find_balance(ground.session, member(who)).value().balance;
  }

  ManualClock clock;
  Ground ground{clock, "points"};
  Timestamp at = kNewYear;
};

}  // namespace

TEST_CASE("ledger and balance are read back as they were written") {
  Office office;
  office(paid(1, 1, {{"TEE-M", 1, 10'000}}));
  office(paid(2, 1, {{"TEE-M", 1, 20'000}}));
  office(paid(2, 1, {{"TEE-M", 1, 20'000}}));
  office(paid(3, 2, {{"TEE-M", 1, 50}}));
  office(
      refunded<OrderPartlyRefunded>(1, 1, {{"TEE-M", 1, 10'000}}, {{"TEE-M", 1, 4'000}}, 4'000, 3));
  office(cancelled(2, 1, {{"TEE-M", 1, 20'000}}));
  CHECK(office.balance(1) == 60);
  CHECK(office.balance(2) == 0);
  CHECK(office.balance(9) == 0);
  const auto page = points_page(office.ground.session, member(1), {}, 3).value();
  REQUIRE(page.size() == 3);
  CHECK(page[0].points == -200);
  CHECK(page[0].balance == 60);
  CHECK(page[1].points == -40);
  const auto rest = points_page(office.ground.session, member(1), page[2].number, 3).value();
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].order == order(1));
  CHECK(points_page(office.ground.session, member(2), {}, 3).value().empty());
}

TEST_CASE("no order has two accruals, whoever writes") {
  Office office;
  office(paid(1, 1, {{"TEE-M", 1, 10'000}}));
  Book stale;  // Of an owner that has seen nothing of it.
  accrue(stale, {}, paid(1, 1, {{"TEE-M", 1, 10'000}}), kNewYear);
  stale.entries.front().number = 2;
  CHECK_FALSE(save(office.ground.session, stale).has_value());
  CHECK(office.balance(1) == 100);
}
