// Bank transfers: what finds its order, what goes back, and what waits for an operator.
#include <doctest/doctest.h>

#include "errands.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 30s;

/// A bank order that waits for its money.
struct Waiting {
  explicit Waiting(const DropId& drop) : order(shopper.order(drop, 1, "bank")) {
    shopper.wait_for(order, "awaiting_payment");
    reference = *shopper.show(order).reference;
  }
  Shopper shopper;
  OrderId order;
  std::string reference;
};

/// "surplus done 500" for each return, in their order.
std::string returns_of(const OrderId& order) {
  return rows("payments",
              "SELECT cause || ' ' || state || ' ' || CAST(amount AS text) FROM "
              "{returns} WHERE order_id = '" +
                  order.text() + "' ORDER BY made_at, amount");
}

std::string received(const OrderId& order) {
  return rows("payments", "SELECT CAST(received AS text) FROM {payments} WHERE order_id = '" +
                              order.text() + "'");
}

std::string field(const std::string& json, std::size_t at, const std::string& name) {
  const auto from = json.find('"' + name + "\":\"", at) + name.size() + 4;
  return json.substr(from, json.find('"', from) - from);
}

/// The id under which an operator sees what waits: the entry that says `said`, and what it is
/// called there.
std::string waiting(const std::string& list, const std::string& said, const std::string& name) {
  std::string id;
  const bool came = eventually(
      [&] {
        const auto page = Shop::get().admin_get(list + "?limit=100");
        REQUIRE_MESSAGE(page.status == 200, page.body);
        const auto at = page.body.find(said);
        if (at == std::string::npos) return false;
        id = field(page.body, page.body.rfind("{\"" + name + '"', at), name);
        return true;
      },
      kLimit);
  REQUIRE_MESSAGE(came, list << " does not show " << said);
  return id;
}

}  // namespace

TEST_CASE("a bank order shows where to pay how much until when, and an exact transfer pays it") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const Waiting waits(drop);
  const auto shown = waits.shopper.show(waits.order);
  CHECK(shown.due == won(1'000));
  REQUIRE(shown.due_at.has_value());
  CHECK(*shown.due_at > Town::get().clock().now() + 71h);
  REQUIRE(shown.deposit_to.has_value());
  CHECK(shown.deposit_to->bank == "Sandbox Bank");
  CHECK(shown.deposit_to->account == "100-200-300400");
  CHECK(shown.deposit_to->holder == "dropline");

  transfer(1'000, waits.reference);
  waits.shopper.wait_for(waits.order, "preparing");
  CHECK(payment_of(waits.order) == "captured 1000 0");
  CHECK(said_of(waits.order, "payments.events") == "PaymentOpened PaymentCaptured");
  CHECK(returns_of(waits.order).empty());
  CHECK(eventually([&] { return shop.units(drop) == Units{0, 1, 1}; }));
}

TEST_CASE("parts add up, however the reference is written, and what is too much goes back") {
  const auto drop = Shop::get().open_drop(1);
  const Waiting waits(drop);
  transfer(400, "for the shirt, " + waits.reference + " thanks");
  REQUIRE(eventually([&] { return received(waits.order) == "400"; }, kLimit));
  CHECK(waits.shopper.show(waits.order).state == "awaiting_payment");
  transfer(900, waits.reference);
  waits.shopper.wait_for(waits.order, "preparing");
  CHECK(payment_of(waits.order) == "captured 1000 0");
  CHECK(eventually([&] { return returns_of(waits.order) == "surplus done 300"; }, kLimit));
}

TEST_CASE("what has come goes back when the order is cancelled, and so does what comes late") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const Waiting waits(drop);
  transfer(400, waits.reference);
  REQUIRE(eventually([&] { return received(waits.order) == "400"; }, kLimit));
  waits.shopper.cancel(waits.order);
  waits.shopper.wait_for(waits.order, "cancelled");
  REQUIRE(eventually([&] { return shop.units(drop) == Units{1, 0, 0}; }));
  transfer(600, waits.reference);
  CHECK(eventually([&] { return returns_of(waits.order) == "incomplete done 400,late done 600"; },
                   kLimit));
  CHECK(waits.shopper.show(waits.order).state == "cancelled");
}

TEST_CASE("a transfer that names nobody waits, and an operator gives it to its order") {
  const auto drop = Shop::get().open_drop(1);
  const Waiting waits(drop);
  const auto transaction = transfer(1'000, "Kim's mum");
  const auto deposit = waiting("/v1/admin/deposits", transaction, "deposit");
  CHECK(waits.shopper.show(waits.order).state == "awaiting_payment");
  operate("/deposits/" + deposit + "/assignment",
          R"({"order_id":")" + waits.order.text() + R"(","reason":"she called"})");
  waits.shopper.wait_for(waits.order, "preparing");
  const auto again = Shop::get().admin(
      "/v1/admin/deposits/" + deposit + "/assignment",
      R"({"order_id":")" + waits.order.text() + R"(","reason":"she called again"})");
  CHECK(again.status == 409);
  CHECK(code_of(again) == "not_waiting");
  CHECK(rows("payments",
             "SELECT state || ' ' || CAST(taken AS text) FROM {deposits} WHERE "
             "deposit = '" +
                 deposit + "'") == "done 1000");
}

TEST_CASE("a transfer that is nobody's is sent back, again where the bank would not take it") {
  const auto transaction = transfer(7'100, "", "");
  const auto deposit = waiting("/v1/admin/deposits", transaction, "deposit");
  const auto path = "/v1/admin/deposits/" + deposit + "/return";
  const auto where = Shop::get().admin(path, R"({"reason":"nobody claims it"})");
  CHECK(where.status == 422);
  CHECK(code_of(where) == "account_needed");
  operate("/deposits/" + deposit + "/return",
          R"({"reason":"nobody claims it","account":{"bank":"Shinhan","account":"closed-1",)"
          R"("holder":"Kim Hana"}})");
  const auto stuck = waiting("/v1/admin/returns", money(7'100), "return");
  operate("/returns/" + stuck + "/account",
          std::string(R"({"reason":"her other account","account":)") + kAccount + '}');
  CHECK(eventually(
      [&] {
        return rows("payments", "SELECT cause || ' ' || state FROM {returns} WHERE id = '" + stuck +
                                    "'") == "unmatched done";
      },
      kLimit));
}

TEST_CASE("a bank payer names the account that the money goes back to") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const Waiting waits(drop);
  transfer(1'000, waits.reference);
  waits.shopper.wait_for(waits.order, "preparing");
  ship(waits.order);
  deliver(waits.order);
  waits.shopper.wait_for(waits.order, "delivered");
  const auto without = waits.shopper.refund(waits.order);
  CHECK(why_refused(waits.order, without) == "account_needed");
  waits.shopper.refund(waits.order, std::string(R"({"account":)") + kAccount + '}');
  waits.shopper.wait_for(waits.order, "refunded");
  CHECK(waits.shopper.show(waits.order).refunded == won(1'000));
  CHECK(eventually([&] { return returns_of(waits.order) == "refund done 1000"; }, kLimit));
  // What comes back has to be looked at first: an operator puts it on the shelf.
  CHECK(shop.units(drop) == Units{0, 1, 1});
}
