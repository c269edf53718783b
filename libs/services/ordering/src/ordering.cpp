#include "dropline/ordering/ordering.hpp"

#include <algorithm>
#include <array>

#include "dropline/base/ensure.hpp"

namespace dropline::ordering {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

Actor service(std::string_view name) {
  return {ActorKind::service, std::string(name)};
}

/// An order may be ended until its goods leave; `preparing` is deliveries' to allow first, once
/// there are deliveries.
bool may_end(OrderState state) {
  switch (state) {
    case OrderState::reserved:
    case OrderState::awaiting_payment:
    case OrderState::paid:
    case OrderState::preparing:
      return true;
    default:
      return false;
  }
}

bool waits_for_money(OrderState state) {
  return state == OrderState::reserved || state == OrderState::awaiting_payment;
}

OrderRefusal why_not_ended(OrderState state) {
  const bool left = state == OrderState::shipped || state == OrderState::delivered ||
                    state == OrderState::completed;
  return left ? OrderRefusal::already_shipped : OrderRefusal::wrong_state;
}

OrderChangeRefused refusal(const Order& order, OrderRefusal reason, const Actor& actor) {
  OrderChangeRefused event;
  event.order_id = order.key.order;
  event.member = order.key.member;
  event.reason = reason;
  if (order.known) event.state = order.state;
  event.actor = actor;
  return event;
}

OrderChangeRefused refused(const Order& order, const ChangeId& cancel, const Actor& actor,
                           OrderRefusal reason) {
  auto event = refusal(order, reason, actor);
  event.command = CancelOrder::kType;
  event.change = cancel;
  return event;
}

OrderChangeRefused refused(const Order& order, const RefundId& refund, const Actor& actor,
                           OrderRefusal reason) {
  auto event = refusal(order, reason, actor);
  event.command = RefundOrder::kType;
  event.refund = refund;
  return event;
}

ClosePayment close_for(const Order& order, EndCause cause, const Actor& actor) {
  ClosePayment command;
  command.order_id = order.key.order;
  command.member = order.key.member;
  command.cause = cause;
  command.actor = actor;
  return command;
}

template <class Fact>
void know(Order& order, const Fact& fact, const Record& record) {
  order.known = true;
  order.drop = fact.drop;
  order.payment = fact.payment;
  order.body_hash = fact.body_hash;
  order.place = fact.place;
  order.placed_at = fact.placed_at;
  order.stock = record;
  order.deadline.reset();
}

/// One call of advance().
class Walk final {
 public:
  Walk(Order& order, const Terms& terms) : order_(order), terms_(terms) {}

  Progress take() {
    if (!order_.known) return {};
    if (order_.state == OrderState::received) begin();
    if (waits_for_money(order_.state)) hear_payments();
    if (may_end(order_.state) && order_.money.closed) end(*order_.money.closed);
    answer();
    if (may_end(order_.state)) ask_to_close();
    return std::move(out_);
  }

 private:
  void enter(OrderState state, const Record& record, Actor actor,
             std::optional<std::string> reason = {}) {
    ensure(may_follow(order_.state, state), "an order moves along its table");
    auto& timeline = order_.timeline;
    if (timeline.size() >= kMaxTimeline) timeline.erase(timeline.begin() + 1);
    // Clocks of two brokers may differ: a later step is not told as the earlier one.
    const auto at = timeline.empty() ? record.at : std::max(record.at, timeline.back().at);
    order_.state = state;
    ++order_.version;
    order_.deadline.reset();
    timeline.push_back({at, state, record.message, std::move(actor), std::move(reason)});
  }

  /// The step just entered, as the message that tells it.
  template <class Message>
  Message told() const {
    Message message;
    message.order_id = order_.key.order;
    message.member = order_.key.member;
    message.drop = order_.drop;
    message.version = order_.version;
    message.state = order_.state;
    message.payment = order_.payment;
    message.body_hash = order_.body_hash;
    message.placed_at = order_.placed_at;
    message.entry = order_.timeline.back();
    if constexpr (std::same_as<Message, OrderRejected>) {
      message.lines = order_.asked_lines;
    } else {
      message.lines = order_.lines;
      message.total = order_.total;
      message.coupon = order_.coupon;
      if (order_.money.captured) message.paid_at = order_.money.captured->record.at;
    }
    return message;
  }

  void begin() {
    if (order_.rejected) {
      enter(OrderState::rejected, order_.stock, service("stock"),
            std::string(to_text(*order_.rejected)));
      auto message = told<OrderRejected>();
      message.reason = *order_.rejected;
      message.sku = order_.rejected_sku;
      out_.steps.emplace_back(std::move(message));
      return;
    }
    enter(OrderState::reserved, order_.stock, service("stock"));
    const auto& money = order_.money;
    const bool money_known = money.captured || money.declined || money.closed;
    if (money.opened || !money_known) out_.steps.emplace_back(told<OrderReserved>());
  }

