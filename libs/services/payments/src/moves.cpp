#include "moves.hpp"

#include "dropline/base/ensure.hpp"

namespace dropline::payments {

using namespace contracts;  // NOLINT: the messages are all this file is about

namespace {

Uuid name(std::string_view what, const Uuid& about, std::int64_t attempt = 0) {
  return derived_id("dropline payments 1", {what, about.text(), std::to_string(attempt)});
}

}  // namespace

ChangeId call_id(ErrandKind kind, const Uuid& about, std::int64_t attempt) {
  return ChangeId(name(to_text(kind), about, attempt));
}
ReturnId stray_id(const Uuid& about) {
  return ReturnId(name("stray", about));
}
ReturnId closing_id(const OrderId& order) {
  return ReturnId(name("closing", order.uuid()));
}
ReturnId refund_id(const RefundId& refund) {
  return ReturnId(name("refunded", refund.uuid()));
}
ReturnId rest_id(const DepositId& deposit, std::int64_t attempt) {
  return ReturnId(name("rest", deposit.uuid(), attempt));
}

std::string reference_of(const MemberId& member, const OrderId& order) {
  return to_text(Reference{member, order});
}
std::string reference_of(const MemberId& member, const ChargeId& charge) {
  return to_text(Reference{member, charge});
}

void move(Book& book, const Uuid& owner, std::int64_t transfer, AccountName from, AccountName to,
          const Money& amount, const Purpose& purpose, const Moment& moment) {
  ensure(amount.minor >= 0 && from != to, "money moves forward, from one account to another");
  if (amount.minor == 0) return;
  const MemberId whose(owner);
  book.entries.push_back({whose, from, transfer, purpose.kind, purpose.reference,
                          Money{-amount.minor, amount.currency}, std::nullopt, moment.shard,
                          moment.at});
  book.entries.push_back({whose, to, transfer, purpose.kind, purpose.reference, amount,
                          std::nullopt, moment.shard, moment.at});
}

void send(Book& book, Errand errand, const Moment& moment) {
  book.errands.emplace_back(moment.shard, std::move(errand));
}

PaymentCaptured captured(const Payment& payment) {
  ensure(payment.captured_at.has_value() && payment.method.has_value(),
         "a captured payment knows how and when");
  PaymentCaptured event;
  event.order_id = payment.key.order;
  event.member = payment.key.member;
  event.payment = payment_id(payment.key.order);
  event.method = *payment.method;
  event.amount = payment.amount;
  event.at = *payment.captured_at;
  return event;
}

PaymentClosed closed(const Payment& payment) {
  PaymentClosed event;
  event.order_id = payment.key.order;
  event.member = payment.key.member;
  event.cause = *payment.cause;
  event.refunded = {payment.refunded, payment.amount.currency};
  return event;
}

PaymentDeclined declined(const Payment& payment) {
  PaymentDeclined event;
  event.order_id = payment.key.order;
  event.member = payment.key.member;
  event.payment = payment_id(payment.key.order);
  event.method = *payment.method;
  event.amount = payment.amount;
  event.reason = *payment.declined;
  return event;
}

PaymentCaptured capture(Book& book, Payment& payment, AccountName from, const Moment& moment) {
  ensure(payment.state == PaymentState::open, "a payment is captured once");
  const auto& order = payment.key.order.uuid();
  move(book, order, 1, from, AccountName::held, payment.amount, {TransferKind::capture, order},
       moment);
  payment.state = PaymentState::captured;
  payment.captured = payment.amount.minor;
  payment.captured_at = moment.at;
  payment.at = moment.at;
  book.payments_changed.insert(payment.key);
  return captured(payment);
}

PaymentClosed close_now(Book& book, Payment& payment, EndCause cause, const Moment& moment) {
  ensure(payment.sending == 0 && payment.refunded == payment.captured && payment.received == 0,
         "a closed payment holds no money");
  payment.state = PaymentState::closed;
  payment.cause = cause;
  payment.closing.reset();
  payment.at = moment.at;
  book.payments_changed.insert(payment.key);
  return closed(payment);
}

/// Whoever asked to close it is answered that it is closed, and nobody that it was declined.
Said decline_now(Book& book, Payment& payment, DeclineReason reason, const Moment& moment) {
  if (payment.closing) return close_now(book, payment, *payment.closing, moment);
  payment.declined = reason;
  static_cast<void>(close_now(book, payment, EndCause::payment_failed, moment));
  return declined(payment);
}

}  // namespace dropline::payments
