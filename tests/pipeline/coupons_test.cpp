// Coupons from HTTP to topic and table: who is first has one, an order pays less, and what becomes
// of the coupon follows the order.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/orders_events.hpp"
#include "dropline/store/table.hpp"
#include "shop.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 20s;

std::string terms(int quantity, int least) {
  return R"({"name":{"en":"Opening"},"quantity":)" + std::to_string(quantity) +
         R"(,"discount":{"amount":{"amount":300,"currency":"KRW"}},"least_order":{"amount":)" +
         std::to_string(least) +
         R"(,"currency":"KRW"},"issue_from":"2020-01-01T00:00:00Z",)"
         R"("issue_until":"2099-01-01T00:00:00Z","use_from":"2020-01-01T00:00:00Z",)"
         R"("use_until":"2099-01-01T00:00:00Z"})";
}

/// A campaign that is made, and known to be.
CampaignId campaign(int quantity, int least = 1'000) {
  auto& shop = Shop::get();
  const auto id = CampaignId(shop.random.uuid4());
  const auto path = "/v1/admin/coupon-campaigns/" + id.text();
  const auto reply = shop.admin(path, terms(quantity, least), "PUT");
  REQUIRE_MESSAGE(reply.status < 300, reply.body);
  return id;
}

Reply ask_for(const MemberId& member, const CampaignId& id) {
  return Shop::get().post(member, "/v1/coupon-campaigns/" + id.text() + "/coupons", "any", "");
}

std::string with_coupon(const std::optional<DropId>& drop, int quantity, const CouponId& coupon) {
  auto body = Shop::body(drop, "unit", quantity);
  return body.insert(1, R"("coupon":")" + coupon.text() + R"(",)");
}

std::string coupon_state(const CouponId& coupon) {
  auto session = Shop::get().system().open();
  store::Params params;
  params.add("coupon", coupon);
  const auto rows = store::query(
      session, {"state", "coupons", "SELECT state FROM {coupons} WHERE coupon = :coupon"}, params,
      {store::Type::text});
  REQUIRE(rows.has_value());
  return rows->empty() ? "" : std::string(rows->front().text(0));
}

CouponId given(const MemberId& member, const CampaignId& id) {
  const auto reply = ask_for(member, id);
  REQUIRE_MESSAGE(reply.status < 300, reply.body);
  const auto coupon = contracts::make_coupon_id(id, member);
  REQUIRE(eventually([&] { return coupon_state(coupon) == "free"; }, kLimit));
  return coupon;
}

std::string state_of(const MemberId& member, const OrderId& order) {
  const auto reply = Shop::get().get(member, "/v1/orders/" + order.text());
  return reply.status == 200 ? answer_of(reply).state : "";
}

}  // namespace

TEST_CASE("the first to come have a coupon each, and everybody is told") {
  auto& shop = Shop::get();
  const auto id = campaign(3);
  std::vector<MemberId> members;
  for (int i = 0; i < 8; ++i)
    members.push_back(shop.new_member());
  for (const auto& member : members)
    CHECK(ask_for(member, id).status < 500);
  const auto told = [&] {
    std::map<std::string, int> kinds;
    for (const auto& member : members) {
      const auto coupon = contracts::make_coupon_id(id, member).text();
      for (const auto& record : shop.read("coupons.events"))
        if (record.headers.at("ce_subject") == coupon) ++kinds[record.headers.at("ce_type")];
    }
    return kinds;
  };
  REQUIRE(eventually(
      [&] {
        auto kinds = told();
        return kinds["CouponIssued"] + kinds["CouponRefused"] == 8;
      },
      kLimit));
  // The winners are those of the partition.
  std::vector<std::string> first;
  for (const auto& record : shop.read("coupons.commands"))
    if (record.headers.at("ce_type") == "IssueCoupon" &&
        record.key == contracts::campaign_key(id) && first.size() < 3)
      first.push_back(record.headers.at("ce_subject"));
  std::vector<std::string> winners;
  for (const auto& member : members)
    if (const auto coupon = contracts::make_coupon_id(id, member); !coupon_state(coupon).empty())
      winners.push_back(coupon.text());
  std::ranges::sort(first);
  std::ranges::sort(winners);
  CHECK(winners == first);
  const auto mine = shop.get(members.front(), "/v1/coupons");
  CHECK(mine.status == 200);
}

