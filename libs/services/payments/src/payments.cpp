#include "dropline/payments/payments.hpp"

#include "charges.hpp"
#include "moves.hpp"

namespace dropline::payments {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

template <class Map>
auto* find(Map& map, const typename Map::key_type& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

/// How slowly an unprompted question is repeated: as if it had been asked six times before.
constexpr std::int64_t kUnprompted = 6;

/// What an order asks payments for.
struct Bill {
  PaymentKey key;
  std::optional<DropId> drop;
  PaymentMethod method;
  Money amount;
};

/// Until it is paid it may be paid without our being told.
void ask_later(Book& book, const Terms& terms, const Payment& payment, const Moment& moment) {
  Errand errand;
  errand.kind = ErrandKind::ask;
  errand.call = call_id(errand.kind, payment.key.order.uuid(), 0);
  errand.owner = payment.key.member;
  errand.order = payment.key.order;
  errand.amount = payment.amount;
  errand.reference = reference_of(payment.key.member, payment.key.order);
  errand.since = moment.at;
  errand.due = moment.at + terms.ask_after;
  errand.patience = kUnprompted;
  send(book, std::move(errand), moment);
}

PaymentOpened opened(const Terms& terms, const Payment& payment) {
  PaymentOpened event;
  event.order_id = payment.key.order;
  event.member = payment.key.member;
  event.payment = payment_id(payment.key.order);
  event.method = *payment.method;
  event.amount = payment.amount;
  event.reference = reference_of(payment.key.member, payment.key.order);
  if (payment.method == PaymentMethod::bank) event.deposit_to = terms.deposit_to;
  return event;
}

OpenAnswer open_bill(Book& book, const Terms& terms, const Bill& bill, const Moment& moment) {
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
  if (bill.method != PaymentMethod::wallet && bill.amount.minor != 0) {
    if (terms.asks && bill.method == PaymentMethod::card) ask_later(book, terms, payment, moment);
    return opened(terms, payment);
  }
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

/// The first refusal that applies; absent: the refund can be made.
std::optional<RefundRefusal> refusal_of(const Payment* payment, const Money& amount) {
  if (payment == nullptr) return RefundRefusal::unknown_order;
  if (payment->state == PaymentState::closed || payment->closing) return RefundRefusal::closed;
  if (payment->state == PaymentState::open) return RefundRefusal::not_captured;
  if (amount.currency != payment->amount.currency || amount.minor > payment->held().minor)
    return RefundRefusal::more_than_captured;
  return std::nullopt;
}

/// The payment in the shop's hands goes back, by the way that it came.
void return_all(Book& book, const Terms& terms, Payment& payment, ReturnCause cause,
                const Moment& moment, Answers& out) {
  const bool card = payment.method == PaymentMethod::card;
  const bool incomplete = payment.state == PaymentState::open;
  Return going;
  going.key = {closing_id(payment.key.order), payment.key.member};
  going.order = payment.key.order;
  going.amount = incomplete ? Money{payment.received, payment.amount.currency} : payment.held();
  going.cause = cause;
  going.way = card ? ReturnWay::gateway : ReturnWay::bank;
  if (!card) going.account = payment.account;
  going.reference = reference_of(payment.key.member, payment.key.order);
  if (going.amount.minor == 0) return;
  if (incomplete)
    payment.received = 0;
  else if (card)
    payment.sending += going.amount.minor;
  else
    payment.refunded += going.amount.minor;
  begin_return(book, terms, std::move(going), incomplete ? AccountName::partial : AccountName::held,
               {TransferKind::close, payment.key.order.uuid()}, moment, out);
}

/// Nothing is captured yet: of a card the gateway has to say so first.
void close_open(Book& book, const Terms& terms, Payment& payment, const ClosePayment& command,
                const Moment& moment, Answers& out) {
  if (terms.asks && payment.method == PaymentMethod::card) {
    // Who wants it back has the last word over a deadline.
    const bool first = !payment.closing;
    if (first || payment.closing == EndCause::expired) payment.closing = command.cause;
    payment.at = moment.at;
    book.payments_changed.insert(payment.key);
    if (!first) return;
    Errand errand;
    errand.kind = ErrandKind::cancel;
    errand.call = call_id(errand.kind, payment.key.order.uuid(), 0);
    errand.owner = payment.key.member;
    errand.order = payment.key.order;
    errand.amount = payment.amount;
    errand.reference = reference_of(payment.key.member, payment.key.order);
    errand.since = moment.at;
    errand.due = moment.at;
    return send(book, std::move(errand), moment);
  }
  return_all(book, terms, payment, ReturnCause::incomplete, moment, out);
  out.emplace_back(close_now(book, payment, command.cause, moment));
}

void close_captured(Book& book, const Terms& terms, Payment& payment, EndCause cause,
                    const Moment& moment, Answers& out) {
  if (payment.closing) return;  // It will be answered when the gateway has.
  if (payment.method == PaymentMethod::wallet || payment.captured == 0) {
    give_back(book, payment.key.member, payment.held(),
              {TransferKind::close, payment.key.order.uuid()}, moment);
    payment.refunded = payment.captured;
    out.emplace_back(close_now(book, payment, cause, moment));
    return;
  }
  payment.at = moment.at;
  book.payments_changed.insert(payment.key);
  if (payment.method == PaymentMethod::card) payment.closing = cause;
  return_all(book, terms, payment, ReturnCause::closed, moment, out);
  if (payment.state == PaymentState::captured && payment.sending == 0)
    out.emplace_back(close_now(book, payment, cause, moment));
}

PaymentRefunded refunded(const Payment& payment, const RefundPayment& command) {
  PaymentRefunded event;
  event.refund = command.refund;
  event.order_id = command.order_id;
  event.member = command.member;
  event.payment = payment_id(command.order_id);
  event.method = *payment.method;
  event.amount = command.amount;
  event.refunded_total = {payment.refunded, payment.amount.currency};
  event.whole = payment.refunded == payment.captured;
  event.lines = command.lines;
  return event;
}

/// To a card or an account.
void refund_outside(Book& book, const Terms& terms, Payment& payment, const RefundPayment& command,
                    const Moment& moment, Answers& out) {
  const bool card = payment.method == PaymentMethod::card;
  Return going;
  going.key = {refund_id(command.refund), command.member};
  going.order = command.order_id;
  going.refund = command.refund;
  going.amount = command.amount;
  going.cause = ReturnCause::refund;
  going.way = card ? ReturnWay::gateway : ReturnWay::bank;
  going.reference = reference_of(command.member, command.order_id);
  if (card) {
    payment.sending += command.amount.minor;
    going.told = encode(refunded(payment, command));
  } else {
    if (command.account) payment.account = command.account;
    going.account = payment.account;
    payment.refunded += command.amount.minor;
    out.emplace_back(refunded(payment, command));
  }
  begin_return(book, terms, std::move(going), AccountName::held,
               {TransferKind::refund, command.refund.uuid()}, moment, out);
}

}  // namespace

OpenAnswer open(Book& book, const Terms& terms, const StockReserved& order, const Moment& moment) {
  if (order.coupon) return std::monostate();
  return open_bill(book, terms,
                   {{order.order_id, order.member}, order.drop, order.payment.method, order.total},
                   moment);
}

OpenAnswer open(Book& book, const Terms& terms, const OpenPayment& command, const Moment& moment) {
  return open_bill(
      book, terms,
      {{command.order_id, command.member}, command.drop, command.payment.method, command.amount},
      moment);
}

Answers close(Book& book, const Terms& terms, const ClosePayment& command, const Moment& moment) {
  Answers out;
  const PaymentKey key{command.order_id, command.member};
  auto* payment = find(book.payments, key);
  if (payment == nullptr) {
    payment = &book.payments[key];
    payment->key = key;
    payment->amount = {0, terms.minimum_charge.currency};
    payment->opened_at = moment.at;
  }
  if (payment->state == PaymentState::closed) {
    out.emplace_back(closed(*payment));
    return out;
  }
  if (command.account && payment->method == PaymentMethod::bank) payment->account = command.account;
  if (payment->state == PaymentState::open) {
    close_open(book, terms, *payment, command, moment, out);
    return out;
  }
  const bool all_went_back = payment->captured != 0 && payment->refunded == payment->captured;
  if (command.cause == EndCause::expired && !all_went_back) {
    out.emplace_back(captured(*payment));
  } else {
    close_captured(book, terms, *payment, command.cause, moment, out);
  }
  return out;
}

Answers refund(Book& book, const Terms& terms, const RefundPayment& command, const Moment& moment) {
  Answers out;
  const RefundKey key{command.refund, command.member};
  if (book.refunds.contains(key)) return out;
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
    out.emplace_back(event);
    return out;
  }
  payment->at = moment.at;
  book.payments_changed.insert(payment->key);
  if (payment->method != PaymentMethod::wallet && command.amount.minor != 0) {
    refund_outside(book, terms, *payment, command, moment, out);
    return out;
  }
  give_back(book, key.member, command.amount, {TransferKind::refund, key.refund.uuid()}, moment);
  payment->refunded += command.amount.minor;
  out.emplace_back(refunded(*payment, command));
  return out;
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

}  // namespace dropline::payments
