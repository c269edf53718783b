// Stock, payments and ordering on one log: what a shopper does, and what comes of it.
#include <doctest/doctest.h>

#include <map>

#include "market.hpp"

using namespace dropline;
using namespace dropline::ordering;
using namespace dropline::ordering::testing;

TEST_CASE("a wallet order is paid in two hops and its unit settled") {
  Market market;
  market.fill_wallet(1, 50'000);
  market.settle();
  const auto order = market.place(1);
  market.settle();
  CHECK(market.state_of(order, 1) == OrderState::paid);
  CHECK(market.balance(1) == 50'000 - kPrice);
  CHECK(market.offer("allocated") == 1);
  CHECK(market.offer("settled") == 1);
  const auto found = market.find(order, member(1));
  CHECK(found.paid() == won(kPrice));
  CHECK(found.timeline.size() == 2);
  market.audit();
}

TEST_CASE("an order without money fails, its unit comes back, and the member may order again") {
  Market market;
  const auto order = market.place(1);
  market.settle();
  CHECK(market.state_of(order, 1) == OrderState::payment_failed);
  CHECK(market.find(order, member(1)).reason() == "insufficient_funds");
  CHECK(market.offer("allocated") == 0);
  market.fill_wallet(1, 50'000);
  market.settle();
  const auto second = market.place(1, PaymentMethod::wallet, "second");
  market.settle();
  CHECK(market.state_of(second, 1) == OrderState::paid);
  market.audit();
}

TEST_CASE("a cancelled order gives back money, then unit and limit") {
  Market market;
  market.fill_wallet(1, 50'000);
  market.settle();
  const auto order = market.place(1);
  market.settle();
  REQUIRE(market.state_of(order, 1) == OrderState::paid);
  const auto third = market.place(1, PaymentMethod::wallet, "too-many");
  market.settle();
  CHECK(market.state_of(third, 1) == OrderState::rejected);
  CHECK(market.find(third, member(1)).reason() == "limit_exceeded");
  market.cancel(order, 1);
  market.settle();
  CHECK(market.state_of(order, 1) == OrderState::cancelled);
  CHECK(market.find(order, member(1)).refunded() == won(kPrice));
  CHECK(market.balance(1) == 50'000);
  CHECK(market.offer("allocated") == 0);
  CHECK(market.offer("settled") == 0);
  CHECK(market.told(order) == "OrderPaid OrderCancelled");
  CHECK(market.state_of(market.place(1, PaymentMethod::wallet, "too-many"), 1) ==
        OrderState::rejected);
  const auto again = market.place(1, PaymentMethod::wallet, "again");
  market.settle();
  CHECK(market.state_of(again, 1) == OrderState::paid);
  market.audit();
}

TEST_CASE("a cancellation that overtakes the order ends it, whatever it meets on its way") {
  for (const bool has_money : {true, false}) {
    Market market;
    if (has_money) market.fill_wallet(1, 50'000);
    market.settle();
    const auto order = make_order_id(member(1), drop(1), "first");
    market.cancel(order, 1);
    market.run({&market.ordering_at}, 20);
    REQUIRE(market.place(1) == order);
    market.settle();
    const auto state = market.state_of(order, 1);
    CHECK((state == OrderState::cancelled || (!has_money && state == OrderState::payment_failed)));
    CHECK(market.balance(1) == (has_money ? 50'000 : 0));
    CHECK(market.offer("allocated") == 0);
    market.audit();
  }
}

TEST_CASE("a rush with cancellations at any moment leaves books that agree") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    Market market;
    SeededRandom random(seed);
    for (std::uint32_t who = 1; who <= 40; ++who)
      if (random.below(5) != 0) market.fill_wallet(who, 60'000);
    market.settle();
    std::map<std::uint32_t, OrderId> orders;
    std::uint32_t changes = 0;
    const std::vector<Town::Process*> all{&market.stock_at, &market.payments_at,
                                          &market.ordering_at};
    for (std::uint32_t who = 1; who <= 40; ++who) {
      orders[who] =
          market.place(who, random.below(4) == 0 ? PaymentMethod::card : PaymentMethod::wallet);
      if (random.below(3) == 0) market.cancel(orders[who], who, ++changes);
      for (auto turns = random.below(6); turns > 0; --turns)
        market.run({all[random.below(all.size())]}, 1);
      const auto other = 1 + static_cast<std::uint32_t>(random.below(who));
      if (random.below(3) == 0) market.cancel(orders[other], other, ++changes);
    }
    market.settle(150);
    market.audit();
    for (const auto& [who, order] : orders) {
      const auto found = market.find(order, member(who));
      CAPTURE(to_text(found.state));
      CHECK_FALSE(found.closing());
      CHECK(found.known);
    }
    // Every cancellation was answered.
    CHECK(market.count(topic::kOrdersEvents, "OrderCancelled") +
              market.count(topic::kOrdersEvents, "OrderChangeRefused") ==
          changes);
    for (const auto* dead : {"orders.commands.dead", "stock.events.dead", "payments.events.dead",
                             "payments.commands.dead", "ordering.commands.dead"})
      CHECK(market.read(dead).empty());
  }
}
