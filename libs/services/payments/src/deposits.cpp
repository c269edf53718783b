// Money that a bank says came in. A deposit has an owner of its own, by the bank's transaction, who
// offers it to whom its payer named; the order's or wallet's owner takes what is due.
#include <algorithm>

#include "dropline/base/ensure.hpp"
#include "moves.hpp"

namespace dropline::payments {

using namespace contracts;  // NOLINT: the messages are all this file is about

namespace {

CreditDeposit offer(Book& book, Deposit& row, const Moment& moment) {
  row.state = DepositState::offered;
  ++row.attempt;
  row.refusal.reset();
  row.at = moment.at;
  book.deposits_changed.insert(row.key);
  CreditDeposit command;
  command.deposit = row.key;
  command.attempt = row.attempt;
  command.member = *row.member;
  command.order_id = row.order;
  command.charge = row.charge;
  command.amount = row.rest();
  command.payer = row.payer;
  return command;
}

DepositTaken answer_of(const Credit& credit) {
  DepositTaken answer;
  answer.deposit = credit.key.deposit;
  answer.attempt = credit.key.attempt;
  answer.member = credit.key.member;
  answer.order_id = credit.order;
  answer.charge = credit.charge;
  answer.amount = credit.amount;
  answer.taken = {credit.taken, credit.amount.currency};
  answer.reason = credit.refusal;
  return answer;
}

/// What an order takes of it.
void take_for_order(Book& book, Credit& credit, const CreditDeposit& command, const Moment& moment,
                    Answers& out) {
  const auto found = book.payments.find(PaymentKey{*command.order_id, command.member});
  if (found == book.payments.end() || !found->second.method) {
    credit.refusal = DepositRefusal::unknown_order;
    return;
  }
  auto& payment = found->second;
  if (payment.method != PaymentMethod::bank) {
    credit.refusal = DepositRefusal::not_by_bank;
  } else if (payment.amount.currency != command.amount.currency) {
    credit.refusal = DepositRefusal::wrong_currency;
  } else if (payment.state == PaymentState::closed) {
    credit.refusal = DepositRefusal::closed;
  } else if (payment.state == PaymentState::captured) {
    credit.refusal = DepositRefusal::too_much;
  }
  if (credit.refusal) return;
  credit.taken = std::min(command.amount.minor, payment.amount.minor - payment.received);
  if (credit.taken < command.amount.minor) credit.refusal = DepositRefusal::too_much;
  move(book, command.deposit.uuid(), 2 * command.attempt, AccountName::suspense,
       AccountName::partial, {credit.taken, command.amount.currency},
       {TransferKind::credit, command.order_id->uuid()}, moment);
  payment.received += credit.taken;
  if (command.payer) payment.account = command.payer;
  payment.at = moment.at;
  book.payments_changed.insert(payment.key);
  if (payment.received < payment.amount.minor) return;
  payment.received = 0;
  out.emplace_back(capture(book, payment, AccountName::partial, moment));
}

/// A wallet takes what was asked for, or nothing.
void take_for_charge(Book& book, Credit& credit, const CreditDeposit& command, const Moment& moment,
                     Answers& out) {
  const auto found = book.charges.find(ChargeKey{*command.charge, command.member});
  if (found == book.charges.end() || !found->second.method) {
    credit.refusal = DepositRefusal::unknown_order;
    return;
  }
  auto& charge = found->second;
  if (charge.method != ChargeMethod::deposit) {
    credit.refusal = DepositRefusal::not_by_bank;
  } else if (charge.amount.currency != command.amount.currency) {
    credit.refusal = DepositRefusal::wrong_currency;
  } else if (charge.state != ChargeState::requested ||
             may_fill(book, command.member, command.amount)) {
    credit.refusal = DepositRefusal::closed;
  } else if (charge.amount != command.amount) {
    credit.refusal = DepositRefusal::wrong_amount;
  }
  if (credit.refusal) return;
  credit.taken = command.amount.minor;
  charge.state = ChargeState::captured;
  charge.at = moment.at;
  book.charges_changed.insert(charge.key);
  const auto& wallet =
      fill(book, command.member, command.amount, {TransferKind::charge, command.charge->uuid()},
           moment, AccountName::suspense);
  WalletCharged event;
  event.charge = *command.charge;
  event.member = command.member;
  event.amount = command.amount;
  event.balance = {wallet.balance, wallet.currency};
  event.at = moment.at;
  out.emplace_back(event);
}

/// Sends the rest of a deposit back.
void return_rest(Book& book, const Terms& terms, Deposit& row, ReturnCause cause,
                 const SealedText& account, const Moment& moment, Answers& out) {
  Return going;
  going.key = {rest_id(row.key, row.attempt), MemberId(row.key.uuid())};
  going.order = row.order;
  going.charge = row.charge;
  going.deposit = row.key;
  going.member = row.member;
  going.amount = row.rest();
  going.cause = cause;
  going.way = ReturnWay::bank;
  going.account = account;
  going.reference = row.transaction;
  row.returned += going.amount.minor;
  row.state = DepositState::done;
  row.at = moment.at;
  book.deposits_changed.insert(row.key);
  begin_return(book, terms, std::move(going), AccountName::suspense,
               {TransferKind::stray, row.key.uuid()}, moment, out);
}

ReturnCause cause_of(const std::optional<DepositRefusal>& refusal) {
  if (refusal == DepositRefusal::closed) return ReturnCause::late;
  if (refusal == DepositRefusal::too_much) return ReturnCause::surplus;
  if (refusal == DepositRefusal::wrong_amount) return ReturnCause::wrong_amount;
  return ReturnCause::unmatched;
}

}  // namespace

Answers deposit(Book& book, const BankDeposited& message, const Moment& moment) {
  Answers out;
  if (book.deposits.contains(message.deposit)) return out;
  auto& row = book.deposits[message.deposit];
  row.key = message.deposit;
  row.transaction = message.transaction;
  row.amount = message.amount;
  row.reference = message.reference;
  row.payer = message.payer;
  row.made_at = moment.at;
  row.at = moment.at;
  book.deposits_changed.insert(row.key);
  move(book, row.key.uuid(), 1, AccountName::bank, AccountName::suspense, row.amount,
       {TransferKind::deposit, row.key.uuid()}, moment);
  const auto named = row.reference ? find_reference(*row.reference) : std::nullopt;
  if (!named) return out;
  row.member = named->member;
  if (const auto* order = std::get_if<OrderId>(&named->what)) row.order = *order;
  if (const auto* charge = std::get_if<ChargeId>(&named->what)) row.charge = *charge;
  out.emplace_back(offer(book, row, moment));
  return out;
}

Answers credit(Book& book, const Terms& /*terms*/, const CreditDeposit& command,
               const Moment& moment) {
  Answers out;
  const CreditKey key{command.deposit, command.attempt, command.member};
  if (const auto known = book.credits.find(key); known != book.credits.end()) {
    out.emplace_back(answer_of(known->second));
    return out;
  }
  Credit row;
  row.key = key;
  row.order = command.order_id;
  row.charge = command.charge;
  row.amount = command.amount;
  row.at = moment.at;
  if (command.order_id) {
    take_for_order(book, row, command, moment, out);
  } else {
    take_for_charge(book, row, command, moment, out);
  }
  book.credits.emplace(key, row);
  book.credits_new.push_back(row);
  out.emplace_back(answer_of(row));
  return out;
}

Answers taken(Book& book, const Terms& terms, const DepositTaken& answer, const Moment& moment) {
  Answers out;
  const auto found = book.deposits.find(answer.deposit);
  if (found == book.deposits.end()) return out;
  auto& row = found->second;
  if (row.state != DepositState::offered || row.attempt != answer.attempt) return out;
  ensure(answer.taken.minor <= row.rest().minor, "no more is taken than was offered");
  row.taken += answer.taken.minor;
  row.refusal = answer.reason;
  row.at = moment.at;
  book.deposits_changed.insert(row.key);
  const auto cause = cause_of(answer.reason);
  if (row.rest().minor == 0) {
    row.state = DepositState::done;
  } else if (row.payer && cause != ReturnCause::unmatched) {
    return_rest(book, terms, row, cause, SealedText(*row.payer), moment, out);
  } else {
    row.state = DepositState::waits;
  }
  return out;
}

Answers assign(Book& book, const AssignDeposit& command, const Moment& moment) {
  Answers out;
  const auto found = book.deposits.find(command.deposit);
  if (found == book.deposits.end() || found->second.state != DepositState::waits) return out;
  auto& row = found->second;
  row.member = command.member;
  row.order = command.order_id;
  row.charge.reset();
  row.actor = command.actor.id;
  row.reason = command.reason;
  out.emplace_back(offer(book, row, moment));
  return out;
}

Answers send_back(Book& book, const Terms& terms, const ReturnDeposit& command,
                  const Moment& moment) {
  Answers out;
  const auto found = book.deposits.find(command.deposit);
  if (found == book.deposits.end() || found->second.state != DepositState::waits) return out;
  auto& row = found->second;
  const auto account = command.account ? command.account : row.payer;
  if (!account) return out;
  row.actor = command.actor.id;
  row.reason = command.reason;
  return_rest(book, terms, row, cause_of(row.refusal), *account, moment, out);
  return out;
}

}  // namespace dropline::payments
