#include "scene.hpp"

using namespace dropline;
using namespace dropline::deliveries;
using namespace dropline::deliveries::testing;

namespace {

SealedText sealed() {
  return {"s1.shop.AAAA", {}};
}

}  // namespace

TEST_CASE("a paid order is prepared, shipped and delivered") {
  Desk desk;
  auto order_paid = paid(1, 1);
  order_paid.delivery = sealed();
  CHECK(desk(order_paid) == "preparing");
  CHECK(desk.row(1, 1).recipient == sealed());
  CHECK(desk(ship_delivery(1, 1)) == "shipped cj 689012345678");
  const auto shipped_at = desk.at;
  CHECK(desk(deliver_delivery(1, 1)) == "delivered");
  CHECK(desk.row(1, 1).state == DeliveryState::delivered);
  CHECK(desk.row(1, 1).shipped->at == shipped_at);
  CHECK(desk.row(1, 1).delivered->at == desk.at);
  CHECK(desk.row(1, 1).delivered->actor.id == "courier");
}

TEST_CASE("what a delivery answers, by its state") {
  struct Row {
    std::string_view state;
    std::string_view paid, close, ship, ship_otherwise, correct, deliver;
  };
  const Row table[] = {
      {"unknown", "preparing", "closed cancelled", "refused unknown_order", "refused unknown_order",
       "refused unknown_order", "refused unknown_order"},
      {"preparing", "nothing", "closed cancelled", "shipped cj 689012345678",
       "shipped cj 999988887777", "refused not_shipped", "refused not_shipped"},
      {"shipped", "nothing", "shipped cj 689012345678", "shipped cj 689012345678",
       "refused already_shipped", "corrected 111122223333", "delivered"},
      {"delivered", "nothing", "delivered", "refused already_delivered",
       "refused already_delivered", "refused already_delivered", "delivered"},
      {"closed", "nothing", "closed voided", "refused closed", "refused closed", "refused closed",
       "refused closed"},
  };
  const auto desk_in = [](std::string_view state) {
    Desk desk;
    if (state != "unknown") desk(paid(1, 1));
    if (state == "shipped" || state == "delivered") desk(ship_delivery(1, 1));
    if (state == "delivered") desk(deliver_delivery(1, 1));
    if (state == "closed") desk(close_delivery(1, 1, 2, EndCause::voided));
    desk.book.changed.clear();
    return desk;
  };
  for (const auto& row : table) {
    CAPTURE(row.state);
    CHECK(desk_in(row.state)(paid(1, 1)) == row.paid);
    CHECK(desk_in(row.state)(close_delivery(1, 1)) == row.close);
    CHECK(desk_in(row.state)(ship_delivery(1, 1)) == row.ship);
    CHECK(desk_in(row.state)(ship_delivery(1, 1, "999988887777")) == row.ship_otherwise);
    CHECK(desk_in(row.state)(correct_waybill(1, 1)) == row.correct);
    CHECK(desk_in(row.state)(deliver_delivery(1, 1)) == row.deliver);
  }
}

TEST_CASE("a change that is refused, or was made before, changes no row") {
  Desk desk;
  desk(paid(1, 1));
  desk(ship_delivery(1, 1));
  const auto before = desk.row(1, 1);
  desk.book.changed.clear();
  desk(paid(1, 1));
  desk(ship_delivery(1, 1));
  desk(ship_delivery(1, 1, "999988887777"));
  desk(ship_delivery(1, 1, "12"));
  desk(close_delivery(1, 1));
  CHECK(desk.row(1, 1) == before);
  CHECK(desk.book.changed.empty());
}

TEST_CASE("a number that the carrier does not give out ships nothing") {
  Desk desk;
  desk(paid(1, 1));
  CHECK(desk(ship_delivery(1, 1, "12345")) == "refused bad_waybill");
  CHECK(desk.row(1, 1).state == DeliveryState::preparing);
  CHECK(desk(ship_delivery(1, 1, "6890-1234-5678")) == "shipped cj 689012345678");
  CHECK(desk(correct_waybill(1, 1, "x")) == "refused bad_waybill");
  CHECK(desk(correct_waybill(1, 1, "1111-2222-3333")) == "corrected 111122223333");
  CHECK(desk.row(1, 1).waybill == "111122223333");
}

