// What anyone may check, as they would: `dropline audit`, `audit drop`, `replay drop` and
// `verify receipt`, on the shop that the other cases left (files run in the order of their names).
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "children.hpp"
#include "dropline/store/table.hpp"
#include "shop.hpp"
#include "support/eventually.hpp"

using namespace dropline;
using namespace dropline::testing;
using namespace std::chrono_literals;

namespace {

/// A command of ours on the shop under test.
Ended run_dropline(std::vector<std::string> words) {
  words.insert(words.begin(), program("dropline"));
  for (const auto& flag : Shop::get().system().flags())
    words.push_back(flag);
  return ended(words);
}

/// A row changed by hand, and back when the case is over.
class ByHand final {
 public:
  ByHand(std::string_view service, std::string there, std::string back)
      : service_(service), back_(std::move(back)) {
    run(there);
  }
  ~ByHand() { run(back_); }

 private:
  void run(const std::string& sql) {
    auto session = Shop::get().system().open_for_writing();
    const auto changed = store::change(session, {"by hand", service_, sql}, {});
    // A destructor may be in the way of a failed case, which must not hide behind this one.
    CHECK_MESSAGE((changed.has_value() && *changed > 0), sql);
  }
  std::string service_;
  std::string back_;
};

struct Hand {
  const char* service;
  std::string there;
  std::string back;
  const char* code;  ///< must be named
};

std::vector<Hand> hands(const DropId& drop, const OrderId& order, const MemberId& member) {
  const auto of_drop = " WHERE drop_id = '" + drop.text() + "'";
  const auto of_order = " WHERE order_id = '" + order.text() + "'";
  const auto of_member = " WHERE member = '" + member.text() + "'";
  return {
      {"stock", "UPDATE {offers} SET free = free + 1, supplied = supplied + 1" + of_drop,
       "UPDATE {offers} SET free = free - 1, supplied = supplied - 1" + of_drop, "state_differs"},
      {"payments", "UPDATE {wallets} SET balance = balance - 1" + of_member,
       "UPDATE {wallets} SET balance = balance + 1" + of_member, "payments_wallets"},
      {"payments", "UPDATE {payments} SET state = 'open'" + of_order + " AND captured = 0",
       "UPDATE {payments} SET state = 'closed'" + of_order, "payments_payment_row"},
      {"ordering", "UPDATE {orders} SET total = total + 1" + of_order,
       "UPDATE {orders} SET total = total - 1" + of_order, "order_terms"},
      {"ordering", "UPDATE {orders} SET version = version + 1" + of_order,
       "UPDATE {orders} SET version = version - 1" + of_order, "ordering_last_step"},
  };
}

}  // namespace

TEST_CASE("the shop is found whole, and a value changed by hand is named with exit code 1") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(2);
  const auto member = shop.new_payer(1'500);
  const auto failed = answer_of(shop.place(member, "poor", Shop::body(drop, "unit", 2)));
  REQUIRE(failed.state == "payment_failed");
  const auto whole = run_dropline({"audit", "--patience", "30s"});
  REQUIRE_MESSAGE(whole.code == 0, whole.text);
  CHECK(whole.text.find(", 0 violations") != std::string::npos);

  for (const auto& hand : hands(drop, failed.order_id, member)) {
    CAPTURE(hand.there);
    const ByHand changed(hand.service, hand.there, hand.back);
    const auto found = run_dropline({"audit", "--patience", "30s"});
    CHECK_MESSAGE(found.code == 1, found.text);
    CHECK_MESSAGE(found.text.find(std::string("violation ") + hand.code) != std::string::npos,
                  found.text);
  }
  const auto again = run_dropline({"audit", "--patience", "30s"});
  CHECK_MESSAGE(again.code == 0, again.text);
}

TEST_CASE("a drop is judged again from its log, beside its rows and with other terms") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(2);
  const auto payers = shop.new_payers(3, 10'000);
  // The second asks for more than is left, so stock refuses it at its place in line.
  const int wanted[] = {1, 2, 1};
  std::vector<OrderId> orders;
  for (std::size_t i = 0; i < 3; ++i)
    orders.push_back(
        answer_of(shop.place(payers[i], "mine", Shop::body(drop, "unit", wanted[i]))).order_id);
  REQUIRE(eventually([&] { return shop.units(drop) == Units{0, 2, 2}; }));

  const auto audited = run_dropline({"audit", "drop", drop.text()});
  REQUIRE_MESSAGE(audited.code == 0, audited.text);
  CHECK(audited.text.find("2 granted") != std::string::npos);
  CHECK(audited.text.find(", 0 differ") != std::string::npos);

  const auto more = run_dropline({"replay", "drop", drop.text(), "--stock", "4"});
  REQUIRE_MESSAGE(more.code == 0, more.text);
  CHECK(more.text.find("1 more would have won, 0 would have lost, 2 the same") !=
        std::string::npos);
  CHECK_MESSAGE(more.text.find("+ order " + orders[1].text()) != std::string::npos, more.text);
  const auto fewer = run_dropline({"replay", "drop", drop.text(), "--stock", "unit=1"});
  CHECK(fewer.text.find("- order " + orders[2].text()) != std::string::npos);

  {
    const auto of_drop = " WHERE drop_id = '" + drop.text() + "'";
    const ByHand changed("stock", "UPDATE {offers} SET settled = settled - 1" + of_drop,
                         "UPDATE {offers} SET settled = settled + 1" + of_drop);
    const auto found = run_dropline({"audit", "drop", drop.text()});
    CHECK(found.code == 1);
    CHECK_MESSAGE(found.text.find("violation drop_offer") != std::string::npos, found.text);
  }
  CHECK(run_dropline({"audit", "drop", shop.new_member().text()}).code == 1);
  CHECK(run_dropline({"audit", "drop", "x"}).code == 2);
  CHECK(run_dropline({"replay", "drop", drop.text()}).code == 2);
}

TEST_CASE("a receipt is good as it came, and no other") {
  auto& shop = Shop::get();
  const auto drop = shop.open_drop(1);
  const auto reply = shop.place(shop.new_payer(), "kept", Shop::body(drop, "unit", 1));
  const auto from = reply.body.find("\"receipt\":");
  REQUIRE_MESSAGE(from != std::string::npos, reply.body);
  const auto receipt = reply.body.substr(from + 10, reply.body.find('}', from) - from - 9);
  const auto file = shop.system().data_dir() / "receipt.json";
  const auto keep = [&file](const std::string& text) { std::ofstream(file) << text; };
  const auto data = shop.system().data_dir().string();
  const auto verify = [&] {
    return ended({program("dropline"), "verify", "receipt", file.string(), "--data-dir", data});
  };
  keep(receipt);
  const auto good = verify();
  REQUIRE_MESSAGE(good.code == 0, good.text);
  CHECK(good.text.find(answer_of(reply).order_id.text()) != std::string::npos);

  auto forged = receipt;
  const auto offset = forged.find("\"offset\":");
  REQUIRE(offset != std::string::npos);
  forged.insert(offset + 9, "1");
  keep(forged);
  CHECK(verify().code == 1);
  keep("{}");
  CHECK(verify().code == 1);
  CHECK(ended({program("dropline"), "verify", "receipt", file.string(), "--key",
               std::string(43, 'A'), "--data-dir", data})
            .code != 0);
}
