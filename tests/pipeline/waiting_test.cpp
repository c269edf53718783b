// What falls due. The town's clock moves for all processes and for the database, never back, so the
// cases are one story: all is prepared in the first, and each of the others begins where the one
// before it ended. The broker's time does not move, and deadlines begin by it.
#include <doctest/doctest.h>

#include <optional>

#include "errands.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

constexpr auto kLimit = 30s;

struct Waiting {
  explicit Waiting(const std::string& method) : drop(Shop::get().open_drop(1)) {
    order = shopper.order(drop, 1, method);
    shopper.wait_for(order, "awaiting_payment");
    reference = *shopper.show(order).reference;
  }
  DropId drop;
  Shopper shopper;
  OrderId order;
  std::string reference;
};

/// Who is in the story.
struct Cast {
  Waiting forgotten{"card"};
  Waiting unheard{"card"};  ///< pays, and the gateway's notice is lost
  Waiting spared{"card"};   ///< an operator gives its drop more time
  Waiting slow{"bank"};
  DropId kept_drop = Shop::get().open_drop(2);
  Shopper keeper;
  OrderId kept = keeper.delivered(kept_drop, 2);
};

Cast& cast() {
  static Cast cast;
  return cast;
}

std::size_t reminders(const OrderId& order) {
  std::size_t count = 0;
  for (const auto& message : Town::get().sink().told("/notices"))
    count += message.body.find("payment_reminder") != std::string::npos &&
             message.body.find(order.text()) != std::string::npos;
  return count;
}

bool listed(const Waiting& waiting, const char* query) {
  const auto reply = Shop::get().get(waiting.shopper.member(), std::string("/v1/orders") + query);
  REQUIRE(reply.status == 200);
  return reply.body.find(waiting.order.text()) != std::string::npos;
}

}  // namespace

TEST_CASE("time, 1: before anything falls due nobody is reminded, and an operator gives more") {
  auto& story = cast();
  REQUIRE(pay(story.unheard.reference, 1'000, R"(,"notices":[])").status == 201);
  const auto until = rfc3339(Town::get().clock().now() + 2h);
  operate("/drops/" + story.spared.drop.text() + "/deadlines",
          R"({"until":")" + until + R"(","reason":"the gateway was down"})");
  REQUIRE(eventually(
      [&] {
        return *story.spared.shopper.show(story.spared.order).due_at >
               Town::get().clock().now() + 110min;
      },
      kLimit));
  CHECK(reminders(story.forgotten.order) == 0);
}

TEST_CASE("time, 2: a card payer is reminded five minutes before the deadline, once") {
  auto& story = cast();
  Town::get().pass(11min);
  CHECK(eventually([&] { return reminders(story.forgotten.order) == 1; }, kLimit));
  CHECK(reminders(story.spared.order) == 0);
  CHECK(reminders(story.slow.order) == 0);
  CHECK(story.forgotten.shopper.show(story.forgotten.order).state == "awaiting_payment");
}

TEST_CASE("time, 3: a card order nobody paid expires, and one whose notice was lost is paid") {
  auto& story = cast();
  Town::get().pass(5min);
  const auto& late = story.forgotten;
  late.shopper.wait_for(late.order, "expired");
  CHECK(payment_of(late.order) == "closed 0 0");
  CHECK(said_of(late.order, "payments.events") == "PaymentOpened PaymentClosed");
  CHECK(life_of(late.order) == "OrderReserved OrderAwaitingPayment OrderPaymentDue OrderExpired");
  CHECK(eventually([&] { return Shop::get().units(late.drop) == Units{1, 0, 0}; }));
  CHECK(pay(late.reference, 1'000).status == 409);
  // It leaves the list, and stays on record.
  CHECK_FALSE(listed(late, ""));
  CHECK(listed(late, "?state=all"));
  CHECK(reminders(late.order) == 1);

  story.unheard.shopper.wait_for(story.unheard.order, "preparing");
  CHECK(payment_of(story.unheard.order) == "captured 1000 0");
  CHECK(story.spared.shopper.show(story.spared.order).state == "awaiting_payment");
  CHECK(pay(story.spared.reference, 1'000).status == 201);
  story.spared.shopper.wait_for(story.spared.order, "preparing");
}

TEST_CASE("time, 4: a bank payer is reminded a day before the deadline") {
  auto& story = cast();
  Town::get().pass(2 * 24h);
  CHECK(eventually([&] { return reminders(story.slow.order) == 1; }, kLimit));
  CHECK(story.slow.shopper.show(story.slow.order).state == "awaiting_payment");
  CHECK(story.keeper.show(story.kept).state == "delivered");
}

TEST_CASE("time, 5: after three days a transfer is late and goes back") {
  auto& story = cast();
  Town::get().pass(24h);
  const auto& slow = story.slow;
  slow.shopper.wait_for(slow.order, "expired");
  transfer(1'000, slow.reference);
  CHECK(eventually(
      [&] {
        return rows("payments",
                    "SELECT cause || ' ' || state || ' ' || CAST(amount AS text) FROM {returns} "
                    "WHERE order_id = '" +
                        slow.order.text() + "'") == "late done 1000";
      },
      kLimit));
  CHECK(slow.shopper.show(slow.order).state == "expired");
  CHECK(eventually([&] { return Shop::get().units(slow.drop) == Units{1, 0, 0}; }));
}

TEST_CASE(
    "time, 6: three days after delivery an order is complete, and nothing goes back any more") {
  auto& story = cast();
  story.keeper.wait_for(story.kept, "completed");
  CHECK(why_refused(story.kept, story.keeper.refund(story.kept)) == "too_late");
  CHECK(payment_of(story.kept) == "captured 2000 0");
  CHECK(life_of(story.kept) ==
        "OrderReserved OrderAwaitingPayment OrderPaid OrderPreparing OrderShipped OrderDelivered "
        "OrderCompleted OrderChangeRefused");
}

TEST_CASE("time, 7: a program that was not built for it refuses a false clock") {
  const auto refused = ended({std::string(DROPLINE_BINARY_DIR) + "/bin/dropline", "serve",
                              "--data-dir", Shop::get().system().data_dir().string()});
  CHECK(refused.code == 2);
  CHECK_MESSAGE(refused.text.find("false clock") != std::string::npos, refused.text);
}
