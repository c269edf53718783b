// Every state meets every message.
#include <doctest/doctest.h>

#include <array>
#include <map>

#include "scene.hpp"

using namespace dropline;
using namespace dropline::ordering;
using namespace dropline::ordering::testing;

namespace {

constexpr auto kCard = PaymentMethod::card;

/// How an order comes to a situation: batch after batch.
using History = std::vector<std::vector<Said>>;

Order after(const History& history) {
  auto order = new_order();
  for (const auto& batch : history)
    static_cast<void>(take(order, batch));
  return order;
}

std::string due(Order order) {
  const auto out = expire(order, kMuchLater);
  std::string text(to_text(order.state));
  if (out.close) text += " close:" + std::string(to_text(out.close->cause));
  for (const auto& refused : out.refused)
    text += " refused:" + std::string(to_text(refused.reason));
  return text + (out.gone ? " gone" : "");
}

/// What each message comes to, in the order of `kColumns`.
constexpr std::size_t kMessages = 10;
const std::array<std::pair<const char*, Said>, kMessages> kColumns{{
    {"StockReserved", reserved(1, kCard)},
    {"StockRefused", sold_out(1)},
    {"PaymentOpened", opened(1)},
    {"PaymentCaptured", captured(1)},
    {"PaymentDeclined", declined(1)},
    {"PaymentClosed, cancelled", closed(1)},
    {"PaymentClosed, expired", closed(1, EndCause::expired)},
    {"CancelOrder", cancel(1, 7)},
    {"RefundOrder", refund(1, 7)},
    {"CancelOrder again", cancel(1, 1)},
}};

void check_row(const char* situation, const Order& order,
               const std::array<const char*, kMessages>& expected) {
  for (std::size_t i = 0; i < kMessages; ++i) {
    CAPTURE(situation);
    CAPTURE(kColumns[i].first);
    auto copy = order;
    CHECK(take(copy, {kColumns[i].second}) == expected[i]);
    // What changed nothing in public left no trace in the timeline.
    CHECK(copy.timeline.size() == static_cast<std::size_t>(copy.version));
  }
}

/// All ten alike.
std::array<const char*, kMessages> unmoved(const char* state, const char* cancel,
                                           const char* refund, const char* again = nullptr) {
  return {state, state, state,  state,  state,
          state, state, cancel, refund, again != nullptr ? again : cancel};
}

}  // namespace

TEST_CASE("an order that nobody knows keeps what is said of it") {
  check_row("unknown", new_order(),
            {"reserved OrderReserved", "rejected OrderRejected", "received", "received", "received",
             "received", "received", "received", "received", "received"});
}

TEST_CASE("an order with units moves by money, and by a cancellation to closing it") {
  check_row(
      "reserved", after({{reserved(1, kCard)}}),
      {"reserved", "reserved", "awaiting_payment OrderAwaitingPayment", "paid OrderPaid settle",
       "payment_failed OrderPaymentFailed release:payment_failed",
       "cancelled OrderCancelled release:cancelled", "expired OrderExpired release:expired",
       "reserved close:cancelled", "reserved refused:wrong_state", "reserved close:cancelled"});
  check_row("awaiting payment", after({{reserved(1, kCard)}, {opened(1)}}),
            {"awaiting_payment", "awaiting_payment", "awaiting_payment", "paid OrderPaid settle",
             "payment_failed OrderPaymentFailed release:payment_failed",
             "cancelled OrderCancelled release:cancelled", "expired OrderExpired release:expired",
             "awaiting_payment close:cancelled", "awaiting_payment refused:wrong_state",
             "awaiting_payment close:cancelled"});
  check_row("paid", after({{reserved(1, kCard), captured(1)}}),
            {"paid", "paid", "paid", "paid", "paid", "cancelled OrderCancelled release:cancelled",
             "cancelled OrderCancelled release:cancelled", "paid close:cancelled",
             "paid refused:wrong_state", "paid close:cancelled"});
}

TEST_CASE("while the money is being closed nothing else ends the order, and nothing is released") {
  check_row("reserved, closing", after({{reserved(1, kCard)}, {cancel(1)}}),
            {"reserved", "reserved", "awaiting_payment OrderAwaitingPayment", "paid OrderPaid",
             "payment_failed OrderPaymentFailed refused:wrong_state release:payment_failed",
             "cancelled OrderCancelled release:cancelled",
             "expired OrderExpired refused:wrong_state release:expired",
             "reserved refused:already_asked", "reserved refused:wrong_state", "reserved"});
  check_row("awaiting payment, closing", after({{reserved(1, kCard)}, {opened(1)}, {cancel(1)}}),
            {"awaiting_payment", "awaiting_payment", "awaiting_payment", "paid OrderPaid",
             "payment_failed OrderPaymentFailed refused:wrong_state release:payment_failed",
             "cancelled OrderCancelled release:cancelled",
             "expired OrderExpired refused:wrong_state release:expired",
             "awaiting_payment refused:already_asked", "awaiting_payment refused:wrong_state",
             "awaiting_payment"});
  check_row("paid, closing", after({{reserved(1, kCard), captured(1)}, {cancel(1)}}),
            {"paid", "paid", "paid", "paid", "paid", "cancelled OrderCancelled release:cancelled",
             "cancelled OrderCancelled release:cancelled", "paid refused:already_asked",
             "paid refused:wrong_state", "paid"});
  auto expiring = after({{reserved(1, kCard)}, {opened(1)}});
  REQUIRE(expire(expiring, kMuchLater).close.has_value());
  CHECK(expiring.closing());
  check_row("awaiting payment, expiring", expiring,
            {"awaiting_payment", "awaiting_payment", "awaiting_payment", "paid OrderPaid settle",
             "payment_failed OrderPaymentFailed release:payment_failed",
             "cancelled OrderCancelled release:cancelled", "expired OrderExpired release:expired",
             "awaiting_payment close:cancelled", "awaiting_payment refused:wrong_state",
             "awaiting_payment close:cancelled"});
}

