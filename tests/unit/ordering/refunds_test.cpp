// Refunds by unit, and discounts by line: the parts always come to the whole.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "dropline/base/random.hpp"
#include "scene.hpp"

using namespace dropline;
using namespace dropline::ordering;
using namespace dropline::ordering::testing;

namespace {

StockReserved of_lines(const std::vector<std::pair<std::int64_t, std::int32_t>>& lines) {
  auto out = reserved_with_coupon(1);
  out.lines.clear();
  out.total = won(0);
  for (const auto& [price, quantity] : lines) {
    const auto name = "SKU-" + std::to_string(out.lines.size());
    const auto amount = price * quantity;
    out.lines.push_back({sku(name), numbered<ProductId>(6, 1), quantity, won(price), won(amount)});
    out.total.minor += amount;
  }
  return out;
}

/// A delivered order, and the commands it gives payments.
struct Returned {
  explicit Returned(const StockReserved& stock, std::int64_t off) {
    auto paid = captured(1);
    paid.amount = won(stock.total.minor - off);
    say(stock);
    say(coupon_held(1, off));
    say(paid);
    say(about<DeliveryPreparing>(1));
    say(shipped(1));
    say(delivered(1));
    REQUIRE(order.state == OrderState::delivered);
    REQUIRE(order.paid() == paid.amount);
  }
  /// "" where it was accepted.
  std::string say(const Said& message) {
    const auto noted = note_one(order, terms, message);
    auto progress = advance(order, terms);
    for (const auto& ask : progress.asks)
      if (const auto* command = std::get_if<RefundPayment>(&ask)) {
        REQUIRE(validate(*command));
        asked.push_back(*command);
      }
    for (const auto& step : progress.steps)
      if (const auto* whole = std::get_if<OrderRefunded>(&step)) REQUIRE(validate(*whole));
    if (noted.refused) return std::string(to_text(noted.refused->reason));
    if (!progress.refused.empty()) return std::string(to_text(progress.refused[0].reason));
    return "";
  }
  std::string ask(std::uint32_t id, std::vector<OrderLine> lines) {
    auto command = refund(1, id);
    if (!lines.empty()) command.lines = std::move(lines);
    return say(command);
  }
  void answer_all() {
    for (; answered < asked.size(); ++answered)
      say(refunded(RefundPayment(asked[answered])));
  }

  Terms terms;
  Order order = new_order();
  std::vector<RefundPayment> asked;
  std::size_t answered = 0;
};

}  // namespace

TEST_CASE("a discount is allotted by largest remainder, to the last won") {
  const auto stock = of_lines({{100, 1}, {100, 1}, {100, 1}});
  const auto parts = allot(won(100), stock.lines);
  CHECK(parts == std::vector<Money>{won(34), won(33), won(33)});
  CHECK(allot(won(0), stock.lines) == std::vector<Money>{won(0), won(0), won(0)});
  CHECK(allot(won(300), stock.lines) == std::vector<Money>{won(100), won(100), won(100)});
  CHECK(allot(won(0), of_lines({{0, 1}}).lines) == std::vector<Money>{won(0)});
  CHECK(allot(won(10), of_lines({{1, 1}, {98, 1}, {1, 1}}).lines) ==
        std::vector<Money>{won(0), won(10), won(0)});
}

TEST_CASE("whatever the lines and the discount, the parts sum and none is more than its line") {
  SeededRandom random{3};
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::pair<std::int64_t, std::int32_t>> lines(1 + random.below(12));
    for (auto& [price, quantity] : lines) {
      price = static_cast<std::int64_t>(random.below(round % 3 == 0 ? 5 : 9'000'000'000));
      quantity = 1 + static_cast<std::int32_t>(random.below(20));
    }
    const auto stock = of_lines(lines);
    const auto off =
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(stock.total.minor) + 1));
    const auto parts = allot(won(off), stock.lines);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      REQUIRE(parts[i].minor >= 0);
      REQUIRE(parts[i].minor <= stock.lines[i].amount.minor);
      sum += parts[i].minor;
    }
    REQUIRE(sum == off);
  }
}

