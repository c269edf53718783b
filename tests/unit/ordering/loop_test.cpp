// Ordering in the consumer loop: what it reads, says and keeps.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "dropline/contracts/codec.hpp"
#include "dropline/store/errors.hpp"
#include "office.hpp"

using namespace dropline;
using namespace dropline::ordering;
using namespace dropline::ordering::testing;
using namespace std::chrono_literals;

namespace {

/// Fails one statement or commit in 17 of the first 400, as a database may.
class Shaky final : public store::Faults {
 public:
  Status at(store::Seam seam, std::string_view) override {
    const bool counts = seam == store::Seam::statement || seam == store::Seam::commit ||
                        seam == store::Seam::committed;
    if (!counts || ++seen > 400 || seen % 17 != 0) return {};
    ++failed;
    return store::error(
        seam == store::Seam::committed ? store::Errc::commit_unknown : store::Errc::deadlock,
        "as asked");
  }
  int seen = 0;
  int failed = 0;
};

}  // namespace

TEST_CASE("a paid order is told step by step and its units are settled") {
  Office office;
  const auto id = office.say(reserved(1), kStockSays);
  office.work();
  CHECK(office.state_of(1) == OrderState::reserved);
  office.say(captured(1), kPaymentsSay);
  office.work();
  CHECK(office.told_of(1) == "OrderReserved OrderPaid");
  const auto events = office.read(topic::kOrdersEvents);
  REQUIRE(events.size() == 2);
  CHECK(events[0].key == member(1).text());
  CHECK(events[0].correlation == order_id(1).text());
  CHECK(events[0].causation == "stock/0#" + id);
  const auto paid = decode<OrderPaid>(events[1].body);
  REQUIRE(paid.has_value());
  CHECK(paid->version == 2);
  CHECK(paid->paid == won(kPrice));
  const auto commands = office.read(topic::kOrdersCommands);
  REQUIRE(commands.size() == 1);
  CHECK(commands[0].type == "SettleUnits");
  CHECK(commands[0].key == drop(1).text());
  CHECK(commands[0].is_signed);
  CHECK(office.read(topic::kPaymentsCommands).empty());
}

TEST_CASE("an order whose money is known at once is told once") {
  Office office;
  office.say(captured(1), kPaymentsSay);
  office.say(reserved(1), kStockSays);
  office.work();
  CHECK(office.told_of(1) == "OrderPaid");
}

TEST_CASE("what comes twice, or is told by an operator again, is told once") {
  Office office;
  for (int i = 0; i < 3; ++i) {
    office.say(reserved(1), kStockSays);
    office.say(captured(1), kPaymentsSay);
    office.work();
  }
  CHECK(office.told_of(1) == "OrderPaid");
  CHECK(office.count(topic::kOrdersCommands, "SettleUnits") == 1);
  CHECK(office.state_of(1) == OrderState::paid);
}

TEST_CASE("orders of a drop are settled and released in one record, ordinary ones by member") {
  Office office;
  for (std::uint32_t i = 1; i <= 20; ++i) {
    // One member, so that all are of one shard and batch.
    auto stock =
        reserved(i, PaymentMethod::wallet, i <= 10 ? std::optional(drop(1)) : std::nullopt);
    auto money = captured(i);
    auto none = declined(i);
    stock.member = money.member = none.member = member(1);
    office.say(stock, kStockSays);
    if (i % 2 == 0) {
      office.say(money, kPaymentsSay);
    } else {
      office.say(none, kPaymentsSay);
    }
  }
  office.work();
  std::map<std::string, std::size_t> orders;
  for (const auto& record : office.read(topic::kOrdersCommands)) {
    CHECK(record.is_signed);
    if (record.type == "SettleUnits")
      orders["settle " + record.key] += decode<SettleUnits>(record.body).value().orders.size();
    if (record.type == "ReleaseUnits")
      orders["release " + record.key] += decode<ReleaseUnits>(record.body).value().orders.size();
  }
  CHECK(orders == std::map<std::string, std::size_t>{{"settle " + drop(1).text(), 5},
                                                     {"settle " + member(1).text(), 5},
                                                     {"release " + drop(1).text(), 5},
                                                     {"release " + member(1).text(), 5}});
  CHECK(office.read(topic::kOrdersCommands).size() == 4);
}