TEST_CASE("an order with a coupon pays less, uses it, and gives it back when it is cancelled") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const auto member = shop.new_payer(10'000);
  const auto coupon = given(member, campaign(10));
  const auto reply = shop.place(member, "couponed", with_coupon(drop, 2, coupon));
  REQUIRE_MESSAGE(reply.status == 200, reply.body);
  const auto order = answer_of(reply).order_id;
  REQUIRE(eventually([&] { return coupon_state(coupon) == "redeemed"; }, kLimit));
  CHECK(shop.balance(member) == 10'000 - 1'700);
  const auto shown = answer_of(shop.get(member, "/v1/orders/" + order.text()));
  CHECK(shown.paid == Money{1'700, {}});
  CHECK(shown.total == Money{2'000, {}});
  bool told = false;
  for (const auto& record : shop.records_of("orders.events", order)) {
    if (record.headers.at("ce_type") != "OrderPaid") continue;
    const auto paid = contracts::decode<contracts::OrderPaid>(record.value);
    REQUIRE(paid.has_value());
    CHECK(paid->discount == Money{300, {}});
    CHECK(paid->lines.at(0).discount == Money{300, {}});
    told = true;
  }
  CHECK(told);

  // Nobody else's, and used already: refused with a reason, and units come back.
  const auto other = shop.new_payer(10'000);
  const auto stolen = answer_of(shop.place(other, "stolen", with_coupon(drop, 1, coupon)));
  CHECK(stolen.state == "coupon_refused");
  CHECK(stolen.reason == "unknown_coupon");
  const auto again = answer_of(shop.place(member, "again", with_coupon(drop, 1, coupon)));
  CHECK(again.state == "coupon_refused");
  CHECK(again.reason == "used");
  REQUIRE(eventually([&] { return shop.units(drop).allocated == 2; }, kLimit));
  CHECK(shop.balance(other) == 10'000);

  CHECK(shop.post(member, "/v1/orders/" + order.text() + "/cancellation", "no", "").status == 202);
  REQUIRE(eventually([&] { return state_of(member, order) == "cancelled"; }, kLimit));
  REQUIRE(eventually([&] { return coupon_state(coupon) == "free"; }, kLimit));
  CHECK(shop.balance(member) == 10'000);
  REQUIRE(eventually([&] { return shop.units(drop).allocated == 0; }, kLimit));
}

TEST_CASE("an order below the least total is refused, and one without money frees the coupon") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const auto member = shop.new_payer(1'000);
  const auto coupon = given(member, campaign(10, 2'000));
  const auto small = answer_of(shop.place(member, "small", with_coupon(drop, 1, coupon)));
  CHECK(small.state == "coupon_refused");
  CHECK(small.reason == "below_least_order");
  const auto poor = answer_of(shop.place(member, "poor", with_coupon(drop, 3, coupon)));
  CHECK(poor.state == "payment_failed");
  REQUIRE(eventually([&] { return coupon_state(coupon) == "free"; }, kLimit));
  REQUIRE(eventually([&] { return shop.units(drop).allocated == 0; }, kLimit));
}

TEST_CASE("support voids an order, and its timeline names who and why") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(5);
  const auto member = shop.new_payer(10'000);
  const auto placed = answer_of(shop.place(member, "cheat", Shop::body(drop, "unit", 1)));
  REQUIRE((placed.state == "paid" || placed.state == "preparing"));
  const auto path = "/v1/admin/orders/" + placed.order_id.text();
  const auto reply = shop.admin(path + "/void", R"({"reason":"a second account"})");
  CHECK_MESSAGE(reply.status == 202, reply.body);
  REQUIRE(eventually([&] { return state_of(member, placed.order_id) == "cancelled"; }, kLimit));
  const auto shown = answer_of(shop.get(member, "/v1/orders/" + placed.order_id.text()));
  REQUIRE(shown.timeline.has_value());
  CHECK(shown.timeline->back().reason == "a second account");
  CHECK(shown.timeline->back().actor.kind == contracts::ActorKind::admin);
  CHECK(shop.balance(member) == 10'000);
  REQUIRE(eventually([&] { return shop.units(drop).allocated == 0; }, kLimit));
}