TEST_CASE(
    "refunds in any portions sum to what was paid, each unit once; refunded only when whole") {
  SeededRandom random{4};
  for (int round = 0; round < 500; ++round) {
    CAPTURE(round);
    std::vector<std::pair<std::int64_t, std::int32_t>> lines(1 + random.below(5));
    for (auto& [price, quantity] : lines) {
      price = static_cast<std::int64_t>(random.below(round % 2 == 0 ? 4 : 100'000));
      quantity = 1 + static_cast<std::int32_t>(random.below(6));
    }
    const auto stock = of_lines(lines);
    const auto off =
        static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(stock.total.minor) + 1));
    Returned returned(stock, off);
    std::vector<std::int32_t> left;
    for (const auto& line : stock.lines)
      left.push_back(line.quantity);
    std::uint32_t id = 0;
    while (std::accumulate(left.begin(), left.end(), 0) > 0) {
      const auto i = random.below(left.size());
      if (left[i] == 0) continue;
      const auto units =
          1 + static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(left[i])));
      REQUIRE(returned.ask(++id, {{stock.lines[i].sku, left[i] + 1}}) == "wrong_lines");
      REQUIRE(returned.order.state == OrderState::delivered);
      REQUIRE(returned.ask(++id, {{stock.lines[i].sku, units}}).empty());
      left[i] -= units;
      if (random.below(2) == 0) {
        // Payments cannot give it back: its units are there again.
        if (returned.answered < returned.asked.size() && random.below(3) == 0) {
          const auto& broken = returned.asked[returned.answered++];
          auto word = about<RefundRefused>(1);
          word.refund = broken.refund;
          REQUIRE(returned.say(word) == "money_missing");
          for (const auto& line : broken.lines)
            for (std::size_t k = 0; k < stock.lines.size(); ++k)
              if (stock.lines[k].sku == line.sku) left[k] += line.quantity;
        }
        returned.answer_all();
      }
      if (id > 90) break;
    }
    returned.answer_all();
    if (id > 90) continue;
    CHECK(returned.order.state == OrderState::refunded);
    CHECK(returned.order.refunded() == returned.order.paid());
    CHECK(returned.ask(1'000, {}) == "wrong_state");
  }
}

TEST_CASE("why a refund is refused") {
  const auto stock = of_lines({{1'000, 2}, {500, 1}});
  Returned returned(stock, 100);
  CHECK(returned.ask(1, {{sku("OTHER"), 1}}) == "wrong_lines");
  CHECK(returned.ask(2, {{sku("SKU-0"), 1}}).empty());
  CHECK(returned.ask(2, {{sku("SKU-0"), 1}}).empty());  // A copy.
  CHECK(returned.asked.size() == 1);
  CHECK(returned.ask(3, {}).empty());
  CHECK(returned.ask(4, {}) == "already_asked");
  CHECK(returned.asked.at(0).amount.minor + returned.asked.at(1).amount.minor == 2'400);
  returned.answer_all();
  CHECK(returned.ask(4, {}) == "wrong_state");

  Returned late(stock, 0);
  late.order.due_at = kNoon;
  CHECK(late.ask(1, {}) == "too_late");
  auto by_admin = refund(1, 2);
  by_admin.actor = {ActorKind::admin, "ann"};
  CHECK(late.say(by_admin).empty());
  // It is not completed while money is on its way back.
  CHECK_FALSE(expire(late.order, kMuchLater).completed.has_value());
  late.answer_all();
  CHECK(late.order.state == OrderState::refunded);

  Returned bank(stock, 0);
  bank.order.payment.method = PaymentMethod::bank;
  CHECK(bank.ask(1, {}) == "account_needed");
  auto with_account = refund(1, 2);
  with_account.account = SealedText{std::string(kSealed), {1}};
  CHECK(bank.say(with_account).empty());
  CHECK(bank.asked.at(0).account == with_account.account);
}

TEST_CASE("what is not given back in time is kept: the order is completed") {
  Returned returned(of_lines({{1'000, 2}}), 0);
  CHECK(returned.ask(1, {{sku("SKU-0"), 1}}).empty());
  returned.answer_all();
  CHECK(returned.order.state == OrderState::delivered);
  CHECK(returned.order.deadline == returned.order.due_at);
  CHECK(returned.order.refundable_until() == returned.order.due_at);
  CHECK(expire(returned.order, kMuchLater).completed->state == OrderState::completed);
  CHECK(returned.ask(2, {}) == "too_late");
  CHECK(returned.order.refunded() == won(1'000));
}

TEST_CASE("a refund keeps its command's record, and is told of when the money went") {
  Returned returned(of_lines({{1'000, 2}}), 0);
  const auto command = refund(1, 1);
  CHECK(returned.say(command).empty());
  returned.answer_all();
  const auto& kept = returned.order.given_back.at(0);
  CHECK(kept.record == record_of(command));
  const auto& told = returned.order.timeline.back();
  CHECK(told.state == OrderState::refunded);
  CHECK(told.message == kept.record.message);
  CHECK(told.at == record_of(refunded(returned.asked.at(0))).at);
}
