#include "dropline/payments/payments.hpp"

#include "dropline/base/ensure.hpp"
#include "wallets.hpp"

namespace dropline::payments {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

template <class Map>
auto* find(Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

/// What an order asks payments for.
struct Bill {
  PaymentKey key;
  std::optional<DropId> drop;
  PaymentMethod method;
  Money amount;
};

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

PaymentOpened opened(const Payment& payment) {
  PaymentOpened event;
  event.order_id = payment.key.order;
  event.member = payment.key.member;
  event.payment = payment_id(payment.key.order);
  event.method = *payment.method;
  event.amount = payment.amount;
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

OpenAnswer open_bill(Book& book, const Bill& bill, const Moment& moment) {
  if (auto* known = find(book.payments, bill.key)) {
    if (known->method) return std::monostate();
    // It was closed first: the row learns what it would have been, and stays closed.
    known->method = bill.method;
    known->amount = bill.amount;
    known->drop = bill.drop;
    known->at = moment.at;
    book.payments_changed.insert(bill.key);
    return std::monostate();
  }
  auto& payment = book.payments[bill.key];
  payment.key = bill.key;
  payment.drop = bill.drop;
  payment.method = bill.method;
  payment.amount = bill.amount;
  payment.opened_at = moment.at;
  payment.at = moment.at;
  book.payments_changed.insert(bill.key);
  if (bill.method != PaymentMethod::wallet && bill.amount.minor != 0) return opened(payment);
  payment.declined = hold(book, bill.key.member, bill.amount,
                          {TransferKind::capture, bill.key.order.uuid()}, moment);
  if (payment.declined) {
    payment.state = PaymentState::closed;
    payment.cause = EndCause::payment_failed;
    return declined(payment);
  }
  payment.state = PaymentState::captured;
  payment.captured = bill.amount.minor;
  payment.captured_at = moment.at;
  return captured(payment);
}

std::optional<DeclineReason> outside(const Terms& terms, const Money& amount) {
  if (amount.currency != terms.minimum_charge.currency) return DeclineReason::wrong_currency;
  if (amount.minor < terms.minimum_charge.minor) return DeclineReason::below_minimum;
  if (amount.minor > terms.maximum_charge.minor) return DeclineReason::above_maximum;
  return std::nullopt;
}

WalletChargeDeclined decline(Book& book, Charge& charge, DeclineReason reason,
                             const Moment& moment) {
  charge.state = ChargeState::declined;
  charge.declined = reason;
  charge.at = moment.at;
  book.charges_changed.insert(charge.key);
  WalletChargeDeclined event;
  event.charge = charge.key.charge;
  event.member = charge.key.member;
  event.amount = charge.amount;
  event.reason = reason;
  return event;
}

/// The first refusal that applies; absent: the refund can be made.
std::optional<RefundRefusal> refusal_of(const Payment* payment, const Money& amount) {
  if (payment == nullptr) return RefundRefusal::unknown_order;
  if (payment->state == PaymentState::closed) return RefundRefusal::closed;
  if (payment->state == PaymentState::open) return RefundRefusal::not_captured;
  if (amount.currency != payment->amount.currency || amount.minor > payment->held().minor)
    return RefundRefusal::more_than_captured;
  return std::nullopt;
}

}  // namespace

OpenAnswer open(Book& book, const StockReserved& order, const Moment& moment) {
  if (order.coupon) return std::monostate();
  return open_bill(book,
                   {{order.order_id, order.member}, order.drop, order.payment.method, order.total},
                   moment);
}

OpenAnswer open(Book& book, const OpenPayment& command, const Moment& moment) {
  return open_bill(
      book,
      {{command.order_id, command.member}, command.drop, command.payment.method, command.amount},
      moment);
}

CloseAnswer close(Book& book, const Terms& terms, const ClosePayment& command,
                  const Moment& moment) {
  const PaymentKey key{command.order_id, command.member};
  auto* payment = find(book.payments, key);
  if (payment == nullptr) {
    payment = &book.payments[key];
    payment->key = key;
    payment->amount = {0, terms.minimum_charge.currency};
    payment->opened_at = moment.at;
  }
  if (payment->state == PaymentState::closed) return closed(*payment);
  const bool paid = payment->state == PaymentState::captured;
  const bool all_went_back = payment->captured != 0 && payment->held().minor == 0;
  if (paid && command.cause == EndCause::expired && !all_went_back) return captured(*payment);
  give_back(book, key.member, payment->held(), {TransferKind::close, key.order.uuid()}, moment);
  payment->refunded = payment->captured;
  payment->state = PaymentState::closed;
  payment->cause = command.cause;
  payment->at = moment.at;
  book.payments_changed.insert(key);
  return closed(*payment);
}

RefundAnswer refund(Book& book, const RefundPayment& command, const Moment& moment) {
  const RefundKey key{command.refund, command.member};
  if (book.refunds.contains(key)) return std::monostate();
  auto* payment = find(book.payments, PaymentKey{command.order_id, command.member});
  Refund row{key, command.order_id, command.amount, refusal_of(payment, command.amount), moment.at};
  book.refunds.emplace(key, row);
  book.refunds_new.push_back(row);
  if (row.refused) {
    RefundRefused event;
    event.refund = command.refund;
    event.order_id = command.order_id;
    event.member = command.member;
    event.reason = *row.refused;
    return event;
  }
  give_back(book, key.member, command.amount, {TransferKind::refund, key.refund.uuid()}, moment);
  payment->refunded += command.amount.minor;
  payment->at = moment.at;
  book.payments_changed.insert(payment->key);
  PaymentRefunded event;
  event.refund = command.refund;
  event.order_id = command.order_id;
  event.member = command.member;
  event.payment = payment_id(command.order_id);
  event.method = *payment->method;
  event.amount = command.amount;
  event.refunded_total = {payment->refunded, payment->amount.currency};
  event.whole = payment->held().minor == 0;
  event.lines = command.lines;
  return event;
}

ChargeAnswer request(Book& book, const Terms& terms, const ChargeWallet& command,
                     const Moment& moment) {
  const ChargeKey key{command.charge, command.member};
  if (auto* known = find(book.charges, key)) {
    if (known->method) return std::monostate();
    known->method = command.method;
    book.charges_changed.insert(key);
    return std::monostate();
  }
  auto& charge = book.charges[key];
  charge.key = key;
  charge.method = command.method;
  charge.amount = command.amount;
  charge.at = moment.at;
  book.charges_changed.insert(key);
  auto reason = outside(terms, command.amount);
  if (!reason) reason = may_fill(book, command.member, command.amount);
  if (reason) return decline(book, charge, *reason, moment);
  return std::monostate();
}

ChargeAnswer settle(Book& book, const Terms& terms, const GatewayAnswered& answer,
                    const Moment& moment) {
  ensure(answer.charge.has_value(), "the answer is about a charge");
  if (answer.outcome != GatewayOutcome::captured && answer.outcome != GatewayOutcome::declined)
    return std::monostate();
  const bool came = answer.outcome == GatewayOutcome::captured;
  ensure(!came || answer.amount.has_value(), "what was captured has an amount");
  const ChargeKey key{*answer.charge, answer.member};
  auto* charge = find(book.charges, key);
  const bool asked = charge != nullptr;
  if (!asked) {
    charge = &book.charges[key];
    charge->key = key;
    charge->amount = answer.amount.value_or(Money{0, terms.minimum_charge.currency});
  }
  if (charge->state != ChargeState::requested) return std::monostate();
  if (!came) return decline(book, *charge, DeclineReason::declined, moment);
  if (*answer.amount != charge->amount)
    return decline(book, *charge, DeclineReason::wrong_amount, moment);
  // Asked for within the terms of its day, it is credited whatever they are now.
  auto reason = asked ? std::nullopt : outside(terms, *answer.amount);
  if (!reason) reason = may_fill(book, key.member, *answer.amount);
  if (reason) return decline(book, *charge, *reason, moment);
  charge->state = ChargeState::captured;
  charge->at = moment.at;
  book.charges_changed.insert(key);
  const auto& wallet =
      fill(book, key.member, *answer.amount, {TransferKind::charge, key.charge.uuid()}, moment);
  WalletCharged event;
  event.charge = key.charge;
  event.member = key.member;
  event.amount = *answer.amount;
  event.balance = {wallet.balance, wallet.currency};
  event.at = moment.at;
  return event;
}

}  // namespace dropline::payments
