// What happens to a paid order: it is shipped and arrives, it is given back in parts, points come
// and go with the money, and the list of what sells best follows.
#include <doctest/doctest.h>

#include "dropline/contracts/coupons_events.hpp"
#include "errands.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 30s;

/// A coupon over `amount` won that the shopper holds.
CouponId coupon_of(const Shopper& shopper, std::int64_t amount) {
  auto& shop = Shop::get();
  const CampaignId campaign(shop.random.uuid4());
  operate("/coupon-campaigns/" + campaign.text(),
          R"({"name":{"en":"Opening"},"quantity":10,"discount":{"amount":)" + money(amount) +
              R"(},"least_order":)" + money(0) +
              R"(,"issue_from":"2020-01-01T00:00:00Z","issue_until":"2099-01-01T00:00:00Z",)"
              R"("use_from":"2020-01-01T00:00:00Z","use_until":"2099-01-01T00:00:00Z"})",
          "PUT");
  const auto reply = shop.post(shopper.member(),
                               "/v1/coupon-campaigns/" + campaign.text() + "/coupons", "any", "");
  REQUIRE_MESSAGE(reply.status < 300, reply.body);
  return contracts::make_coupon_id(campaign, shopper.member());
}

std::string coupon_state(const CouponId& coupon) {
  return rows("coupons", "SELECT state FROM {coupons} WHERE coupon = '" + coupon.text() + "'");
}

/// The points ledger's entries about an order: "accrual 27,reversal -9".
std::string points_of(const OrderId& order) {
  return rows("points",
              "SELECT kind || ' ' || CAST(points AS text) FROM {entries} WHERE "
              "order_id = '" +
                  order.text() + "' ORDER BY number");
}

}  // namespace

TEST_CASE("a shipped order cannot be cancelled, and its courier says when it has arrived") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  Shopper shopper;
  const auto order = shopper.paid(drop, 1);
  CHECK(why_refused(order, shopper.refund(order)) == "wrong_state");
  ship(order, "6890-1234-0001");
  shopper.wait_for(order, "shipped");
  CHECK(shopper.show(order).carrier == "cj");
  CHECK(shopper.show(order).waybill == "689012340001");
  CHECK(why_refused(order, shopper.cancel(order)) == "already_shipped");

  operate("/shipments/" + order.text() + "/waybill",
          R"({"carrier":"cj","waybill":"6890-1234-0002","reason":"the other parcel"})");
  REQUIRE(eventually([&] { return shopper.show(order).waybill == "689012340002"; }, kLimit));
  const auto wrong =
      shop.admin("/v1/admin/courier-reports",
                 R"({"carrier":"cj","waybill":"689012340001","status":"delivered"})");
  CHECK(wrong.status == 404);
  operate("/courier-reports", R"({"carrier":"cj","waybill":"689012340002","status":"delivered"})");
  shopper.wait_for(order, "delivered");
  const auto shown = shopper.show(order);
  REQUIRE(shown.refundable_until.has_value());
  CHECK(*shown.refundable_until > Town::get().clock().now() + 71h);
  CHECK(why_refused(order, shopper.cancel(order)) == "already_shipped");
  CHECK(said_of(order, "deliveries.events") ==
        "DeliveryPreparing DeliveryShipped DeliveryWaybillCorrected DeliveryDelivered");
  CHECK(rows("deliveries", "SELECT state || ' ' || waybill FROM {deliveries} WHERE order_id = '" +
                               order.text() + "'") == "delivered 689012340002");
  CHECK(payment_of(order) == "captured 1000 0");
}

TEST_CASE("parts of an order go back to the last won, with points and at last the coupon") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(3);
  Shopper shopper;
  const auto coupon = coupon_of(shopper, 301);
  REQUIRE(eventually([&] { return coupon_state(coupon) == "free"; }, kLimit));
  const auto order = shopper.delivered(drop, 3, R"("coupon":")" + coupon.text() + R"(",)");
  CHECK(shopper.show(order).paid == won(2'699));
  CHECK(coupon_state(coupon) == "redeemed");
  REQUIRE(eventually([&] { return points_of(order) == "accrual 26"; }, kLimit));
  CHECK(shopper.points() == 26);

  // 2,699 / 3 = 899.67: rounded down over all that went back, and the last takes the rest.
  const char* const one = R"({"lines":[{"sku":"unit","quantity":1}],"reason":"too small"})";
  for (const std::int64_t back : {899, 1'799}) {
    shopper.refund(order, one);
    REQUIRE(eventually([&] { return shopper.show(order).refunded == won(back); }, kLimit));
    CHECK(shopper.show(order).state == "delivered");
  }
  CHECK(coupon_state(coupon) == "redeemed");
  const auto more = shopper.refund(order, R"({"lines":[{"sku":"unit","quantity":2}]})");
  CHECK(why_refused(order, more) == "wrong_lines");
  shopper.refund(order, one);
  shopper.wait_for(order, "refunded");
  CHECK(shopper.show(order).refunded == won(2'699));
  CHECK(payment_of(order) == "captured 2699 2699");
  CHECK(said_of(order, "payments.events") ==
        "PaymentOpened PaymentCaptured PaymentRefunded PaymentRefunded PaymentRefunded");
  CHECK(eventually([&] { return coupon_state(coupon) == "free"; }, kLimit));
  CHECK(eventually(
      [&] { return points_of(order) == "accrual 26,reversal -8,reversal -9,reversal -9"; },
      kLimit));
  CHECK(shopper.points() == 0);
  // What came back is not sold again before an operator has looked at it.
  CHECK(shop.units(drop) == Units{0, 3, 3});
  CHECK(why_refused(order, shopper.refund(order)) == "wrong_state");
}

TEST_CASE("what sells best goes up with a sale and down with what goes back") {
  auto& shop = Shop::get();
  const auto units = [] {
    const auto text = rows("rankings",
                           "SELECT CAST(coalesce(sum(units), 0) AS text) FROM {sales} WHERE sku = "
                           "'unit'");
    return std::stoll(text);
  };
  const auto shown = [&shop] {
    const auto reply = request(shop.system().port(), "GET", "/v1/rankings/3d", {});
    const auto at = reply.body.find(R"("sku":"unit")");
    if (reply.status != 200 || at == std::string::npos) return -1LL;
    const std::string name = "\"units\":";
    return std::stoll(reply.body.substr(reply.body.find(name, at) + name.size()));
  };
  const auto before = units();
  Shopper shopper;
  const auto order = shopper.paid(shop.open_drop(5), 5);
  REQUIRE(eventually([&] { return units() == before + 5; }, kLimit));
  CHECK(eventually([&] { return shown() == before + 5; }, kLimit));
  shopper.cancel(order);
  shopper.wait_for(order, "cancelled");
  REQUIRE(eventually([&] { return units() == before; }, kLimit));
  CHECK(eventually([&] { return shown() == before; }, kLimit));
}
