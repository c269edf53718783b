// What falls due: reminders, expiries, completions, and orders that nobody has heard of.
#include <algorithm>

#include "dropline/contracts/outgoing.hpp"
#include "steps.hpp"

namespace dropline::ordering {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

ClosePayment close_expired(const Order& order) {
  ClosePayment command;
  command.order_id = order.key.order;
  command.member = order.key.member;
  command.cause = EndCause::expired;
  command.actor = service_actor("ordering");
  return command;
}

OrderPaymentDue reminder(const Order& order) {
  OrderPaymentDue event;
  event.order_id = order.key.order;
  event.member = order.key.member;
  event.drop = order.drop;
  event.version = order.version;
  event.state = order.state;
  event.payment = order.payment;
  event.due = order.due();
  event.due_at = *order.due_at;
  return event;
}

/// Nobody has heard of it, so what was asked of it is refused.
Due give_up(const Order& order) {
  Due out;
  // Others know it, so stock's fact is on its way.
  if (order.money.any() || order.coupon_facts.any() || order.goods.any()) return out;
  if (const auto& asked = order.cancellation)
    out.refused.push_back(refused(order, asked->change, asked->actor, OrderRefusal::unknown_order));
  for (const auto& asked : order.refunds)
    out.refused.push_back(refused(order, asked.refund, asked.actor, OrderRefusal::unknown_order));
  out.gone = true;
  return out;
}

Due money_due(Order& order, Timestamp now) {
  Due out;
  if (order.closing()) return out;
  if (order.due_at && now < *order.due_at) {
    order.deadline = order.due_at;
    out.reminder = reminder(order);
    return out;
  }
  order.expiring = true;
  out.close = close_expired(order);
  return out;
}

Due keeps_it(Order& order, Timestamp now) {
  Due out;
  if (refund_under_way(order)) return out;  // Its end sets the deadline again.
  order.due_at.reset();
  mark(order, OrderState::completed, {message_name("ordering", "deadline"), now},
       service_actor("ordering"), std::nullopt);
  out.completed = told<OrderCompleted>(order);
  return out;
}

}  // namespace

std::chrono::seconds reminder_of(const Order& order, const Terms& terms) {
  return order.payment.method == PaymentMethod::bank ? terms.bank_reminder : terms.card_reminder;
}

Timestamp first_look(const Order& order, const Terms& terms, Timestamp from) {
  const auto before = reminder_of(order, terms);
  const auto remind_at = *order.due_at - before;
  return before.count() > 0 && remind_at > from ? remind_at : *order.due_at;
}

Due expire(Order& order, Timestamp now) {
  order.deadline.reset();
  if (!order.known) return give_up(order);
  if (order.state == OrderState::awaiting_payment) return money_due(order, now);
  if (order.state == OrderState::delivered) return keeps_it(order, now);
  return {};
}

std::optional<OrderDeadlineExtended> extend(Order& order, const Terms& terms,
                                            const ExtendDeadlines& command, const Record& record) {
  const bool waits = order.state == OrderState::awaiting_payment && !order.closing();
  if (!order.known || order.drop != command.drop || !order.due_at ||
      *order.due_at >= command.until || !(waits || order.state == OrderState::delivered))
    return std::nullopt;
  order.due_at = command.until;
  order.deadline = waits ? first_look(order, terms, record.at) : command.until;
  mark(order, order.state, record, command.actor, command.reason);
  auto event = told<OrderDeadlineExtended>(order);
  event.until = command.until;
  return event;
}

}  // namespace dropline::ordering