TEST_CASE("a batch with more orders than a record may hold is split") {
  Office office;
  const auto orders = static_cast<std::uint32_t>(kMaxBatch) + 50;
  for (std::uint32_t i = 1; i <= orders; ++i) {
    auto stock = reserved(i);
    auto money = captured(i);
    stock.member = money.member = member(1);
    office.say(stock, kStockSays);
    office.say(money, kPaymentsSay);
  }
  office.work(200);
  std::size_t settled = 0;
  for (const auto& record : office.read(topic::kOrdersCommands)) {
    const auto command = decode<SettleUnits>(record.body);
    REQUIRE(command.has_value());
    settled += command->orders.size();
  }
  CHECK(settled == orders);
}

TEST_CASE("a cancellation closes the money first, then gives the units back") {
  Office office;
  office.say(reserved(1), kStockSays);
  office.say(captured(1), kPaymentsSay);
  office.work();
  const auto asked = office.say(cancel(1));
  office.work();
  CHECK(office.state_of(1) == OrderState::paid);
  CHECK(office.find(order_id(1), member(1)).closing());
  const auto closes = office.read(topic::kPaymentsCommands);
  REQUIRE(closes.size() == 1);
  CHECK(closes[0].type == "ClosePayment");
  CHECK(closes[0].is_signed);
  CHECK(closes[0].key == member(1).text());
  CHECK(closes[0].causation == "ingress/a#" + asked);
  CHECK(office.count(topic::kOrdersCommands, "ReleaseUnits") == 0);
  office.say(cancel(1, 2));
  office.work();
  office.say(closed(1, EndCause::cancelled, kPrice), kPaymentsSay);
  office.work();
  CHECK(office.told_of(1) == "OrderPaid OrderChangeRefused OrderCancelled");
  CHECK(office.count(topic::kOrdersCommands, "ReleaseUnits") == 1);
  const auto order = office.find(order_id(1), member(1));
  CHECK(order.refunded() == won(kPrice));
  CHECK(order.reason() == "changed my mind");
  CHECK(order.timeline.back().message == "ingress/a#" + asked);
}

TEST_CASE("commands without a good signature, or under another member's key, are dead letters") {
  Office office;
  office.say(reserved(1), kStockSays);
  office.say(cancel(1), {.sign = false});
  auto forged = cancel(1, 2);
  forged.member = member(2);
  office.say(forged, {.key = member(1).text()});
  office.work();
  CHECK_FALSE(office.find(order_id(1), member(1)).closing());
  CHECK(office.read("ordering.commands.dead").size() == 2);
  CHECK(office.read(topic::kPaymentsCommands).empty());
}

