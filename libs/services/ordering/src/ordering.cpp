#include "dropline/ordering/ordering.hpp"

#include <algorithm>
#include <array>

#include "dropline/base/ensure.hpp"
#include "steps.hpp"

namespace dropline::ordering {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

ClosePayment close_for(const Order& order, EndCause cause, const Actor& actor) {
  ClosePayment command;
  command.order_id = order.key.order;
  command.member = order.key.member;
  command.cause = cause;
  command.actor = actor;
  return command;
}

/// A command to another service about the order and its coupon.
template <class Command>
Command about(const Order& order) {
  Command command;
  command.order_id = order.key.order;
  command.member = order.key.member;
  if constexpr (requires { command.coupon; }) command.coupon = *order.coupon;
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
    if (order_.coupon && order_.state == OrderState::reserved) hear_coupons();
    if (waits_for_money(order_.state)) hear_payments();
    if (order_.goods.any()) hear_deliveries();
    if (may_end(order_.state) && order_.money.closed) end(*order_.money.closed);
    answer();
    if (may_end(order_.state)) ask_to_close();
    if (!order_.given_back.empty()) give_back();
    return std::move(out_);
  }

 private:
  void enter(OrderState state, const Record& record, Actor actor,
             std::optional<std::string> reason = {}) {
    ensure(may_follow(order_.state, state), "an order moves along its table");
    order_.deadline.reset();
    order_.due_at.reset();
    mark(order_, state, record, std::move(actor), std::move(reason));
  }
  template <class Message>
  Message told() const {
    return ordering::told<Message>(order_);
  }
  template <class Message>
  void tell() {
    out_.steps.emplace_back(told<Message>());
  }

  void begin() {
    if (order_.rejected) {
      enter(OrderState::rejected, order_.stock, service_actor("stock"),
            std::string(to_text(*order_.rejected)));
      auto message = told<OrderRejected>();
      message.reason = *order_.rejected;
      message.sku = order_.rejected_sku;
      out_.steps.emplace_back(std::move(message));
      return;
    }
    enter(OrderState::reserved, order_.stock, service_actor("stock"));
    const auto& money = order_.money;
    const bool money_known = money.captured || money.declined || money.closed;
    if (money.opened || !money_known) tell<OrderReserved>();
    if (order_.coupon && !order_.coupon_facts.any() && !order_.cancellation) ask_for_coupon();
  }

  void ask_for_coupon() {
    auto command = about<ReserveCoupon>(order_);
    command.total = order_.total;
    command.placed_at = order_.placed_at;
    out_.asks.emplace_back(std::move(command));
  }

  /// An order that is being ended is not asked for money: it ends as payments closes it.
  void hear_coupons() {
    auto& coupon = order_.coupon_facts;
    if (order_.cancellation || order_.money.any()) return;
    if (coupon.declined) {
      enter(OrderState::coupon_refused, coupon.declined->record, service_actor("coupons"),
            std::string(to_text(coupon.declined->reason)));
      auto message = told<OrderCouponRefused>();
      message.reason = coupon.declined->reason;
      out_.steps.emplace_back(std::move(message));
      // Payments was never asked for anything: there is no money to be closed.
      out_.release = EndCause::coupon_refused;
    } else if (coupon.reserved && !coupon.billed) {
      coupon.billed = true;
      const auto parts = allot(order_.discount(), order_.lines);
      for (std::size_t i = 0; i < parts.size(); ++i)
        order_.lines[i].discount = parts[i];
      auto command = about<OpenPayment>(order_);
      command.drop = order_.drop;
      command.amount = order_.due();
      command.payment = order_.payment;
      out_.asks.emplace_back(std::move(command));
    }
  }

