// What goes back to its payer: started here, and ended by what gateway or bank answer.
#include "returns.hpp"
#include "dropline/base/ensure.hpp"
#include "moves.hpp"

namespace dropline::payments {

using namespace contracts;  // NOLINT: the messages are all this file is about

namespace {

/// Refunds and closings have messages of their own, unless they are stuck.
void tell(const Return& row, Answers& out) {
  const bool asked = row.cause == ReturnCause::refund || row.cause == ReturnCause::closed;
  const bool told = asked && row.state == ReturnState::done && row.attempt == 1;
  if (told || !row.member) return;
  MoneyReturned event;
  event.money_return = row.key.id;
  event.member = *row.member;
  event.order_id = row.order;
  event.charge = row.charge;
  event.amount = row.amount;
  event.cause = row.cause;
  event.waits = row.state == ReturnState::waits;
  out.emplace_back(std::move(event));
}

void order_call(Book& book, const Return& row, const Moment& moment) {
  Errand errand;
  errand.kind = row.way == ReturnWay::gateway ? ErrandKind::refund : ErrandKind::payout;
  errand.call = call_id(errand.kind, row.key.id.uuid(), row.attempt);
  errand.owner = row.key.owner;
  errand.order = row.order;
  errand.charge = row.charge;
  errand.money_return = row.key.id;
  errand.amount = row.amount;
  errand.reference = row.reference;
  errand.account = row.account;
  errand.since = moment.at;
  errand.due = moment.at;
  send(book, std::move(errand), moment);
}

/// What the payment that it came from says of it: once, however often it had to be tried.
void count_back(Book& book, const Return& row, const Moment& moment, Answers& out) {
  if (row.way != ReturnWay::gateway || !row.order) return;
  if (row.cause != ReturnCause::refund && row.cause != ReturnCause::closed) return;
  const auto found = book.payments.find(PaymentKey{*row.order, row.key.owner});
  ensure(found != book.payments.end() && found->second.sending >= row.amount.minor,
         "what goes back was counted as on its way");
  auto& payment = found->second;
  payment.sending -= row.amount.minor;
  payment.refunded += row.amount.minor;
  payment.at = moment.at;
  book.payments_changed.insert(payment.key);
  if (!row.told.empty()) {
    auto event = decode<PaymentRefunded>(row.told);
    ensure(event.has_value(), "what is to be said was written here");
    event->refunded_total = {payment.refunded, payment.amount.currency};
    event->whole = payment.refunded == payment.captured;
    out.emplace_back(std::move(*event));
  }
  if (payment.closing && payment.sending == 0 && payment.held().minor == 0)
    out.emplace_back(close_now(book, payment, *payment.closing, moment));
}

void finish(Book& book, Return& row, const Moment& moment) {
  const auto to = row.way == ReturnWay::gateway ? AccountName::gateway : AccountName::bank;
  move(book, row.key.id.uuid(), 2, AccountName::returning, to, row.amount,
       {TransferKind::returned, row.key.id.uuid()}, moment);
  row.state = ReturnState::done;
  row.at = moment.at;
  book.returns_changed.insert(row.key);
}

}  // namespace

void begin_return(Book& book, const Terms& terms, Return going, AccountName from,
                  const Purpose& purpose, const Moment& moment, Answers& out) {
  ensure(going.amount.minor > 0, "something goes back");
  const bool can = going.way == ReturnWay::gateway || going.account.has_value();
  going.state = can ? ReturnState::sent : ReturnState::waits;
  if (!going.deposit) going.member = going.key.owner;
  going.made_at = moment.at;
  going.at = moment.at;
  move(book, going.key.id.uuid(), 1, from, AccountName::returning, going.amount, purpose, moment);
  book.returns_changed.insert(going.key);
  auto& row = book.returns.insert_or_assign(going.key, std::move(going)).first->second;
  if (row.state == ReturnState::waits) return tell(row, out);
  if (terms.asks) return order_call(book, row, moment);
  finish(book, row, moment);
  count_back(book, row, moment, out);
  tell(row, out);
}

void end_return(Book& book, const GatewayAnswered& answer, const Moment& moment, Answers& out) {
  const auto found = book.returns.find(ReturnKey{*answer.money_return, answer.member});
  if (found == book.returns.end() || found->second.state != ReturnState::sent) return;
  auto& row = found->second;
  const bool gone = answer.outcome == GatewayOutcome::refunded;
  if (!gone && answer.outcome != GatewayOutcome::refused) return;
  if (gone) {
    finish(book, row, moment);
  } else {
    row.state = ReturnState::waits;
    row.reason = answer.reason;
    row.at = moment.at;
    book.returns_changed.insert(row.key);
  }
  // Refused, it is owed all the same: the order has it back, and it stands among the returns.
  count_back(book, row, moment, out);
  tell(row, out);
}

Answers send_back(Book& book, const Terms& terms, const SendReturn& command, const Moment& moment) {
  Answers out;
  const auto found = book.returns.find(ReturnKey{command.money_return, command.member});
  if (found == book.returns.end() || found->second.state != ReturnState::waits) return out;
  auto& row = found->second;
  row.way = ReturnWay::bank;
  row.account = command.account;
  row.actor = command.actor.id;
  row.reason = command.reason;
  row.state = ReturnState::sent;
  ++row.attempt;
  row.at = moment.at;
  book.returns_changed.insert(row.key);
  if (terms.asks) {
    order_call(book, row, moment);
    return out;
  }
  finish(book, row, moment);
  tell(row, out);
  return out;
}

}  // namespace dropline::payments
