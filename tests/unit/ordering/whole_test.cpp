// Stock, payments and ordering on one log: what a shopper does, and what comes of it.
#include <doctest/doctest.h>

#include <map>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/payments/payments_queries.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/stock/stock_queries.hpp"
#include "dropline/stock/stock_worker.hpp"
#include "town.hpp"

using namespace dropline;
using namespace dropline::ordering;
using namespace dropline::ordering::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kUnits = 5;

struct Market : Town {
  Market() {
    OpenDrop terms;
    terms.change = change_id(1);
    terms.drop = drop(1);
    terms.revision = 1;
    terms.terms.offers = {
        {sku("SHIRT-M"), numbered<ProductId>(6, 1), won(kPrice), kUnits, std::nullopt}};
    terms.terms.limit_per_member = 1;
    terms.terms.opens_at = kNoon;
    terms.terms.closes_at = kNoon + 1000h;
    terms.actor = {ActorKind::admin, "ann"};
    clock.jump(-1s);
    say(terms, {"catalog/0"});
    clock.jump(2s);
    settle();
  }

  void settle(int turns = 80) { run({&stock_at, &payments_at, &ordering_at}, turns); }

  void fill_wallet(std::uint32_t who, std::int64_t amount) {
    ChargeWallet wish;
    wish.charge = numbered<ChargeId>(7, who);
    wish.member = member(who);
    wish.amount = won(amount);
    say(wish);
    GatewayAnswered word;
    word.call = numbered<ChangeId>(8, who);
    word.member = member(who);
    word.charge = wish.charge;
    word.outcome = GatewayOutcome::captured;
    word.amount = wish.amount;
    say(word, {"payments/0"});
  }
  OrderId place(std::uint32_t who, PaymentMethod method = PaymentMethod::wallet,
                std::string_view key = "first") {
    PlaceOrder order;
    order.member = member(who);
    order.drop = drop(1);
    order.lines = {{sku("SHIRT-M"), 1}};
    order.payment.method = method;
    order.idempotency_key = key;
    order.order_id = make_order_id(order.member, order.drop, order.idempotency_key);
    order.body_hash = body_hash(order);
    say(order);
    return order.order_id;
  }
  void cancel(const OrderId& order, std::uint32_t who, std::uint32_t change = 1) {
    auto command = testing::cancel(who, change);
    command.order_id = order;
    say(command);
  }
  std::int64_t balance(std::uint32_t who) {
    const auto wallet = payments::find_wallet(ground.session, member(who)).value();
    return wallet ? wallet->balance : 0;
  }
  std::int64_t offer(std::string_view column) {
    return ground.number("stock", "SELECT " + std::string(column) + " FROM {offers}");
  }
  OrderState state_of(const OrderId& order, std::uint32_t who) { return state(order, member(who)); }
  /// What every auditor would ask, wherever orders have come to rest.
  void audit() {
    CHECK(offer("free + allocated + written_off - supplied") == 0);
    CHECK(offer("allocated") ==
          ground.number("ordering",
                        "SELECT count(*) FROM {orders} WHERE state IN ('reserved', "
                        "'awaiting_payment', 'paid')"));
    CHECK(offer("settled") ==
          ground.number("ordering", "SELECT count(*) FROM {orders} WHERE state = 'paid'"));
    CHECK(
        ground.number("payments", "SELECT coalesce(sum(captured - refunded), 0) FROM {payments}") ==
        ground.number("ordering",
                      "SELECT coalesce(sum(total), 0) FROM {orders} WHERE state = 'paid'"));
    CHECK(ground.number("payments", "SELECT coalesce(sum(amount), 0) FROM {entries}") == 0);
    CHECK(
        ground.number("ordering", "SELECT coalesce(sum(paid - refunded), 0) FROM {orders}") ==
        ground.number("payments", "SELECT coalesce(sum(captured - refunded), 0) FROM {payments}"));
  }

  stock::StockWorker stock;
  payments::PaymentsWorker payments{payments::Terms{won(1'000), won(1'000'000)}};
  OrderingWorker ordering;
  Process stock_at{*this, stock};
  Process payments_at{*this, payments};
  Process ordering_at{*this, ordering};
};

}  // namespace

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

TEST_CASE("a card order that is not paid expires and its unit is sold to another") {
  Market market;
  const auto order = market.place(1, PaymentMethod::card);
  market.settle();
  CHECK(market.state_of(order, 1) == OrderState::awaiting_payment);
  market.clock.advance(16min);
  market.settle();
  CHECK(market.state_of(order, 1) == OrderState::expired);
  CHECK(market.offer("allocated") == 0);
  CHECK(market.told(order) == "OrderReserved OrderAwaitingPayment OrderExpired");
  market.audit();
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