TEST_CASE("nothing moves an order that has ended") {
  check_row("rejected", after({{sold_out(1)}}),
            unmoved("rejected", "rejected refused:wrong_state", "rejected refused:wrong_state"));
  check_row("payment failed", after({{reserved(1)}, {declined(1)}}),
            unmoved("payment_failed", "payment_failed refused:wrong_state",
                    "payment_failed refused:wrong_state"));
  check_row("expired", after({{reserved(1, kCard)}, {opened(1)}, {closed(1, EndCause::expired)}}),
            unmoved("expired", "expired refused:wrong_state", "expired refused:wrong_state"));
  check_row("cancelled", after({{reserved(1)}, {cancel(1)}, {closed(1)}}),
            unmoved("cancelled", "cancelled refused:wrong_state", "cancelled refused:wrong_state",
                    "cancelled"));
}

TEST_CASE("what is on its way or delivered is not cancelled") {
  auto order = after({{reserved(1), captured(1)}});
  for (const auto state : {OrderState::shipped, OrderState::delivered, OrderState::completed}) {
    order.state = state;
    const std::string name(to_text(state));
    const auto cancelled = name + " refused:already_shipped";
    const auto refunded = state == OrderState::shipped     ? name + " refused:wrong_state"
                          : state == OrderState::delivered ? name + " ask:RefundPayment"
                                                           : name + " refused:too_late";
    check_row("left", order, unmoved(name.c_str(), cancelled.c_str(), refunded.c_str()));
  }
  order.state = OrderState::preparing;
  auto copy = order;
  CHECK(take(copy, {cancel(1)}) == "preparing close:cancelled");
  order.state = OrderState::refunded;
  copy = order;
  CHECK(take(copy, {cancel(1)}) == "refunded refused:wrong_state");
}

TEST_CASE("a deadline closes an order that waits for money, and no other") {
  CHECK(due(after({{reserved(1, kCard)}, {opened(1)}})) == "awaiting_payment close:expired");
  CHECK(due(after({{reserved(1, kCard)}})) == "reserved");
  CHECK(due(after({{reserved(1), captured(1)}})) == "paid");
  CHECK(due(after({{reserved(1, kCard)}, {opened(1)}, {cancel(1)}})) == "awaiting_payment");
  CHECK(due(after({{cancel(1), refund(1)}})) ==
        "received refused:unknown_order refused:unknown_order gone");
  CHECK(due(after({{cancel(1)}, {captured(1)}})) == "received");
}

TEST_CASE("deadlines are set where they are due and gone where they are not") {
  const Terms terms;
  const auto card = after({{reserved(1, kCard)}, {opened(1)}});
  const auto opened_at = record_of(opened(1)).at;
  CHECK(card.due_at == opened_at + terms.card);
  CHECK(card.deadline == *card.due_at - terms.card_reminder);
  const auto bank = after({{reserved(1, PaymentMethod::bank)}, {opened(1)}});
  CHECK(bank.due_at == opened_at + terms.bank);
  CHECK(bank.deadline == *bank.due_at - terms.bank_reminder);
  auto own = opened(1);
  own.due_at = kNoon + std::chrono::hours(9);
  CHECK(after({{reserved(1, kCard), own}}).deadline == *own.due_at - terms.card_reminder);
  CHECK_FALSE(after({{reserved(1, kCard)}, {opened(1)}, {captured(1)}}).deadline.has_value());
  CHECK_FALSE(after({{reserved(1, kCard)}, {opened(1)}, {cancel(1)}}).deadline.has_value());
  CHECK_FALSE(after({{cancel(1)}, {reserved(1, kCard), opened(1)}}).deadline.has_value());
  CHECK_FALSE(after({{reserved(1)}}).deadline.has_value());
  const auto kept = after({{cancel(1)}});
  CHECK(kept.deadline == record_of(cancel(1)).at + terms.patience);
  CHECK_FALSE(after({{cancel(1)}, {reserved(1)}}).deadline.has_value());
}

