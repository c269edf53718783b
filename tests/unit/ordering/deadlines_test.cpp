// What falls due, by a database whose clock a test can move: SQLite's is the program's.
#include <doctest/doctest.h>

#include <algorithm>

#include "market.hpp"
#include "office.hpp"

using namespace dropline;
using namespace dropline::ordering;
using namespace dropline::ordering::testing;
using namespace std::chrono_literals;

TEST_CASE("another member's cancellation finds no order, and is refused when patience ends") {
  Office office(2'000, {.patience = 60s});
  office.say(reserved(1), kStockSays);
  auto foreign = cancel(1);
  foreign.member = member(2);
  office.say(foreign);
  office.work();
  CHECK_FALSE(office.find(order_id(1), member(1)).closing());
  CHECK(office.ground.number("ordering", "SELECT count(*) FROM {orders}") == 2);
  office.run({&office.process}, 60, 2s);
  CHECK(office.ground.number("ordering", "SELECT count(*) FROM {orders}") == 1);
  const auto events = office.read(topic::kOrdersEvents);
  const auto at = std::ranges::find(events, "OrderChangeRefused", &Town::Read::type);
  REQUIRE(at != events.end());
  const auto refused = decode<OrderChangeRefused>(at->body);
  REQUIRE(refused.has_value());
  CHECK(refused->reason == OrderRefusal::unknown_order);
  CHECK(refused->member == member(2));
}

TEST_CASE("an order that is not paid in time expires by the database's clock, once closed") {
  Office office(2'000, {.card = 15min, .bank = 72h});
  office.say(reserved(1, PaymentMethod::card), kStockSays);
  office.say(opened(1), kPaymentsSay);
  office.say(reserved(2, PaymentMethod::bank), kStockSays);
  office.say(opened(2, PaymentMethod::bank), kPaymentsSay);
  office.work();
  CHECK(office.state_of(1) == OrderState::awaiting_payment);
  CHECK(office.find(order_id(1), member(1)).due_at.has_value());
  office.run({&office.process}, 60, 10s);
  CHECK(office.read(topic::kPaymentsCommands).empty());
  office.run({&office.process}, 60, 10s);
  CHECK(office.read(topic::kPaymentsCommands).size() == 1);
  CHECK(office.state_of(1) == OrderState::awaiting_payment);
  CHECK(office.find(order_id(1), member(1)).closing());
  CHECK(office.count(topic::kOrdersCommands, "ReleaseUnits") == 0);
  office.say(closed(1, EndCause::expired), kPaymentsSay);
  office.work();
  CHECK(office.state_of(1) == OrderState::expired);
  CHECK(office.state_of(2) == OrderState::awaiting_payment);
  CHECK(office.count(topic::kOrdersCommands, "ReleaseUnits") == 1);
  CHECK(orders_page(office.ground.session, member(1), Listing::open, {}, 10)->orders.empty());
  CHECK(orders_page(office.ground.session, member(1), Listing::all, {}, 10)->orders.size() == 1);
}

TEST_CASE("money that was in before the expiry leaves the order paid") {
  Office office;
  office.say(reserved(1, PaymentMethod::card), kStockSays);
  office.say(opened(1), kPaymentsSay);
  office.run({&office.process}, 60, 60s);
  REQUIRE(office.find(order_id(1), member(1)).closing());
  office.say(captured(1), kPaymentsSay);
  office.say(captured(1), kPaymentsSay);
  office.run({&office.process}, 60, 60s);
  CHECK(office.told_of(1) == "OrderReserved OrderAwaitingPayment OrderPaid");
  CHECK(office.read(topic::kPaymentsCommands).size() == 1);
  CHECK_FALSE(office.find(order_id(1), member(1)).closing());
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
