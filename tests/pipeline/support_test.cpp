// What support does, and what it hands to others: voids, cancellations and refunds in an operator's
// name, and orders and payments as files.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "errands.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

/// The lines of a CSV file that has a byte order mark.
std::vector<std::string> lines_of(const Reply& reply) {
  REQUIRE_MESSAGE(reply.status == 200, reply.body);
  CHECK(reply.headers.at("content-type") == "text/csv; charset=utf-8");
  REQUIRE(reply.body.starts_with("\xEF\xBB\xBF"));
  std::vector<std::string> lines;
  std::size_t from = 3;
  while (from < reply.body.size()) {
    const auto end = reply.body.find("\r\n", from);
    REQUIRE(end != std::string::npos);
    lines.push_back(reply.body.substr(from, end - from));
    from = end + 2;
  }
  return lines;
}

std::string line_about(const std::vector<std::string>& lines, const OrderId& order) {
  const auto found = std::ranges::find_if(
      lines, [&order](const std::string& line) { return line.starts_with(order.text()); });
  return found == lines.end() ? "" : *found;
}

/// The path of the next page, or empty.
std::string next_of(const Reply& reply) {
  const auto found = reply.headers.find("link");
  if (found == reply.headers.end()) return "";
  const auto from = found->second.find('<') + 1;
  return found->second.substr(from, found->second.find('>') - from);
}

}  // namespace

TEST_CASE("an operator takes an order from a cheater: money, units and limit come back") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  Shopper cheater;
  const auto order = cheater.paid(drop, 1);
  operate("/orders/" + order.text() + "/void", R"({"reason":"ten accounts"})");
  cheater.wait_for(order, "cancelled");
  const auto shown = cheater.show(order);
  CHECK(shown.reason == "ten accounts");
  CHECK(shown.timeline->back().actor.kind == contracts::ActorKind::admin);
  CHECK(payment_of(order) == "closed 1000 1000");
  CHECK(rows("payments", "SELECT cause FROM {payments} WHERE order_id = '" + order.text() + "'") ==
        "voided");
  REQUIRE(eventually([&] { return shop.units(drop) == Units{1, 0, 0}; }));
  static_cast<void>(Shopper().paid(drop, 1));
}

TEST_CASE("support cancels and refunds in its own name; who is no operator may not") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(2);
  Shopper shopper;
  const auto kept = shopper.delivered(drop, 1);
  const auto path = "/v1/admin/orders/" + kept.text();
  const auto forbidden = request(shop.system().admin_port(), "POST", path + "/refunds",
                                 shop.headers(shopper.member(), "any", false), "{}");
  CHECK(forbidden.status == 403);
  operate("/orders/" + kept.text() + "/refunds", R"({"reason":"it broke"})");
  shopper.wait_for(kept, "refunded");
  CHECK(shopper.show(kept).timeline->back().actor.kind == contracts::ActorKind::admin);
  CHECK(payment_of(kept) == "captured 1000 1000");

  const auto other = shopper.order(drop, 1, "card");
  operate("/orders/" + other.text() + "/cancellation", R"({"reason":"she called"})");
  shopper.wait_for(other, "cancelled");
  CHECK(shopper.show(other).reason == "she called");
  const auto shown = shop.admin_get("/v1/admin/orders/" + other.text());
  CHECK(shown.status == 200);
  CHECK(shown.body.find(R"("member":")" + shopper.member().text()) != std::string::npos);
}

TEST_CASE("orders and payments of a drop are files that no spreadsheet takes for formulas") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(3);
  Shopper first;
  Shopper second;
  const auto cancelled = first.paid(drop, 1);
  first.cancel(cancelled, R"json({"reason":"=HYPERLINK(\"http://x\",\"a \"\"b\")"})json");
  first.wait_for(cancelled, "cancelled");
  const auto paid = second.paid(drop, 2);

  const std::string period = "?from=2020-01-01T00:00:00Z&until=2099-01-01T00:00:00Z";
  const auto of_drop = period + "&drop=" + drop.text();
  const auto orders = lines_of(shop.admin_get("/v1/admin/exports/orders" + of_drop));
  REQUIRE(orders.size() == 3);
  CHECK(orders[0].starts_with("order_id,member,drop,state,reason,"));
  CHECK(line_about(orders, paid).find(",preparing,") != std::string::npos);
  CHECK(line_about(orders, paid).find(",card,KRW,2000,0,2000,0,,unit x 2,") != std::string::npos);
  // Led by an apostrophe, in quotes, and quotes doubled.
  CHECK(line_about(orders, cancelled).find(R"csv(,"'=HYPERLINK(""http://x"",""a """"b"")",)csv") !=
        std::string::npos);

  const auto payments = lines_of(shop.admin_get("/v1/admin/exports/payments" + of_drop));
  REQUIRE(payments.size() == 3);
  CHECK(line_about(payments, paid).find(",card,captured,KRW,2000,2000,0,,,") != std::string::npos);
  CHECK(line_about(payments, cancelled).find(",card,closed,KRW,1000,1000,1000,cancelled,,") !=
        std::string::npos);

  // Page by page it is the same file.
  std::string pages;
  for (auto next = "/v1/admin/exports/orders" + of_drop + "&limit=1"; !next.empty();) {
    const auto page = shop.admin_get(next);
    REQUIRE(page.status == 200);
    pages += page.body;
    next = next_of(page);
  }
  CHECK(pages == shop.admin_get("/v1/admin/exports/orders" + of_drop).body);
  CHECK(lines_of(shop.admin_get(
                     "/v1/admin/exports/orders?from=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z"
                     "&drop=" +
                     drop.text()))
            .size() == 1);
  CHECK(shop.admin_get("/v1/admin/exports/orders").status == 400);
}