namespace {

/// What many orders came to: their rows, and what was told of each.
struct Outcome {
  std::map<std::uint32_t, Order> rows;
  std::map<std::uint32_t, std::string> told;
  std::size_t settled = 0;
  std::size_t released = 0;
};

constexpr std::uint32_t kOrders = 60;

/// What is said of orders 1 to kOrders over each topic, before their money is closed …
std::array<std::vector<Said>, 3> said_of_all() {
  std::array<std::vector<Said>, 3> topics;
  for (std::uint32_t i = 1; i <= kOrders; ++i) {
    const bool card = i % 3 == 0;
    if (i % 5 == 0) {
      topics[0].push_back(sold_out(i));
    } else {
      topics[0].push_back(reserved(i, card ? PaymentMethod::card : PaymentMethod::wallet));
      if (card) topics[1].push_back(opened(i));
      if (i % 4 == 0) {
        topics[1].push_back(declined(i));
      } else if (!card || i % 2 == 0) {
        topics[1].push_back(captured(i));
      }
    }
    if (i % 7 < 3) topics[2].push_back(cancel(i, i));
    if (i % 11 == 0) topics[2].push_back(refund(i, i));
  }
  return topics;
}

Town::How source_of(const Said& message) {
  return message.index() < 2 ? kStockSays : message.index() < 6 ? kPaymentsSay : Town::How{};
}

/// Says the topics' messages in a random order across topics, each topic in its own; some twice.
void say_shuffled(Office& office, std::array<std::vector<Said>, 3> topics, SeededRandom& random) {
  std::array<std::size_t, 3> next{};
  while (true) {
    std::vector<std::size_t> open;
    for (std::size_t t = 0; t < topics.size(); ++t)
      if (next[t] < topics[t].size()) open.push_back(t);
    if (open.empty()) return;
    const auto topic = open[random.below(open.size())];
    const auto& message = topics[topic][next[topic]++];
    for (auto times = random.below(8) == 0 ? 2 : 1; times > 0; --times)
      std::visit([&](const auto& m) { office.say(m, source_of(message)); }, message);
    if (random.below(10) == 0) office.work(static_cast<int>(random.below(4)));
  }
}

Outcome outcome_of(std::uint64_t seed, std::size_t max_records, store::Faults* faults = nullptr) {
  Office office(max_records, {}, faults);
  SeededRandom random(seed);
  say_shuffled(office, said_of_all(), random);
  office.work(800);
  // … and how it is closed.
  std::array<std::vector<Said>, 3> closes;
  for (const auto& record : office.read(topic::kPaymentsCommands)) {
    const auto command = decode<ClosePayment>(record.body).value();
    std::uint32_t number = 0;
    while (order_id(number) != command.order_id)
      ++number;
    const auto paid = office.find(command.order_id, command.member).paid().minor;
    closes[1].push_back(closed(number, command.cause, paid));
  }
  say_shuffled(office, std::move(closes), random);
  office.work(800);
  Outcome out;
  for (std::uint32_t i = 1; i <= kOrders; ++i) {
    auto order = office.find(order_id(i), member(i));
    // Names and times of records differ with when and how often they were said.
    for (auto& entry : order.timeline) {
      entry.at = kNoon;
      entry.message.clear();
    }
    const auto forget = [](auto& fact) {
      if (fact) fact->record = {};
    };
    forget(order.money.opened);
    forget(order.money.captured);
    forget(order.money.declined);
    forget(order.money.closed);
    forget(order.cancellation);
    order.due_at.reset();
    order.deadline.reset();
    out.rows.emplace(i, order);
  }
  for (const auto& record : office.read(topic::kOrdersEvents)) {
    if (record.type == "OrderReserved" || record.type == "OrderChangeRefused") continue;
    for (std::uint32_t i = 1; i <= kOrders; ++i)
      if (record.subject == order_id(i).text()) out.told[i] += record.type + ' ';
  }
  for (const auto& record : office.read(topic::kOrdersCommands)) {
    if (record.type == "SettleUnits")
      out.settled += decode<SettleUnits>(record.body).value().orders.size();
    if (record.type == "ReleaseUnits")
      out.released += decode<ReleaseUnits>(record.body).value().orders.size();
  }
  CHECK(office.read("stock.events.dead").empty());
  CHECK(office.read("payments.events.dead").empty());
  CHECK(office.read("ordering.commands.dead").empty());
  return out;
}

}  // namespace

TEST_CASE("many orders come to the same rows and events in whatever order and batches they come") {
  const auto expected = outcome_of(1, 2'000);
  CHECK(std::ranges::any_of(
      expected.rows, [](const auto& row) { return row.second.state == OrderState::cancelled; }));
  const std::array<std::size_t, 5> sizes{1, 2, 3, 17, 2'000};
  for (std::uint64_t seed = 2; seed <= 11; ++seed) {
    CAPTURE(seed);
    const auto outcome = outcome_of(seed, sizes[seed % sizes.size()]);
    CHECK(outcome.told == expected.told);
    CHECK(outcome.released == expected.released);
    for (const auto& [number, row] : expected.rows) {
      CAPTURE(number);
      CHECK(to_text(outcome.rows.at(number).state) == to_text(row.state));
      CHECK((outcome.rows.at(number) == row));
    }
  }
}

TEST_CASE("a database that fails now and then changes nothing of it") {
  Shaky shaky;
  const auto expected = outcome_of(1, 2'000);
  const auto outcome = outcome_of(3, 20, &shaky);
  CHECK(shaky.failed > 10);
  CHECK(outcome.told == expected.told);
  CHECK(outcome.released == expected.released);
  for (const auto& [number, row] : expected.rows)
    CHECK((outcome.rows.at(number) == row));
}
