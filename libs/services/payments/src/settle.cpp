// What gateways say, by notice and by answer.
#include <utility>

#include "charges.hpp"
#include "dropline/base/ensure.hpp"
#include "moves.hpp"
#include "returns.hpp"

namespace dropline::payments {

using namespace contracts;  // NOLINT: the messages are all this file is about

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

namespace {

/// The gateway has money that is nobody's. Where there is no gateway to ask there is none to send
/// it back by either: it is left to the gateway's own books.
void return_stray(Book& book, const Terms& terms, const GatewayAnswered& answer, ReturnCause cause,
                  const Moment& moment, Answers& out) {
  if (!terms.asks || answer.amount->minor == 0) return;
  const auto& about = answer.order_id ? answer.order_id->uuid() : answer.charge->uuid();
  Return going;
  going.key = {stray_id(about), answer.member};
  if (book.returns.contains(going.key)) return;
  going.order = answer.order_id;
  going.charge = answer.charge;
  going.amount = *answer.amount;
  going.cause = cause;
  going.way = ReturnWay::gateway;
  going.reference = answer.order_id ? reference_of(answer.member, *answer.order_id)
                                    : reference_of(answer.member, *answer.charge);
  begin_return(book, terms, std::move(going), AccountName::gateway, {TransferKind::stray, about},
               moment, out);
}

void captured_of_order(Book& book, const Terms& terms, const GatewayAnswered& answer,
                       Payment* payment, const Moment& moment, Answers& out) {
  const bool nobody = payment == nullptr || payment->method != PaymentMethod::card ||
                      payment->state == PaymentState::closed;
  if (nobody) {
    // A capture that was counted once is not another one, told late.
    const bool counted =
        payment != nullptr && payment->method == PaymentMethod::card && payment->captured != 0;
    if (!counted) return_stray(book, terms, answer, ReturnCause::late, moment, out);
    return;
  }
  if (payment->state == PaymentState::captured) return;
  if (*answer.amount != payment->amount) {
    out.emplace_back(decline_now(book, *payment, DeclineReason::wrong_amount, moment));
    return_stray(book, terms, answer, ReturnCause::wrong_amount, moment, out);
    return;
  }
  out.emplace_back(capture(book, *payment, AccountName::gateway, moment));
  if (!payment->closing) return;
  // Its deadline found it paid; or it was to be given back whatever came.
  const auto cause = *std::exchange(payment->closing, std::nullopt);
  if (cause == EndCause::expired) return;
  ClosePayment command;
  command.order_id = payment->key.order;
  command.member = payment->key.member;
  command.cause = cause;
  for (auto& said : close(book, terms, command, moment))
    out.push_back(std::move(said));
}

void settle_order(Book& book, const Terms& terms, const GatewayAnswered& answer,
                  const Moment& moment, Answers& out) {
  const auto found = book.payments.find(PaymentKey{*answer.order_id, answer.member});
  auto* payment = found == book.payments.end() ? nullptr : &found->second;
  if (answer.outcome == GatewayOutcome::captured)
    return captured_of_order(book, terms, answer, payment, moment, out);
  const bool waits = payment != nullptr && payment->method == PaymentMethod::card &&
                     payment->state == PaymentState::open;
  const bool over = answer.outcome == GatewayOutcome::declined ||
                    answer.outcome == GatewayOutcome::voided ||
                    answer.outcome == GatewayOutcome::refunded;
  if (waits && over) out.emplace_back(decline_now(book, *payment, DeclineReason::declined, moment));
}

void settle_charge(Book& book, const Terms& terms, const GatewayAnswered& answer,
                   const Moment& moment, Answers& out) {
  const bool came = answer.outcome == GatewayOutcome::captured;
  const bool over = answer.outcome == GatewayOutcome::declined ||
                    (terms.asks && (answer.outcome == GatewayOutcome::voided ||
                                    answer.outcome == GatewayOutcome::refunded));
  if (!came && !over) return;
  const ChargeKey key{*answer.charge, answer.member};
  const auto found = book.charges.find(key);
  const bool asked = found != book.charges.end();
  auto& charge = book.charges[key];
  if (!asked) {
    charge.key = key;
    charge.amount = answer.amount.value_or(Money{0, terms.minimum_charge.currency});
  }
  if (terms.asks && charge.method == ChargeMethod::deposit) {
    // A bank fills it; a gateway that did has done it unasked.
    if (came) return_stray(book, terms, answer, ReturnCause::unmatched, moment, out);
    return;
  }
  if (charge.state != ChargeState::requested) {
    if (came && charge.state == ChargeState::declined)
      return_stray(book, terms, answer, ReturnCause::late, moment, out);
    return;
  }
  std::optional<DeclineReason> reason;
  if (!came) reason = DeclineReason::declined;
  if (!reason && *answer.amount != charge.amount) reason = DeclineReason::wrong_amount;
  // Asked for within the terms of its day, it is credited whatever they are now.
  if (!reason && !asked) reason = outside(terms, *answer.amount);
  if (!reason) reason = may_fill(book, key.member, *answer.amount);
  if (reason) {
    out.emplace_back(decline(book, charge, *reason, moment));
    if (came)
      return_stray(book, terms, answer,
                   reason == DeclineReason::wrong_amount ? ReturnCause::wrong_amount
                                                         : ReturnCause::unmatched,
                   moment, out);
    return;
  }
  charge.state = ChargeState::captured;
  charge.at = moment.at;
  book.charges_changed.insert(key);
  const auto& wallet =
      fill(book, key.member, *answer.amount, {TransferKind::charge, key.charge.uuid()}, moment);
  WalletCharged event;
  event.charge = key.charge;
  event.member = key.member;
  event.amount = *answer.amount;
  event.balance = {wallet.balance, wallet.currency};
  event.at = moment.at;
  out.emplace_back(event);
}

/// Whether asking would tell nothing new.
bool is_settled(const Book& book, const GatewayNoticed& notice) {
  if (notice.order_id) {
    const auto found = book.payments.find(PaymentKey{*notice.order_id, notice.member});
    return found != book.payments.end() && found->second.captured != 0;
  }
  const auto found = book.charges.find(ChargeKey{*notice.charge, notice.member});
  return found != book.charges.end() && found->second.state == ChargeState::captured;
}

}  // namespace

Answers notice(Book& book, const Terms& terms, const GatewayNoticed& notice, const Moment& moment) {
  if (!terms.asks) {
    GatewayAnswered answer;
    answer.call = notice.notice;
    answer.member = notice.member;
    answer.order_id = notice.order_id;
    answer.charge = notice.charge;
    answer.outcome = notice.outcome;
    answer.amount = notice.amount;
    answer.reference = notice.reference;
    answer.reason = notice.reason;
    const bool vague = answer.outcome == GatewayOutcome::captured && !answer.amount;
    return vague ? Answers() : settle(book, terms, answer, moment);
  }
  if (is_settled(book, notice)) return {};
  Errand errand;
  errand.kind = ErrandKind::ask;
  const auto& about = notice.order_id ? notice.order_id->uuid() : notice.charge->uuid();
  errand.call = call_id(errand.kind, about, 0);
  errand.owner = notice.member;
  errand.order = notice.order_id;
  errand.charge = notice.charge;
  if (notice.amount) errand.amount = *notice.amount;
  errand.reference = notice.order_id ? reference_of(notice.member, *notice.order_id)
                                     : reference_of(notice.member, *notice.charge);
  errand.since = moment.at;
  errand.due = moment.at;
  send(book, std::move(errand), moment);
  return {};
}

Answers settle(Book& book, const Terms& terms, const GatewayAnswered& answer,
               const Moment& moment) {
  ensure(answer.outcome != GatewayOutcome::captured || answer.amount.has_value(),
         "what was captured has an amount");
  Answers out;
  if (answer.money_return) {
    end_return(book, answer, moment, out);
  } else if (answer.order_id) {
    settle_order(book, terms, answer, moment, out);
  } else {
    settle_charge(book, terms, answer, moment, out);
  }
  return out;
}

}  // namespace dropline::payments