TEST_CASE("steps are counted, told with their reason, and the timeline says the same") {
  auto order = new_order();
  static_cast<void>(note(order, reserved(1), record_of(reserved(1))));
  auto progress = advance(order, {});
  CHECK(std::get<OrderReserved>(progress.steps.at(0)).version == 1);
  static_cast<void>(note(order, captured(1), record_of(captured(1))));
  progress = advance(order, {});
  const auto paid = std::get<OrderPaid>(progress.steps.at(0));
  CHECK(paid.version == 2);
  CHECK(paid.state == OrderState::paid);
  CHECK(paid.paid == won(kPrice));
  CHECK(paid.entry.message == "source/0#PaymentCaptured");
  CHECK(paid.entry.actor == Actor{ActorKind::service, "payments"});
  static_cast<void>(note(order, {}, cancel(1), record_of(cancel(1))));
  progress = advance(order, {});
  REQUIRE(progress.close.has_value());
  CHECK(progress.close->reason == "changed my mind");
  CHECK(order.state == OrderState::paid);
  CHECK(order.closing());
  static_cast<void>(note(order, closed(1, EndCause::cancelled, kPrice), record_of(closed(1))));
  progress = advance(order, {});
  const auto cancelled = std::get<OrderCancelled>(progress.steps.at(0));
  CHECK(cancelled.version == 3);
  CHECK(cancelled.refunded == won(kPrice));
  CHECK(cancelled.entry.actor.kind == ActorKind::member);
  CHECK(cancelled.entry.reason == "changed my mind");
  CHECK(cancelled.entry.message == "source/0#CancelOrder");
  CHECK(order.reason() == "changed my mind");
  CHECK(order.refunded() == won(kPrice));
  CHECK(order.timeline.size() == 3);
  CHECK(order.timeline.at(0).state == OrderState::reserved);
  CHECK_FALSE(order.closing());
  CHECK(validate(cancelled).has_value());
  CHECK(validate(paid).has_value());
}

TEST_CASE("a reservation whose money is known at the same moment is a step, not a record") {
  auto order = new_order();
  CHECK(take(order, {captured(1), reserved(1)}) == "paid OrderPaid settle");
  CHECK(order.version == 2);
  CHECK(order.timeline.at(0).state == OrderState::reserved);
  auto card = new_order();
  CHECK(take(card, {reserved(1, kCard), opened(1)}) ==
        "awaiting_payment OrderReserved OrderAwaitingPayment");
}

TEST_CASE("units of an order that is cancelled at once are not settled first") {
  auto order = new_order();
  CHECK(take(order, {reserved(1), captured(1), cancel(1)}) == "paid OrderPaid close:cancelled");
  auto voided = new_order();
  CHECK(take(voided, {reserved(1), captured(1), closed(1, EndCause::voided, kPrice)}) ==
        "cancelled OrderPaid OrderCancelled release:voided");
}

TEST_CASE("an account for the money to go back to is told to payments and not kept") {
  auto order = new_order();
  auto command = cancel(1);
  command.account = SealedText{std::string(kSealed), {}};
  CHECK(take(order, {command}) == "received");
  CHECK(order.cancellation->account.has_value());
  static_cast<void>(note(order, reserved(1), record_of(reserved(1))));
  const auto progress = advance(order, {});
  REQUIRE(progress.close.has_value());
  CHECK(progress.close->account == command.account);
  CHECK_FALSE(order.cancellation->account.has_value());
}

TEST_CASE("what is kept for an order that nobody knows is bounded") {
  auto order = new_order();
  for (std::uint32_t i = 1; i <= kMaxAskedRefunds; ++i)
    CHECK(take(order, {refund(1, i)}) == "received");
  CHECK(take(order, {refund(1, 1)}) == "received");
  CHECK(take(order, {refund(1, 99)}) == "received refused:already_asked");
  CHECK(take(order, {cancel(1, 1)}) == "received");
  CHECK(take(order, {cancel(1, 2)}) == "received refused:already_asked");
  const auto said = take(order, {reserved(1)});
  CHECK(said.find("refused:wrong_state") != std::string::npos);
  CHECK(order.refunds.empty());
}

TEST_CASE("a timeline tells steps in order though the clocks of two brokers differ") {
  auto order = new_order();
  auto early = record_of(captured(1));
  early.at = kNoon - std::chrono::hours(1);
  static_cast<void>(note(order, reserved(1), record_of(reserved(1))));
  static_cast<void>(note(order, captured(1), early));
  static_cast<void>(advance(order, {}));
  CHECK(order.timeline.at(1).at == order.timeline.at(0).at);
}

TEST_CASE("every state is on the table, and what is final has no way out") {
  const auto names = names_of(OrderState{});
  for (std::size_t from = 0; from < names.size(); ++from) {
    bool any = false;
    for (std::size_t to = 0; to < names.size(); ++to) {
      const bool may = may_follow(static_cast<OrderState>(from), static_cast<OrderState>(to));
      any |= may;
      CHECK_FALSE((may && to == static_cast<std::size_t>(OrderState::received)));
      CHECK_FALSE((may && to == from));
    }
    CAPTURE(names[from]);
    const auto state = static_cast<OrderState>(from);
    if (state != OrderState::waitlisted) CHECK(any == !is_final(state));
  }
}
