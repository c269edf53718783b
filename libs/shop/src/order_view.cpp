#include "order_view.hpp"

#include "dropline/ordering/ordering_queries.hpp"
#include "dropline/payments/payments_queries.hpp"
#include "dropline/stock/stock_queries.hpp"
#include "json_fields.hpp"

namespace dropline::shop {
namespace {

using contracts::EndCause;
using contracts::OrderState;

OrderState end_of(EndCause cause) {
  switch (cause) {
    case EndCause::expired:
      return OrderState::expired;
    case EndCause::payment_failed:
      return OrderState::payment_failed;
    case EndCause::coupon_refused:
      return OrderState::coupon_refused;
    case EndCause::cancelled:
    case EndCause::voided:
      break;
  }
  return OrderState::cancelled;
}

OrderView view_of(const stock::Order& order) {
  OrderView view;
  view.id = order.id;
  view.member = order.member;
  view.state = order.outcome == contracts::StockOutcome::refused ? OrderState::rejected
                                                                 : OrderState::reserved;
  if (order.reason) view.reason = std::string(contracts::to_text(*order.reason));
  view.drop = order.drop;
  view.lines = order.lines;
  if (!order.lines.empty()) view.total = order.total;
  view.place = order.first;
  view.placed_at = order.placed_at;
  return view;
}

/// What the money says of an order that was granted its units.
void add_payment(OrderView& view, const payments::Payment& payment) {
  view.method = payment.method;
  const auto currency = payment.amount.currency;
  if (payment.captured > 0) view.paid = Money{payment.captured, currency};
  if (payment.refunded > 0) view.refunded = Money{payment.refunded, currency};
  if (payment.declined) {
    view.state = OrderState::payment_failed;
    view.reason = std::string(contracts::to_text(*payment.declined));
  } else if (payment.cause) {
    view.state = end_of(*payment.cause);
  } else if (payment.captured > 0) {
    view.state = OrderState::paid;
  } else {
    view.state = OrderState::awaiting_payment;
  }
}

}  // namespace

OrderView view_of(const ordering::Order& order) {
  OrderView view;
  view.id = order.key.order;
  view.member = order.key.member;
  view.state = order.state;
  view.reason = order.reason();
  view.drop = order.drop;
  view.lines = order.lines;
  view.asked_lines = order.asked_lines;
  if (!order.lines.empty()) view.total = order.total;
  view.method = order.payment.method;
  if (order.paid().minor > 0) view.paid = order.paid();
  if (order.refunded().minor > 0) view.refunded = order.refunded();
  view.coupon = order.coupon;
  if (order.coupon_facts.reserved) view.discount = order.discount();
  view.refundable_until = order.refundable_until();
  if (!view.refundable_until) view.due_at = order.due_at;
  if (order.state == OrderState::awaiting_payment) {
    view.due = order.due();
    if (const auto& opened = order.money.opened) {
      view.reference = opened->reference;
      view.deposit_to = opened->deposit_to;
    }
  }
  view.closing = order.closing();
  if (const auto& shipped = order.goods.shipped) {
    view.carrier = shipped->carrier;
    view.waybill = shipped->waybill;
  }
  for (const auto& refund : order.given_back)
    view.refunds.push_back({refund.refund, std::string(contracts::to_text(refund.state)),
                            refund.amount, refund.lines});
  view.timeline = order.timeline;
  view.place = order.place;
  view.placed_at = order.placed_at;
  return view;
}

void OrderView::write_fields(contracts::JsonWriter& out) const {
  write_field(out, "order_id", id);
  write_field(out, "state", state);
  if (reason) {
    out.name("reason");
    out.text(*reason);
  }
  write_field(out, "drop", drop);
  if (!lines.empty()) write_field(out, "lines", lines);
  if (!asked_lines.empty()) write_field(out, "lines", asked_lines);
  write_field(out, "total", total);
  if (method) {
    out.name("payment");
    out.open_object();
    write_field(out, "method", *method);
    out.close_object();
  }
  write_field(out, "paid", paid);
  write_field(out, "refunded", refunded);
  write_field(out, "coupon", coupon);
  write_field(out, "discount", discount);
  write_field(out, "due", due);
  write_field(out, "due_at", due_at);
  write_field(out, "reference", reference);
  write_field(out, "deposit_to", deposit_to);
  if (closing) write_field(out, "closing", true);
  write_field(out, "carrier", carrier);
  write_field(out, "waybill", waybill);
  write_field(out, "refundable_until", refundable_until);
  if (!refunds.empty()) write_refunds(out);
  write_field(out, "place", place);
  write_field(out, "placed_at", placed_at);
  if (!timeline.empty()) write_field(out, "timeline", timeline);
}

void OrderView::write_refunds(contracts::JsonWriter& out) const {
  out.name("refunds");
  out.open_array();
  for (const auto& each : refunds) {
    out.open_object();
    write_field(out, "refund", each.refund);
    out.name("state");
    out.plain(each.state);
    write_field(out, "amount", each.amount);
    write_field(out, "lines", each.lines);
    out.close_object();
  }
  out.close_array();
}

void OrderView::write(contracts::JsonWriter& out) const {
  out.open_object();
  write_fields(out);
  out.close_object();
}

void OrderView::write_for_support(contracts::JsonWriter& out) const {
  out.open_object();
  write_field(out, "member", member);
  write_fields(out);
  out.close_object();
}

std::string OrderView::json() const {
  std::string body;
  contracts::JsonWriter out(body);
  write(out);
  return body;
}

Result<std::optional<OrderView>> find_order_view(store::Session& session, const OrderId& id,
                                                 const Caller& caller) {
  auto order = ordering::find_order(session, id, caller.member);
  if (!order) return order.error();
  if (*order) return std::optional(view_of(**order));
  auto stocked = stock::find_order(session, id);
  if (!stocked) return stocked.error();
  if (!*stocked || ((*stocked)->member != caller.member && !caller.admin))
    return std::optional<OrderView>();
  const auto& member = (*stocked)->member;
  if (member != caller.member) {
    order = ordering::find_order(session, id, member);
    if (!order) return order.error();
    if (*order) return std::optional(view_of(**order));
  }
  auto view = view_of(**stocked);
  if (view.state == OrderState::rejected) return std::optional(std::move(view));
  auto payment = payments::find_payment(session, id, member);
  if (!payment) return payment.error();
  if (*payment) add_payment(view, **payment);
  return std::optional(std::move(view));
}

}  // namespace dropline::shop
