#include <algorithm>
#include <memory>

#include "dropline/contracts/outgoing.hpp"
#include "dropline/payments/payments_queries.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/worker/worker.hpp"
#include "place.hpp"
#include "traffic.hpp"

using namespace dropline;
using namespace dropline::payments;
using namespace dropline::payments::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::int32_t kPartitions = 4;

/// A broker, payments' database, and workers driven by hand on one thread.
struct Cluster {
  Cluster() {
    REQUIRE(keys.add("test", "a secret that is long enough"));
    REQUIRE(outside.admin(1s).value()->ensure_topics(topic_specs(kPartitions, "")));
    producer = outside.producer([](auto) {}).value();
  }

  struct Process {
    Process(Cluster& cluster, std::string name, store::Faults* faults = nullptr)
        : stream(cluster.log) {
      worker::LoopOptions loop;
      loop.partitions = kPartitions;
      worker = worker::Worker::start({.service = service,
                                      .database = cluster.ground.place->database(),
                                      .stream = stream,
                                      .clock = cluster.clock,
                                      .random = cluster.random,
                                      .keys = cluster.keys,
                                      .member = std::move(name),
                                      .session = {.faults = faults},
                                      .loop = loop})
                   .value();
    }
    PaymentsWorker service{Terms{won(1'000), won(500'000)}};
    stream::MemoryStream stream;
    std::unique_ptr<worker::Worker> worker;
  };

  struct How {
    std::string_view key = {};  ///< absent: the message's own
    std::string_view source = "ordering/0";
    bool sign = true;
  };

  template <class T>
  void say(const T& message, const How& how = {}) {
    auto out = outgoing(message);
    if (!how.key.empty()) out.key = how.key;
    const auto id = std::to_string(++said) + "-0";
    auto attributes = out.attributes(how.source, id, clock.now());
    std::string signature;
    if (out.is_signed && how.sign) signature = keys.sign(attributes, out.key, *out.body);
    attributes.signature = signature;
    const EnvelopeHeaders headers(attributes);
    REQUIRE(producer->send({out.topic, out.key, *out.body, headers.list(), std::nullopt}, 0));
  }

  void run(std::initializer_list<Process*> processes, int turns = 60) {
    for (int i = 0; i < turns; ++i) {
      outside.pump();
      for (auto* process : processes) {
        process->worker->step(0ms);
        process->stream.pump();
      }
      clock.advance(50ms);
    }
  }

  /// Types of a topic's records, in each partition's order.
  std::vector<std::string> types(const std::string& topic) {
    auto consumer = outside.consumer().value();
    std::vector<stream::Position> from;
    for (std::int32_t p = 0; p < kPartitions; ++p)
      from.push_back({{topic, p}, stream::Position::kStart});
    REQUIRE(consumer->assign(from));
    std::vector<std::string> out;
    for (int quiet = 0; quiet < 3;) {
      const auto batch = consumer->poll(1'000, 0ms).value();
      quiet = batch.empty() ? quiet + 1 : 0;
      for (const auto& record : batch.records())
        out.emplace_back(record.header("ce_type").value_or("?"));
    }
    return out;
  }
  std::int64_t events(std::string_view type) {
    return std::ranges::count(types("payments.events"), type);
  }
  std::int64_t balance(const MemberId& who) {
    const auto wallet = find_wallet(ground.session, who).value();
    return wallet ? wallet->balance : 0;
  }

  ManualClock clock;
  SeededRandom random{11};
  CommandKeys keys;
  Ground ground{clock};
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  stream::MemoryStream outside{log};
  std::unique_ptr<stream::Producer> producer;
  int said = 0;
};

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
