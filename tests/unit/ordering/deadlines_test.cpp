// What falls due, by the clock that databases are given.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "dropline/stream/partitioner.hpp"
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
  CHECK(office.told_of(1) == "OrderReserved OrderAwaitingPayment OrderPaymentDue OrderPaid");
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

TEST_CASE("who is slow to pay is reminded once, five minutes before; a late sweep only closes") {
  Office office;
  office.say(reserved(1, PaymentMethod::card), kStockSays);
  office.say(opened(1), kPaymentsSay);
  office.work();
  office.run({&office.process}, 9, 60s);
  CHECK(office.count(topic::kOrdersEvents, "OrderPaymentDue") == 0);
  office.run({&office.process}, 4, 60s);
  CHECK(office.count(topic::kOrdersEvents, "OrderPaymentDue") == 1);
  CHECK(office.read(topic::kPaymentsCommands).empty());
  office.run({&office.process}, 4, 60s);
  CHECK(office.count(topic::kOrdersEvents, "OrderPaymentDue") == 1);
  CHECK(office.read(topic::kPaymentsCommands).size() == 1);

  office.say(reserved(2, PaymentMethod::card), kStockSays);
  office.say(opened(2), kPaymentsSay);
  office.work();
  office.clock.advance(20min);
  office.work();
  CHECK(office.count(topic::kOrdersEvents, "OrderPaymentDue") == 1);
  CHECK(office.read(topic::kPaymentsCommands).size() == 2);
}

TEST_CASE("after an outage a drop's waiting orders are given time, in every partition") {
  Office office;
  for (std::uint32_t number = 1; number <= 8; ++number) {
    office.say(
        reserved(number, PaymentMethod::card, number == 8 ? std::nullopt : std::optional(drop(1))),
        kStockSays);
    office.say(opened(number), kPaymentsSay);
  }
  office.say(captured(7), kPaymentsSay);
  office.work();
  ExtendDeadlines more;
  more.change = change_id(9);
  more.drop = drop(1);
  more.until = office.clock.now() + 2h;
  more.reason = "an outage";
  more.actor = {ActorKind::admin, "ann"};
  // Keys are found for every partition; the fourth has them twice.
  std::set<std::int32_t> reached;
  for (more.copy = 0; reached.size() < Town::kPartitions; ++more.copy) {
    office.say(more);
    reached.insert(stream::partition_of(more.partition_key(), Town::kPartitions));
  }
  office.work();
  CHECK(office.count(topic::kOrdersEvents, "OrderDeadlineExtended") == 6);
  CHECK(office.find(order_id(1), member(1)).due_at == more.until);
  CHECK(office.find(order_id(1), member(1)).timeline.back().reason == "an outage");
  CHECK(office.find(order_id(7), member(7)).state == OrderState::paid);
  office.run({&office.process}, 60, 60s);
  CHECK(office.read(topic::kPaymentsCommands).size() == 1);  // The ordinary one.
  office.run({&office.process}, 62, 60s);
  CHECK(office.read(topic::kPaymentsCommands).size() == 7);
}

TEST_CASE("what arrived is completed three days later, and can be given back until then") {
  Office office;
  office.say(reserved(1), kStockSays);
  office.say(captured(1), kPaymentsSay);
  office.say(about<DeliveryPreparing>(1), {"deliveries/0"});
  office.say(shipped(1), {"deliveries/0"});
  office.say(delivered(1), {"deliveries/0"});
  office.work();
  CHECK(office.state_of(1) == OrderState::delivered);
  office.run({&office.process}, 71, 1h);
  CHECK(office.state_of(1) == OrderState::delivered);
  office.run({&office.process}, 2, 1h);
  CHECK(office.state_of(1) == OrderState::completed);
  office.say(refund(1), {});
  office.work();
  CHECK(office.told_of(1) ==
        "OrderPaid OrderPreparing OrderShipped OrderDelivered OrderCompleted "
        "OrderChangeRefused");
}
