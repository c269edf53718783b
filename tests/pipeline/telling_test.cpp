// Who is told: shoppers by notices, another platform by feeds. Every message comes, whoever dies or
// does not listen meanwhile; copies have one id; and the platform hears of a member in order.
#include <doctest/doctest.h>

#include <algorithm>

#include "errands.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 60s;
constexpr const char* kNotices = "/notices";
constexpr const char* kOrders = "/orders";

/// What follows `"name":"` in a message.
std::string field(const std::string& json, const std::string& name) {
  const auto from = json.find('"' + name + "\":\"");
  if (from == std::string::npos) return "";
  const auto begin = from + name.size() + 4;
  return json.substr(begin, json.find('"', begin) - begin);
}

/// The kinds of what was told to or of a member, in the order in which it came first.
std::string told(const char* path, const MemberId& member) {
  std::string out;
  for (const auto& message : Town::get().sink().told(path)) {
    if (message.body.find(member.text()) == std::string::npos) continue;
    CHECK(message.genuine);
    CHECK(field(message.body, "id") == message.id);
    out += (out.empty() ? "" : " ") + field(message.body, path == kNotices ? "kind" : "type");
  }
  return out;
}

/// A platform that answers 503 for as long as this lives.
class Away final {
 public:
  Away() { Town::get().sink().refuse(true); }
  ~Away() { Town::get().sink().refuse(false); }
};

}  // namespace

TEST_CASE("a shopper is told of each step, and another platform of money that came and went") {
  const auto drop = Shop::get().open_drop(3);
  Shopper shopper;
  const auto order = shopper.delivered(drop, 2);
  shopper.refund(order, R"({"lines":[{"sku":"unit","quantity":1}]})");
  REQUIRE(eventually([&] { return shopper.show(order).refunded == won(1'000); }, kLimit));
  shopper.refund(order);
  shopper.wait_for(order, "refunded");
  CHECK(eventually(
      [&] {
        auto kinds = told(kNotices, shopper.member());
        return std::ranges::count(kinds, ' ') == 4;
      },
      kLimit));
  const auto kinds = told(kNotices, shopper.member());
  for (const char* kind : {"order_paid", "order_shipped", "order_delivered", "order_refunded"})
    CHECK_MESSAGE(kinds.find(kind) != std::string::npos, kinds);
  CHECK(eventually(
      [&] {
        return told(kOrders, shopper.member()) == "order.paid order.partly_refunded order.refunded";
      },
      kLimit));
  for (const auto& message : Town::get().sink().told(kNotices)) {
    if (message.body.find(order.text()) == std::string::npos) continue;
    // In both languages, with the goods, and nothing sealed.
    CHECK(message.body.find("\"ko\"") != std::string::npos);
    CHECK(message.body.find("\"en\"") != std::string::npos);
    CHECK(message.body.find("ciphertext") == std::string::npos);
  }
}

TEST_CASE("a platform that is away holds up nobody, and hears of everything in order") {
  const auto drop = Shop::get().open_drop(4);
  Shopper shopper;
  const auto before = Town::get().sink().requests(kOrders);
  {
    const Away away;
    for (int i = 0; i < 2; ++i) {
      const auto order = shopper.paid(drop, 1);
      shopper.cancel(order);
      shopper.wait_for(order, "cancelled");
    }
    REQUIRE(eventually([&] { return Town::get().sink().requests(kOrders) > before; }, kLimit));
    CHECK(told(kOrders, shopper.member()).empty());
    const auto backlog = Shop::get().admin_get("/v1/admin/feeds");
    CHECK(backlog.status == 200);
    CHECK(backlog.body.find("\"events\":0,") == std::string::npos);
  }
  // A breaker or a pause may stand between; both are counted in seconds.
  CHECK(eventually(
      [&] {
        return told(kOrders, shopper.member()) ==
               "order.paid order.cancelled order.paid order.cancelled";
      },
      kLimit));
  CHECK(eventually(
      [&] {
        return Shop::get().admin_get("/v1/admin/feeds").body.find("\"events\":0,") !=
               std::string::npos;
      },
      kLimit));
}

TEST_CASE("whoever is killed meanwhile, every message comes, and copies have its id") {
  constexpr int kKills = 3;
  constexpr int kOrdersEach = 4;
  const auto drop = Shop::get().open_drop(kKills * kOrdersEach);
  std::vector<Shopper> shoppers(kKills * kOrdersEach);
  std::vector<OrderId> orders;
  for (int kill = 0; kill < kKills; ++kill) {
    for (int i = 0; i < kOrdersEach; ++i) {
      auto& shopper = shoppers[orders.size()];
      orders.push_back(shopper.order(drop, 1, "card"));
      shopper.wait_for(orders.back(), "awaiting_payment");
      const auto shown = shopper.show(orders.back());
      REQUIRE(pay(*shown.reference, shown.due->minor).status == 201);
    }
    Shop::get().system().kill_worker();
  }
  for (std::size_t i = 0; i < orders.size(); ++i) {
    CAPTURE(i);
    shoppers[i].wait_for(orders[i], "preparing");
    CHECK(eventually([&] { return told(kNotices, shoppers[i].member()) == "order_paid"; }, kLimit));
    CHECK(eventually([&] { return told(kOrders, shoppers[i].member()) == "order.paid"; }, kLimit));
  }
  CHECK(eventually(
      [] {
        return rows("notices",
                    "SELECT CAST(count(*) AS text) FROM {calls} WHERE due_at IS NOT NULL") == "0";
      },
      kLimit));
}