  void hear_payments() {
    const auto& money = order_.money;
    if (money.opened && order_.state == OrderState::reserved) await_payment(*money.opened);
    if (money.captured) {
      enter(OrderState::paid, money.captured->record, service_actor("payments"));
      order_.expiring = false;
      auto message = told<OrderPaid>();
      message.paid = money.captured->amount;
      message.delivery = order_.delivery;
      out_.steps.emplace_back(std::move(message));
      // Units of an order that is being ended are on their way back.
      if (order_.cancellation || money.closed)
        order_.unsettled = true;
      else
        settle();
    } else if (money.declined) {
      enter(OrderState::payment_failed, money.declined->record, service_actor("payments"),
            std::string(to_text(money.declined->reason)));
      tell<OrderPaymentFailed>();
      release(EndCause::payment_failed);
    }
  }

  void settle() {
    order_.unsettled = false;
    out_.settle = true;
    if (order_.coupon) out_.asks.emplace_back(about<RedeemCoupon>(order_));
  }

  void release(EndCause cause) {
    out_.release = cause;
    release_coupon(cause);
  }
  void release_coupon(EndCause cause) {
    if (!order_.coupon) return;
    auto command = about<ReleaseCoupon>(order_);
    command.cause = cause;
    out_.asks.emplace_back(std::move(command));
  }

  void await_payment(const PaymentFacts::Opened& opened) {
    enter(OrderState::awaiting_payment, opened.record, service_actor("payments"));
    const auto patience = order_.payment.method == PaymentMethod::bank ? terms_.bank : terms_.card;
    order_.due_at = opened.due_at.value_or(opened.record.at + patience);
    if (!order_.cancellation) order_.deadline = first_look(order_, terms_, opened.record.at);
    auto message = told<OrderAwaitingPayment>();
    message.due_at = order_.due_at;
    message.due = order_.due();
    message.reference = opened.reference;
    message.deposit_to = opened.deposit_to;
    out_.steps.emplace_back(std::move(message));
  }

  /// Deliveries hears of an order when it is paid; what it says before that is known here waits.
  void hear_deliveries() {
    const auto& goods = order_.goods;
    if (order_.state == OrderState::paid && (goods.preparing || goods.shipped)) {
      enter(OrderState::preparing, goods.preparing ? *goods.preparing : goods.shipped->record,
            service_actor("deliveries"));
      tell<OrderPreparing>();
    }
    if (order_.state == OrderState::preparing && goods.shipped) {
      enter(OrderState::shipped, goods.shipped->record, goods.shipped->actor);
      auto message = told<OrderShipped>();
      message.carrier = goods.shipped->carrier;
      message.waybill = goods.shipped->waybill;
      out_.steps.emplace_back(std::move(message));
    }
    if (order_.state == OrderState::shipped && goods.delivered) {
      enter(OrderState::delivered, goods.delivered->record, goods.delivered->actor);
      order_.due_at = goods.delivered->record.at + terms_.returns;
      order_.deadline = order_.due_at;
      auto message = told<OrderDelivered>();
      message.refundable_until = *order_.due_at;
      out_.steps.emplace_back(std::move(message));
    }
  }

  /// The money is closed: only now may units go back. What payments closed it for decides, since
  /// an expiry and a cancellation may both have asked, and it alone knows which came first.
  void end(const PaymentFacts::Closed& closed) {
    const bool paid = !waits_for_money(order_.state);
    order_.expiring = false;
    order_.unsettled = false;
    if (!paid && closed.cause == EndCause::expired) {
      enter(OrderState::expired, closed.record, service_actor("ordering"));
      tell<OrderExpired>();
      return release(EndCause::expired);
    }
    if (!paid && closed.cause == EndCause::payment_failed) {
      enter(OrderState::payment_failed, closed.record, service_actor("payments"));
      tell<OrderPaymentFailed>();
      return release(EndCause::payment_failed);
    }
    if (const auto& asked = order_.cancellation) {
      enter(OrderState::cancelled, {asked->record.message, closed.record.at}, asked->actor,
            asked->reason);
    } else {
      enter(OrderState::cancelled, closed.record, service_actor("payments"),
            std::string(to_text(closed.cause)));
    }
    auto message = told<OrderCancelled>();
    message.refunded = closed.refunded;
    out_.steps.emplace_back(std::move(message));
    release(closed.cause == EndCause::voided ? EndCause::voided : EndCause::cancelled);
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
    if (order_.unsettled) settle();
  }