TEST_CASE("of a cancellation and a shipping that meet, the first wins") {
  Desk shipped_first;
  shipped_first(paid(1, 1));
  CHECK(shipped_first(ship_delivery(1, 1)) == "shipped cj 689012345678");
  CHECK(shipped_first(close_delivery(1, 1)) == "shipped cj 689012345678");
  CHECK(shipped_first.row(1, 1).state == DeliveryState::shipped);

  Desk closed_first;
  closed_first(paid(1, 1));
  CHECK(closed_first(close_delivery(1, 1)) == "closed cancelled");
  CHECK(closed_first(ship_delivery(1, 1)) == "refused closed");
  CHECK(closed_first.row(1, 1).state == DeliveryState::closed);
}

TEST_CASE("a delivery closed before it was opened stays closed, and keeps no recipient") {
  Desk desk;
  CHECK(desk(close_delivery(1, 1, 2)) == "closed cancelled");
  auto order_paid = paid(1, 1);
  order_paid.delivery = sealed();
  CHECK(desk(order_paid) == "nothing");
  CHECK(desk.row(1, 1).paid_version == 2);
  CHECK_FALSE(desk.row(1, 1).recipient.has_value());
  CHECK(desk(ship_delivery(1, 1)) == "refused closed");
  CHECK(desk(close_delivery(1, 1, 3, EndCause::voided)) == "closed cancelled");

  Desk open_then_closed;
  open_then_closed(order_paid);
  open_then_closed(close_delivery(1, 1));
  CHECK_FALSE(open_then_closed.row(1, 1).recipient.has_value());
}

TEST_CASE("an expiry that found the money in opens the delivery again, whatever came first") {
  Desk in_order;
  CHECK(in_order(close_delivery(1, 1, 2, EndCause::expired)) == "closed expired");
  CHECK(in_order(paid(1, 1, {{}}, 3)) == "preparing");
  CHECK(in_order(paid(1, 1, {{}}, 3)) == "nothing");
  // A copy of the close that was answered before must not be taken for a new one.
  CHECK(in_order(close_delivery(1, 1, 2, EndCause::expired)) == "nothing");
  CHECK(in_order(close_delivery(1, 1, 3)) == "closed cancelled");
  CHECK(in_order(paid(1, 1, {{}}, 3)) == "nothing");

  Desk crossed;
  CHECK(crossed(paid(1, 1, {{}}, 3)) == "preparing");
  CHECK(crossed(close_delivery(1, 1, 2, EndCause::expired)) == "nothing");
  CHECK(crossed.row(1, 1).state == DeliveryState::preparing);

  Desk later_close;
  later_close(close_delivery(1, 1, 2, EndCause::expired));
  CHECK(later_close(close_delivery(1, 1, 5)) == "closed expired");
  CHECK(later_close(paid(1, 1, {{}}, 4)) == "nothing");
}

TEST_CASE("a close that tells no step holds against every step") {
  Desk desk;
  CHECK(desk(close_delivery(1, 1, 0)) == "closed cancelled");
  CHECK(desk(paid(1, 1, {{}}, 9)) == "nothing");
  Desk opened;
  opened(paid(1, 1, {{}}, 9));
  CHECK(opened(close_delivery(1, 1, 0)) == "closed cancelled");
}

TEST_CASE("another member's order is unknown") {
  Desk desk;
  desk(paid(1, 1));
  CHECK(desk(ship_delivery(1, 2)) == "refused unknown_order");
  CHECK(desk(deliver_delivery(1, 2)) == "refused unknown_order");
  CHECK(desk(close_delivery(1, 2)) == "closed cancelled");
  CHECK(desk.row(1, 1).state == DeliveryState::preparing);
  CHECK(desk(ship_delivery(1, 1)) == "shipped cj 689012345678");
}
