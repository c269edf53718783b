#pragma once

#include <string>
#include <utility>

#include "dropline/ordering/ordering.hpp"

/// What the files of the rules have in common: how a step is taken and told, and who refuses what.
namespace dropline::ordering {

[[nodiscard]] contracts::Actor service_actor(std::string_view name);

/// An order may be ended until its goods leave.
[[nodiscard]] bool may_end(contracts::OrderState state);
[[nodiscard]] bool waits_for_money(contracts::OrderState state);

/// One more entry of the timeline; the state may stay.
void mark(Order& order, contracts::OrderState state, const Record& record, contracts::Actor actor,
          std::optional<std::string> reason);

/// The last step, as the message that tells it.
template <class Message>
Message told(const Order& order) {
  Message message;
  message.order_id = order.key.order;
  message.member = order.key.member;
  message.drop = order.drop;
  message.version = order.version;
  message.state = order.state;
  message.payment = order.payment;
  message.body_hash = order.body_hash;
  message.placed_at = order.placed_at;
  message.entry = order.timeline.back();
  if constexpr (std::same_as<Message, contracts::OrderRejected>) {
    message.lines = order.asked_lines;
  } else {
    message.lines = order.lines;
    message.total = order.total;
    message.coupon = order.coupon;
    if (order.coupon_facts.reserved) message.discount = order.discount();
  }
  return message;
}

[[nodiscard]] contracts::OrderChangeRefused refused(const Order& order,
                                                    const contracts::ChangeId& cancel,
                                                    const contracts::Actor& actor,
                                                    contracts::OrderRefusal reason);
[[nodiscard]] contracts::OrderChangeRefused refused(const Order& order, const RefundId& refund,
                                                    const contracts::Actor& actor,
                                                    contracts::OrderRefusal reason);

[[nodiscard]] contracts::OrderRefusal why_not_ended(contracts::OrderState state);

/// How long before its deadline an order is reminded of.
[[nodiscard]] std::chrono::seconds reminder_of(const Order& order, const Terms& terms);
/// When the sweep looks at an order that waits for money until its `due_at`: first to remind.
[[nodiscard]] Timestamp first_look(const Order& order, const Terms& terms, Timestamp from);

/// No unit is left that was not given back, or is about to be.
[[nodiscard]] bool all_given_back(const Order& order);
/// A refund waits for payments.
[[nodiscard]] bool refund_under_way(const Order& order);

}  // namespace dropline::ordering