  /// Deliveries first: no money goes back for goods on their way. Payments once it has closed.
  void ask_to_close() {
    if (!order_.cancellation || order_.cancellation->asked) return;
    auto& asked = *order_.cancellation;
    const auto cause = asked.voided.value_or(false) ? EndCause::voided : EndCause::cancelled;
    order_.deadline.reset();
    if (terms_.deliveries && !order_.goods.closed) {
      if (asked.asked_goods) return;
      asked.asked_goods = true;
      auto command = about<CloseDelivery>(order_);
      command.cause = cause;
      command.actor = asked.actor;
      command.reason = asked.reason;
      out_.asks.emplace_back(std::move(command));
      return;
    }
    asked.asked = true;
    auto command = close_for(order_, cause, asked.actor);
    command.reason = asked.reason;
    command.account = std::exchange(asked.account, std::nullopt);
    out_.close = std::move(command);
  }

  void give_back() {
    for (auto& refund : order_.given_back) {
      if (!refund.fresh) continue;
      refund.fresh = false;
      // Where no money is to move there is nothing to ask for.
      if (refund.state == RefundState::asked && refund.amount.minor == 0)
        refund.state = RefundState::refunded;
      if (refund.state == RefundState::asked)
        ask_for(refund);
      else if (refund.state == RefundState::refused)
        out_.refused.push_back(
            refused(order_, refund.refund, refund.actor, OrderRefusal::money_missing));
      else
        tell_of(refund);
    }
    if (order_.state == OrderState::delivered && !refund_under_way(order_))
      order_.deadline = order_.due_at;
  }

  void ask_for(Refund& refund) {
    auto command = about<RefundPayment>(order_);
    command.refund = refund.refund;
    command.amount = refund.amount;
    command.lines = refund.lines;
    command.actor = refund.actor;
    command.reason = refund.reason.value_or("given back");
    command.account = std::exchange(refund.account, std::nullopt);
    out_.asks.emplace_back(std::move(command));
  }

  /// Units that were given back are not free: an operator looks at them first, and restocks.
  void tell_of(const Refund& refund) {
    std::int64_t units = 0;
    Money sum{0, order_.total.currency};
    for (const auto& each : order_.given_back) {
      if (each.state != RefundState::refunded || each.fresh) continue;
      sum.minor += each.amount.minor;
      for (const auto& line : each.lines)
        units += line.quantity;
    }
    for (const auto& line : order_.lines)
      units -= line.quantity;
    const Record cause{refund.record.message, refund.refunded_at.value_or(refund.record.at)};
    if (units == 0) {
      enter(OrderState::refunded, cause, refund.actor, refund.reason);
      out_.steps.emplace_back(refund_step<OrderRefunded>(refund, sum));
      release_coupon(EndCause::cancelled);
    } else {
      mark(order_, order_.state, cause, refund.actor, refund.reason);
      out_.steps.emplace_back(refund_step<OrderPartlyRefunded>(refund, sum));
    }
  }
  template <class Message>
  Message refund_step(const Refund& refund, const Money& sum) const {
    auto message = told<Message>();
    message.refund = refund.refund;
    message.refunded = refund.amount;
    message.refunded_total = sum;
    message.refunded_lines = refund.lines;
    return message;
  }

  Order& order_;
  const Terms& terms_;
  Progress out_;
};

}  // namespace

Actor service_actor(std::string_view name) {
  return {ActorKind::service, std::string(name)};
}

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

namespace {

OrderChangeRefused refusal(const Order& order, OrderRefusal reason, const Actor& actor) {
  OrderChangeRefused event;
  event.order_id = order.key.order;
  event.member = order.key.member;
  event.reason = reason;
  if (order.known) event.state = order.state;
  event.actor = actor;
  return event;
}

}  // namespace

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

