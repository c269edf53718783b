// Every reason for which stock refuses an order, by API, topic and table.
#include <doctest/doctest.h>

#include <algorithm>

#include "dropline/contracts/stock_events.hpp"
#include "dropline/store/table.hpp"
#include "shop.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

constexpr const char* kPast = "2020-01-01T00:00:00Z";
constexpr const char* kFuture = "2099-01-01T00:00:00Z";

/// A drop of two units at 1,000 won, at most one a member.
DropId drop_between(const std::string& opens_at, const std::string& closes_at) {
  auto& shop = Shop::get();
  const DropId drop(shop.random.uuid4());
  const auto reply = shop.admin(
      "/v1/admin/drops",
      R"({"drop":")" + drop.text() + R"(","offers":[{"sku":"unit","product":")" +
          shop.random.uuid4().text() +
          R"(","price":{"amount":1000,"currency":"KRW"},"units":2}],"limit_per_member":1,)"
          R"("opens_at":")" +
          opens_at + R"(","closes_at":")" + closes_at + R"("})");
  REQUIRE_MESSAGE(reply.status == 202, reply.body);
  return drop;
}

void switch_drop(const DropId& drop, const std::string& how) {
  const auto reply =
      Shop::get().admin("/v1/admin/drops/" + drop.text() + how, R"({"reason":"a test asks"})");
  REQUIRE_MESSAGE(reply.status == 202, reply.body);
}

std::string reason_in_table(const OrderId& order) {
  auto session = Shop::get().system().open();
  store::Params params;
  params.add("id", order);
  const auto rows = store::query(
      session,
      {"reason", "stock", "SELECT outcome || ' ' || reason FROM {orders} WHERE order_id = :id"},
      params, {store::Type::text});
  REQUIRE(rows.has_value());
  return rows->empty() ? "" : std::string(rows->front().text(0));
}

/// Places it, and holds that it is refused for that, wherever one looks.
void check_refused(const MemberId& member, const std::string& body, const std::string& reason) {
  CAPTURE(reason);
  auto& shop = Shop::get();
  const auto reply = shop.place(member, shop.random.uuid4().text(), body);
  REQUIRE_MESSAGE(reply.status == 200, reply.body);
  const auto answer = answer_of(reply);
  CHECK(answer.state == "rejected");
  CHECK(answer.reason == reason);
  CHECK(reason_in_table(answer.order_id) == "refused " + reason);
  const auto said = shop.records_of("stock.events", answer.order_id);
  REQUIRE(said.size() == 1);
  CHECK(said[0].headers.at("ce_type") == contracts::StockRefused::kType);
  CHECK(contracts::decode<contracts::StockRefused>(said[0].value)->reason ==
        contracts::parse_enum<contracts::RejectReason>(reason));
  REQUIRE(eventually([&] {
    const auto told = shop.records_of("orders.events", answer.order_id);
    return told.size() == 1 && told[0].headers.at("ce_type") == "OrderRejected";
  }));
  const auto shown = answer_of(shop.get(member, "/v1/orders/" + answer.order_id.text()));
  CHECK(shown.state == "rejected");
  CHECK(shown.reason == reason);
  CHECK(shop.records_of("payments.events", answer.order_id).empty());
}

std::string with(const std::string& body, const std::string& more) {
  return '{' + more + ',' + body.substr(1);
}

}  // namespace

TEST_CASE("an order before a drop opens, after it closed, and while it is paused is refused") {
  auto& shop = Shop::get();
  const auto member = shop.new_payer();
  const auto early = drop_between("2098-01-01T00:00:00Z", kFuture);
  check_refused(member, Shop::body(early, "unit", 1), "not_open");
  const auto late = drop_between(kPast, "2020-01-02T00:00:00Z");
  check_refused(member, Shop::body(late, "unit", 1), "drop_closed");
  const auto drop = drop_between(kPast, kFuture);
  switch_drop(drop, "/pause");
  check_refused(member, Shop::body(drop, "unit", 1), "paused");
  switch_drop(drop, "/resumption");
  const auto state = answer_of(shop.place(member, "again", Shop::body(drop, "unit", 1))).state;
  CHECK((state == "paid" || state == "preparing"));
  switch_drop(drop, "/end");
  check_refused(shop.new_payer(), Shop::body(drop, "unit", 1), "drop_closed");
}

TEST_CASE("an order of what is not sold, at another price, or beyond the limit is refused") {
  auto& shop = Shop::get();
  const auto member = shop.new_payer();
  const auto drop = drop_between(kPast, kFuture);
  check_refused(member, Shop::body(drop, "other", 1), "unknown_product");
  // Of a drop that nobody has heard of: it may be opened yet.
  check_refused(member, Shop::body(DropId(shop.random.uuid4()), "unit", 1), "not_open");
  check_refused(
      member,
      with(Shop::body(drop, "unit", 1), R"("expected_total":{"amount":900,"currency":"KRW"})"),
      "price_changed");
  check_refused(member, Shop::body(drop, "unit", 2), "limit_exceeded");
  CHECK(shop.units(drop) == Units{2, 0, 0});
}

TEST_CASE("while others hold every unit an order may come again, and then it is sold out") {
  auto& shop = Shop::get();
  const auto drop = drop_between(kPast, kFuture);
  auto by_card = Shop::body(drop, "unit", 1);
  by_card.replace(by_card.find("wallet"), 6, "card");
  std::vector<OrderId> held;
  for (int i = 0; i < 2; ++i) {
    const auto member = shop.new_member();
    held.push_back(answer_of(shop.place(member, "card", by_card)).order_id);
  }
  const auto body = Shop::body(drop, "unit", 1);
  check_refused(shop.new_payer(), body, "all_held");
  // Stock alone decides; the ingress refuses what it has seen sold out, without a write.
  CHECK(shop.units(drop) == Units{0, 2, 0});
}
