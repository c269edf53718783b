// Cards, through a gateway that is another process: what counts as paid, what does not, and what
// goes back.
#include <doctest/doctest.h>

#include "errands.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

TEST_CASE("a card order shows what is due, and is paid when the gateway has the money") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const Shopper shopper;
  const auto order = shopper.order(drop, 2, "card");
  shopper.wait_for(order, "awaiting_payment");
  const auto shown = shopper.show(order);
  CHECK(shown.due == won(2'000));
  REQUIRE(shown.due_at.has_value());
  CHECK(*shown.due_at > Town::get().clock().now() + 14min);
  CHECK(*shown.due_at <= Town::get().clock().now() + 15min);
  REQUIRE(shown.reference.has_value());
  CHECK_FALSE(shown.deposit_to.has_value());
  CHECK(payment_of(order) == "open 0 0");

  REQUIRE(pay(*shown.reference, 2'000).status == 201);
  shopper.wait_for(order, "preparing");
  const auto paid = shopper.show(order);
  CHECK(paid.paid == won(2'000));
  CHECK_FALSE(paid.due.has_value());
  CHECK_FALSE(paid.due_at.has_value());
  CHECK(payment_of(order) == "captured 2000 0");
  CHECK(said_of(order, "payments.events") == "PaymentOpened PaymentCaptured");
  CHECK(life_of(order) == "OrderReserved OrderAwaitingPayment OrderPaid OrderPreparing");
  CHECK(eventually([&] { return shop.units(drop) == Units{3, 2, 2}; }));
}

TEST_CASE("a declined card ends the order, and its units are there for others") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const Shopper shopper;
  const auto order = shopper.order(drop, 1, "card");
  shopper.wait_for(order, "awaiting_payment");
  REQUIRE(pay(*shopper.show(order).reference, 1'000, R"(,"outcome":"declined")").status == 201);
  shopper.wait_for(order, "payment_failed");
  CHECK(shopper.show(order).reason == "declined");
  CHECK(payment_of(order) == "closed 0 0");
  CHECK(said_of(order, "payments.events") == "PaymentOpened PaymentDeclined");
  CHECK(life_of(order) == "OrderReserved OrderAwaitingPayment OrderPaymentFailed");
  REQUIRE(eventually([&] { return shop.units(drop) == Units{1, 0, 0}; }));
  CHECK(shop.row(order) == "released");
  static_cast<void>(Shopper().paid(drop, 1));
}

TEST_CASE("another amount than is due does not pay, and goes back") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const Shopper shopper;
  const auto order = shopper.order(drop, 1, "card");
  shopper.wait_for(order, "awaiting_payment");
  // The notice lies about it too; the gateway is asked.
  REQUIRE(pay(*shopper.show(order).reference, 1'000,
              R"(,"captured":)" + money(900) + R"(,"notices":[{"amount":)" + money(1'000) + "}]")
              .status == 201);
  shopper.wait_for(order, "payment_failed");
  CHECK(shopper.show(order).reason == "wrong_amount");
  CHECK(payment_of(order) == "closed 0 0");
  CHECK(eventually([&] {
    return rows("payments",
                "SELECT cause || ' ' || state || ' ' || CAST(amount AS text) FROM "
                "{returns} WHERE order_id = '" +
                    order.text() + "'") == "wrong_amount done 900";
  }));
  CHECK(eventually([&] { return shop.units(drop) == Units{1, 0, 0}; }));
}

TEST_CASE("notices that come twice, late and out of order pay once") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(2);
  const Shopper shopper;
  const auto disorder =
      R"([{"outcome":"declined"},{"copies":3},{"delay_ms":200,"amount":)" + money(1) + "}]";
  const std::string late = R"([{"delay_ms":400}])";
  for (const auto& notices : {disorder, late}) {
    const auto order = shopper.order(drop, 1, "card");
    shopper.wait_for(order, "awaiting_payment");
    const auto more = std::string(R"(,"notices":)") + notices;
    REQUIRE(pay(*shopper.show(order).reference, 1'000, more).status == 201);
    shopper.wait_for(order, "preparing");
    CHECK(payment_of(order) == "captured 1000 0");
    CHECK(said_of(order, "payments.events") == "PaymentOpened PaymentCaptured");
  }
}

TEST_CASE("a card order that is cancelled unpaid is closed at the gateway first") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const Shopper shopper;
  const auto order = shopper.order(drop, 1, "card");
  shopper.wait_for(order, "awaiting_payment");
  const auto reference = *shopper.show(order).reference;
  shopper.cancel(order);
  shopper.wait_for(order, "cancelled");
  CHECK(pay(reference, 1'000).status == 409);
  CHECK(payment_of(order) == "closed 0 0");
  CHECK(said_of(order, "payments.events") == "PaymentOpened PaymentClosed");
  CHECK(said_of(order, "deliveries.events") == "DeliveryClosed");
  CHECK(eventually([&] { return shop.units(drop) == Units{1, 0, 0}; }));
}

TEST_CASE(
    "a card order that is cancelled after it was paid goes back to the card, then to others") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  Shopper shopper;
  const auto order = shopper.paid(drop, 1);
  shopper.cancel(order, R"({"reason":"too late for the birthday"})");
  shopper.wait_for(order, "cancelled");
  const auto shown = shopper.show(order);
  CHECK(shown.reason == "too late for the birthday");
  CHECK(shown.refunded == won(1'000));
  CHECK(payment_of(order) == "closed 1000 1000");
  CHECK(said_of(order, "payments.events") == "PaymentOpened PaymentCaptured PaymentClosed");
  CHECK(said_of(order, "deliveries.events") == "DeliveryPreparing DeliveryClosed");
  CHECK(eventually([&] { return shop.units(drop) == Units{1, 0, 0}; }));
  // Nothing is left to ship.
  const auto late = shop.admin("/v1/admin/shipments/" + order.text() + "/shipping",
                               R"({"carrier":"cj","waybill":"6890-1234-5678"})");
  CHECK(late.status == 202);
  CHECK(eventually([&] {
    return said_of(order, "deliveries.events") ==
           "DeliveryPreparing DeliveryClosed DeliveryChangeRefused";
  }));
}