void mark(Order& order, OrderState state, const Record& record, Actor actor,
          std::optional<std::string> reason) {
  auto& timeline = order.timeline;
  if (timeline.size() >= kMaxTimeline) timeline.erase(timeline.begin() + 1);
  // Clocks of two brokers may differ: a later step is not told as the earlier one.
  const auto at = timeline.empty() ? record.at : std::max(record.at, timeline.back().at);
  order.state = state;
  ++order.version;
  timeline.push_back({at, state, record.message, std::move(actor), std::move(reason)});
}

bool Order::closing() const {
  return known && may_end(state) && (expiring || cancellation);
}

Money Order::paid() const {
  return money.captured ? money.captured->amount : Money{0, total.currency};
}

Money Order::discount() const {
  return coupon_facts.reserved ? coupon_facts.reserved->discount : Money{0, total.currency};
}

Money Order::due() const {
  return {total.minor - discount().minor, total.currency};
}

Money Order::refunded() const {
  if (money.closed) return money.closed->refunded;
  Money sum{0, total.currency};
  for (const auto& refund : given_back)
    if (refund.state == RefundState::refunded) sum.minor += refund.amount.minor;
  return sum;
}

std::optional<Timestamp> Order::refundable_until() const {
  return state == OrderState::delivered ? due_at : std::nullopt;
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
  order.money.opened = {record, fact.due_at, fact.reference, fact.deposit_to};
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

bool note(Order& order, const CouponReserved& fact, const Record& record) {
  auto& facts = order.coupon_facts;
  if (facts.reserved || facts.declined) return false;
  facts.reserved = {record, fact.discount};
  return true;
}

bool note(Order& order, const CouponDeclined& fact, const Record& record) {
  auto& facts = order.coupon_facts;
  if (facts.reserved || facts.declined) return false;
  facts.declined = {record, fact.reason};
  return true;
}

bool note(Order& order, const DeliveryPreparing&, const Record& record) {
  if (order.goods.preparing || order.goods.closed) return false;
  order.goods.preparing = record;
  return true;
}

bool note(Order& order, const DeliveryShipped& fact, const Record& record) {
  if (order.goods.shipped || order.goods.closed) return false;
  order.goods.shipped = {record, fact.actor, fact.carrier, fact.waybill};
  return true;
}

/// No step: what is shown of the shipping changes.
bool note(Order& order, const DeliveryWaybillCorrected& fact, const Record&) {
  auto& shipped = order.goods.shipped;
  if (!shipped || (shipped->carrier == fact.carrier && shipped->waybill == fact.waybill))
    return false;
  shipped->carrier = fact.carrier;
  shipped->waybill = fact.waybill;
  return true;
}

bool note(Order& order, const DeliveryDelivered& fact, const Record& record) {
  if (order.goods.delivered || order.goods.closed) return false;
  order.goods.delivered = {record, fact.actor};
  return true;
}

bool note(Order& order, const DeliveryClosed&, const Record& record) {
  if (order.goods.closed || order.goods.shipped) return false;
  order.goods.closed = record;
  return true;
}

Noted note(Order& order, const Terms& terms, const CancelOrder& command, const Record& record) {
  if (order.cancellation && order.cancellation->change == command.change) return {};
  if (order.state != OrderState::received && !may_end(order.state))
    return {false, refused(order, command.change, command.actor, why_not_ended(order.state))};
  if (order.cancellation)
    return {false, refused(order, command.change, command.actor, OrderRefusal::already_asked)};
  order.cancellation = {record, command.change, command.actor, command.reason, command.account};
  order.cancellation->voided = command.voided;
  if (!order.known && !order.deadline) order.deadline = record.at + terms.patience;
  return {true};
}

Progress advance(Order& order, const Terms& terms) {
  return Walk(order, terms).take();
}

}  // namespace dropline::ordering
