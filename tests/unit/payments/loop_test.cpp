#include "cluster.hpp"
#include "dropline/store/errors.hpp"
#include "traffic.hpp"

using namespace dropline;
using namespace dropline::payments;
using namespace dropline::payments::testing;
using namespace std::chrono_literals;

namespace {

/// Fails one statement or commit in 23 of the first 400, as a database may.
class Shaky final : public store::Faults {
 public:
  Status at(store::Seam seam, std::string_view) override {
    const bool counts = seam == store::Seam::statement || seam == store::Seam::commit ||
                        seam == store::Seam::committed;
    if (!counts || ++seen > 400 || seen % 23 != 0) return {};
    ++failed;
    return store::error(
        seam == store::Seam::committed ? store::Errc::commit_unknown : store::Errc::deadlock,
        "as asked");
  }
  int seen = 0;
  int failed = 0;
};

}  // namespace

TEST_CASE("a member charges, buys, is refunded, and the log tells it in order") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  cluster.say(charge_wallet(charge(1), member(1), won(20'000)), {.source = "ingress/a"});
  cluster.run({&a});
  CHECK(cluster.types("payments.events").empty());
  cluster.say(gateway_took(charge(1), member(1), won(20'000)));
  cluster.run({&a});
  cluster.say(reserved(order(1), member(1), won(12'000)), {.source = "stock/1"});
  cluster.run({&a});
  cluster.say(reserved(order(2), member(1), won(12'000)), {.source = "stock/1"});
  cluster.run({&a});
  cluster.say(refund_payment(refund_id(1), order(1), member(1), won(2'000)));
  cluster.say(close_payment(order(1), member(1)));
  cluster.say(reserved(order(3), member(1), won(12'000), PaymentMethod::bank),
              {.source = "stock/1"});
  cluster.run({&a});
  CHECK(cluster.types("payments.events") ==
        std::vector<std::string>{"WalletCharged", "PaymentCaptured", "PaymentDeclined",
                                 "PaymentRefunded", "PaymentClosed", "PaymentOpened"});
  CHECK(cluster.balance(member(1)) == 20'000);
  const auto paid = find_payment(cluster.ground.session, order(1), member(1)).value();
  REQUIRE(paid.has_value());
  CHECK(paid->refunded == 12'000);
  check_tables(cluster.ground);
}

TEST_CASE("no record that anybody may write moves money") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  cluster.say(gateway_took(charge(1), member(1), won(20'000)), {.sign = false});
  cluster.say(gateway_took(charge(2), member(1), won(20'000)), {.key = member(2).text()});
  auto about_a_card = gateway_took(charge(3), member(1), won(20'000));
  about_a_card.charge.reset();
  about_a_card.order_id = order(1);
  cluster.say(about_a_card);
  auto without_amount = gateway_took(charge(4), member(1), won(20'000));
  without_amount.amount.reset();
  cluster.say(without_amount);
  cluster.say(reserved(order(1), member(1), won(1'000)), {.key = member(2).text()});
  cluster.run({&a});
  CHECK(cluster.types("payments.commands.dead").size() == 4);
  CHECK(cluster.types("stock.events.dead").size() == 1);
  CHECK(cluster.types("payments.events").empty());
  CHECK(cluster.balance(member(1)) == 0);
  cluster.say(gateway_took(charge(5), member(1), won(20'000)));
  cluster.run({&a});
  CHECK(cluster.balance(member(1)) == 20'000);
}

TEST_CASE("copies of records, from services and from outside, move money once") {
  Cluster cluster;
  Cluster::Process a(cluster, "a");
  for (const char* source : {"ingress/a", "ingress/b", "ordering/1"}) {
    cluster.say(gateway_took(charge(1), member(1), won(20'000)), {.source = source});
    cluster.say(reserved(order(1), member(1), won(5'000)), {.source = source});
  }
  cluster.run({&a});
  for (const char* source : {"ingress/a", "ingress/b", "ordering/1"})
    cluster.say(refund_payment(refund_id(1), order(1), member(1), won(1'000)), {.source = source});
  cluster.run({&a});
  CHECK(cluster.events("WalletCharged") == 1);
  CHECK(cluster.events("PaymentCaptured") + cluster.events("PaymentDeclined") == 1);
  CHECK(cluster.events("PaymentRefunded") + cluster.events("RefundRefused") == 1);
  check_tables(cluster.ground);
}

TEST_CASE("two workers, a failing database and one that dies: the ledger stays whole") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    Cluster cluster;
    Shaky shaky;
    const Traffic traffic(seed);
    auto a = std::make_unique<Cluster::Process>(cluster, "a", &shaky);
    Cluster::Process b(cluster, "b");
    const auto say = [&cluster](const AnyMessage& any) {
      std::visit([&cluster](const auto& message) { cluster.say(message); }, any);
    };
    const auto half = traffic.all.size() / 2;
    for (std::size_t i = 0; i < half; ++i) {
      say(traffic.all[i]);
      if (i % 8 == 0) cluster.run({a.get(), &b}, 3);
    }
    cluster.run({a.get(), &b}, 40);
    a->stream.kill();
    a.reset();
    for (std::size_t i = half; i < traffic.all.size(); ++i)
      say(traffic.all[i]);
    cluster.clock.advance(10s);
    cluster.run({&b}, 200);
    CHECK(shaky.failed > 0);
    CHECK(b.worker->health().empty());
    check_tables(cluster.ground);
    for (std::uint32_t i = 0; i < Traffic::kOrders; ++i)
      for (std::uint32_t m = 0; m < Traffic::kMembers; ++m)
        if (const auto payment = find_payment(cluster.ground.session, order(i), member(m)).value();
            payment && payment->state == PaymentState::closed)
          CHECK(payment->held().minor == 0);
    CHECK(cluster.types("payments.commands.dead").empty());
    CHECK(cluster.types("stock.events.dead").empty());
  }
}