  void hear_payments() {
    const auto& money = order_.money;
    if (money.opened && order_.state == OrderState::reserved) await_payment(*money.opened);
    if (money.captured) {
      enter(OrderState::paid, money.captured->record, service("payments"));
      order_.expiring = false;
      auto message = told<OrderPaid>();
      message.paid = money.captured->amount;
      message.delivery = order_.delivery;
      out_.steps.emplace_back(std::move(message));
      // Units of an order that is being ended are on their way back.
      out_.settle = !order_.cancellation && !money.closed;
    } else if (money.declined) {
      enter(OrderState::payment_failed, money.declined->record, service("payments"),
            std::string(to_text(money.declined->reason)));
      out_.steps.emplace_back(told<OrderPaymentFailed>());
      out_.release = EndCause::payment_failed;
    }
  }

  void await_payment(const PaymentFacts::Opened& opened) {
    enter(OrderState::awaiting_payment, opened.record, service("payments"));
    const auto patience = order_.payment.method == PaymentMethod::bank ? terms_.bank : terms_.card;
    order_.due_at = opened.due_at.value_or(opened.record.at + patience);
    if (!order_.cancellation) order_.deadline = order_.due_at;
    auto message = told<OrderAwaitingPayment>();
    message.due_at = order_.due_at;
    out_.steps.emplace_back(std::move(message));
  }

  /// The money is closed: only now may units go back. What payments closed it for decides, since
  /// an expiry and a cancellation may both have asked, and it alone knows which came first.
  void end(const PaymentFacts::Closed& closed) {
    const bool paid = !waits_for_money(order_.state);
    order_.expiring = false;
    if (!paid && closed.cause == EndCause::expired) {
      enter(OrderState::expired, closed.record, service("ordering"));
      out_.steps.emplace_back(told<OrderExpired>());
      out_.release = EndCause::expired;
      return;
    }
    if (!paid && closed.cause == EndCause::payment_failed) {
      enter(OrderState::payment_failed, closed.record, service("payments"));
      out_.steps.emplace_back(told<OrderPaymentFailed>());
      out_.release = EndCause::payment_failed;
      return;
    }
    if (const auto& asked = order_.cancellation) {
      enter(OrderState::cancelled, {asked->record.message, closed.record.at}, asked->actor,
            asked->reason);
    } else {
      enter(OrderState::cancelled, closed.record, service("payments"),
            std::string(to_text(closed.cause)));
    }
    auto message = told<OrderCancelled>();
    message.refunded = closed.refunded;
    out_.steps.emplace_back(std::move(message));
    out_.release = closed.cause == EndCause::voided ? EndCause::voided : EndCause::cancelled;
  }

  /// Commands that were kept, or accepted, and cannot be any more.
  void answer() {
    for (const auto& asked : order_.refunds)
      out_.refused.push_back(refused(order_, asked.refund, asked.actor, OrderRefusal::wrong_state));
    order_.refunds.clear();
    if (!order_.cancellation || may_end(order_.state) || order_.state == OrderState::cancelled)
      return;
    out_.refused.push_back(refused(order_, order_.cancellation->change, order_.cancellation->actor,
                                   why_not_ended(order_.state)));
    order_.cancellation.reset();
  }

  /// Here an order whose goods are being prepared will ask deliveries first.
  void ask_to_close() {
    if (!order_.cancellation || order_.cancellation->asked) return;
    auto& asked = *order_.cancellation;
    asked.asked = true;
    order_.deadline.reset();
    auto command = close_for(order_, EndCause::cancelled, asked.actor);
    command.reason = asked.reason;
    command.account = std::exchange(asked.account, std::nullopt);
    out_.close = std::move(command);
  }

  Order& order_;
  const Terms& terms_;
  Progress out_;
};

}  // namespace

bool Order::closing() const {
  return known && may_end(state) && (expiring || cancellation);
}

Money Order::paid() const {
  return money.captured ? money.captured->amount : Money{0, total.currency};
}

Money Order::refunded() const {
  return money.closed ? money.closed->refunded : Money{0, total.currency};
}

std::optional<std::string> Order::reason() const {
  return timeline.empty() ? std::nullopt : timeline.back().reason;
}

Order& Book::order(const OrderKey& key, std::int32_t shard) {
  const auto [at, fresh] = orders.try_emplace(key);
  if (fresh) {
    at->second.key = key;
    at->second.shard = shard;
  }
  return at->second;
}

