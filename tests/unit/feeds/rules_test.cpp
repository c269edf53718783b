#include <doctest/doctest.h>

#include "dropline/contracts/json.hpp"
#include "dropline/feeds/feeds.hpp"
#include "support/service/orders.hpp"

using namespace dropline;
using namespace dropline::feeds;
using namespace dropline::contracts;
using namespace dropline::testing;

TEST_CASE("an event tells the fact, under an id that follows from it, and nothing personal") {
  auto order_paid = paid(1, 1, {{"TEE-M", 2, 500}});
  order_paid.delivery = SealedText{"s1.shop.secret", {}};
  const auto event = event_of(order_paid);
  CHECK(event.kind == "order.paid");
  CHECK(event.member == member(1));
  CHECK(event.body.find("secret") == std::string::npos);
  JsonDocument document;
  REQUIRE(document.parse(event.body));
  JsonObject object(document.root());
  CHECK(object.find("id")->text() == event.id.text());
  CHECK(object.find("type")->text() == "order.paid");
  CHECK(event_of(paid(1, 1, {{"TEE-M", 2, 500}})).id == event.id);
}

TEST_CASE("every step has an id of its own") {
  const auto first = event_of(refunded<OrderPartlyRefunded>(1, 1, {{}}, {{}}, 1'000, 4));
  const auto second = event_of(refunded<OrderPartlyRefunded>(1, 1, {{}}, {{}}, 1'000, 5));
  const auto whole = event_of(refunded<OrderRefunded>(1, 1, {{}}, {{}}, 1'000, 5));
  const auto cancel = event_of(cancelled(1, 1));
  CHECK(first.id != second.id);
  CHECK(second.id != whole.id);
  CHECK(first.kind == "order.partly_refunded");
  CHECK(whole.kind == "order.refunded");
  CHECK(cancel.kind == "order.cancelled");
}