bool may_follow(OrderState from, OrderState to) {
  const auto one_of = [to](std::initializer_list<OrderState> states) {
    return std::ranges::find(states, to) != states.end();
  };
  switch (from) {
    case OrderState::received:
      return one_of({OrderState::reserved, OrderState::rejected});
    case OrderState::reserved:
      return one_of({OrderState::awaiting_payment, OrderState::paid, OrderState::coupon_refused,
                     OrderState::payment_failed, OrderState::expired, OrderState::cancelled});
    case OrderState::awaiting_payment:
      return one_of({OrderState::paid, OrderState::payment_failed, OrderState::expired,
                     OrderState::cancelled});
    case OrderState::paid:
      return one_of({OrderState::preparing, OrderState::cancelled});
    case OrderState::preparing:
      return one_of({OrderState::shipped, OrderState::cancelled});
    case OrderState::shipped:
      return to == OrderState::delivered;
    case OrderState::delivered:
      return one_of({OrderState::completed, OrderState::refunded});
    default:
      return false;
  }
}

bool is_final(OrderState state) {
  switch (state) {
    case OrderState::completed:
    case OrderState::rejected:
    case OrderState::coupon_refused:
    case OrderState::payment_failed:
    case OrderState::expired:
    case OrderState::cancelled:
    case OrderState::refunded:
      return true;
    default:
      return false;
  }
}

bool note(Order& order, const StockReserved& fact, const Record& record) {
  if (order.known) return false;
  know(order, fact, record);
  order.lines = fact.lines;
  order.total = fact.total;
  order.coupon = fact.coupon;
  order.delivery = fact.delivery;
  return true;
}

bool note(Order& order, const StockRefused& fact, const Record& record) {
  if (order.known) return false;
  know(order, fact, record);
  order.rejected = fact.reason;
  order.rejected_sku = fact.sku;
  order.asked_lines = fact.lines;
  return true;
}

bool note(Order& order, const PaymentOpened& fact, const Record& record) {
  if (order.money.any()) return false;
  order.money.opened = {record, fact.due_at};
  return true;
}

bool note(Order& order, const PaymentCaptured& fact, const Record& record) {
  auto& money = order.money;
  if (money.captured || money.declined || money.closed) return false;
  money.captured = {record, fact.amount};
  return true;
}

bool note(Order& order, const PaymentDeclined& fact, const Record& record) {
  auto& money = order.money;
  if (money.captured || money.declined || money.closed) return false;
  money.declined = {record, fact.reason};
  return true;
}

bool note(Order& order, const PaymentClosed& fact, const Record& record) {
  if (order.money.declined || order.money.closed) return false;
  order.money.closed = {record, fact.cause, fact.refunded};
  return true;
}

Noted note(Order& order, const Terms& terms, const CancelOrder& command, const Record& record) {
  if (order.cancellation && order.cancellation->change == command.change) return {};
  if (order.state != OrderState::received && !may_end(order.state))
    return {false, refused(order, command.change, command.actor, why_not_ended(order.state))};
  if (order.cancellation)
    return {false, refused(order, command.change, command.actor, OrderRefusal::already_asked)};
  order.cancellation = {record, command.change, command.actor, command.reason, command.account};
  if (!order.known && !order.deadline) order.deadline = record.at + terms.patience;
  return {true};
}

/// Goods that were not delivered are not given back: such an order is cancelled.
Noted note(Order& order, const Terms& terms, const RefundOrder& command, const Record& record) {
  if (order.state != OrderState::received)
    return {false, refused(order, command.refund, command.actor, OrderRefusal::wrong_state)};
  if (std::ranges::find(order.refunds, command.refund, &AskedRefund::refund) != order.refunds.end())
    return {};
  if (order.refunds.size() >= kMaxAskedRefunds)
    return {false, refused(order, command.refund, command.actor, OrderRefusal::already_asked)};
  order.refunds.push_back({command.refund, command.actor});
  if (!order.known && !order.deadline) order.deadline = record.at + terms.patience;
  return {true};
}

Progress advance(Order& order, const Terms& terms) {
  return Walk(order, terms).take();
}

Due expire(Order& order) {
  Due out;
  order.deadline.reset();
  if (order.known) {
    if (order.state != OrderState::awaiting_payment || order.closing()) return out;
    order.expiring = true;
    out.close = close_for(order, EndCause::expired, service("ordering"));
    return out;
  }
  // Payments knows it, so stock's fact is on its way.
  if (order.money.any()) return out;
  if (const auto& asked = order.cancellation)
    out.refused.push_back(refused(order, asked->change, asked->actor, OrderRefusal::unknown_order));
  for (const auto& asked : order.refunds)
    out.refused.push_back(refused(order, asked.refund, asked.actor, OrderRefusal::unknown_order));
  out.gone = true;
  return out;
}

}  // namespace dropline::ordering
