#include "dropline/payments/payments_worker.hpp"

#include <map>

#include "dropline/base/ensure.hpp"
#include "dropline/payments/payments_store.hpp"

namespace dropline::payments {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

using Message = std::variant<StockReserved, OpenPayment, ClosePayment, RefundPayment, ChargeWallet,
                             GatewayAnswered, GatewayNoticed, BankDeposited, CreditDeposit,
                             DepositTaken, AssignDeposit, ReturnDeposit, SendReturn>;

const SystemClock kClock;

struct Task {
  const worker::Incoming* incoming;
  Message message;
};

template <class T>
Result<Message> open_as(const worker::Incoming& incoming) {
  auto message = worker::open<T>(incoming);
  if (!message) return message.error();
  if constexpr (std::same_as<T, GatewayAnswered>)
    if (message->outcome == GatewayOutcome::captured && !message->amount)
      return error(Errc::contradiction, "what the gateway captured needs an amount");
  return Message(std::move(*message));
}

template <class... Ts>
Result<Message> open_any(const worker::Incoming& incoming, std::variant<Ts...>*) {
  Result<Message> out = error(Errc::unknown_type, "no message for payments");
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = open_as<Ts>(incoming), true)) || ...));
  return out;
}

void want(Wanted& wanted, const StockReserved& message) {
  if (message.coupon) return;
  wanted.wallets.push_back(message.member);
  wanted.payments.push_back({message.order_id, message.member});
}
void want(Wanted& wanted, const OpenPayment& message) {
  wanted.wallets.push_back(message.member);
  wanted.payments.push_back({message.order_id, message.member});
}
void want(Wanted& wanted, const ClosePayment& message) {
  wanted.wallets.push_back(message.member);
  wanted.payments.push_back({message.order_id, message.member});
}
void want(Wanted& wanted, const RefundPayment& message) {
  wanted.wallets.push_back(message.member);
  wanted.payments.push_back({message.order_id, message.member});
  wanted.refunds.push_back({message.refund, message.member});
}
void want(Wanted& wanted, const ChargeWallet& message) {
  wanted.wallets.push_back(message.member);
  wanted.charges.push_back({message.charge, message.member});
}

/// What gateways speak of.
template <class T>
void want_subject(Wanted& wanted, const T& message) {
  if (message.order_id) wanted.payments.push_back({*message.order_id, message.member});
  if (!message.charge) return;
  wanted.wallets.push_back(message.member);
  wanted.charges.push_back({*message.charge, message.member});
}
void want_stray(Wanted& wanted, const std::optional<OrderId>& order,
                const std::optional<ChargeId>& charge, const MemberId& member) {
  if (order) wanted.returns.push_back({stray_id(order->uuid()), member});
  if (charge) wanted.returns.push_back({stray_id(charge->uuid()), member});
}
void want(Wanted& wanted, const GatewayAnswered& message) {
  want_subject(wanted, message);
  if (message.order_id) wanted.wallets.push_back(message.member);
  if (message.money_return) wanted.returns.push_back({*message.money_return, message.member});
  want_stray(wanted, message.order_id, message.charge, message.member);
}
void want(Wanted& wanted, const GatewayNoticed& message) {
  want_subject(wanted, message);
  want_stray(wanted, message.order_id, message.charge, message.member);
}
void want(Wanted& wanted, const CreditDeposit& message) {
  want_subject(wanted, message);
  wanted.credits.push_back({message.deposit, message.attempt, message.member});
}
void want(Wanted& wanted, const SendReturn& message) {
  wanted.returns.push_back({message.money_return, message.member});
}
/// Of deposits.
template <class T>
void want(Wanted& wanted, const T& message) {
  wanted.deposits.push_back(message.deposit);
}

template <class T>
std::string correlation_of(const T& message) {
  if constexpr (requires { message.order_id.text(); })
    return message.order_id.text();
  else if constexpr (requires { message.order_id; })
    return message.order_id ? message.order_id->text() : std::string();
  else
    return {};
}

/// Decides each message by its rule and says what came of it.
struct Judge {
  Book& book;
  const Terms& terms;
  worker::Unit& unit;
  const worker::Incoming& incoming;

  [[nodiscard]] Moment moment() const {
    return {incoming.record.append_time, worker::number(incoming.shard)};
  }
  template <class T>
  void say(const T& message) const {
    worker::emit(unit, incoming.shard, message, correlation_of(message), &incoming);
  }
  void say(std::monostate) const {}
  template <class... Ts>
  void say(const std::variant<Ts...>& answer) const {
    std::visit([this](const auto& message) { say(message); }, answer);
  }
  void say(const Answers& answers) const {
    for (const auto& answer : answers)
      say(answer);
  }

  void operator()(const StockReserved& order) const { say(open(book, terms, order, moment())); }
  void operator()(const OpenPayment& command) const { say(open(book, terms, command, moment())); }
  void operator()(const ClosePayment& command) const { say(close(book, terms, command, moment())); }
  void operator()(const RefundPayment& command) const {
    say(refund(book, terms, command, moment()));
  }
  void operator()(const ChargeWallet& command) const {
    say(request(book, terms, command, moment()));
  }
  void operator()(const GatewayAnswered& answer) const {
    say(settle(book, terms, answer, moment()));
  }
  void operator()(const GatewayNoticed& told) const { say(notice(book, terms, told, moment())); }
  void operator()(const BankDeposited& told) const { say(deposit(book, told, moment())); }
  void operator()(const CreditDeposit& command) const {
    say(credit(book, terms, command, moment()));
  }
  void operator()(const DepositTaken& answer) const { say(taken(book, terms, answer, moment())); }
  void operator()(const AssignDeposit& command) const { say(assign(book, command, moment())); }
  void operator()(const ReturnDeposit& command) const {
    say(send_back(book, terms, command, moment()));
  }
  void operator()(const SendReturn& command) const {
    say(send_back(book, terms, command, moment()));
  }
};

bool about_an_order(const Message& message) {
  const auto* answer = std::get_if<GatewayAnswered>(&message);
  return answer != nullptr && answer->order_id.has_value();
}

}  // namespace

PaymentsWorker::PaymentsWorker(const Terms& terms) : PaymentsWorker(terms, nullptr, kClock, {}) {}

PaymentsWorker::PaymentsWorker(const Terms& terms, worker::Caller& caller, const Clock& clock,
                               worker::CallTerms calls)
    : PaymentsWorker(terms, &caller, clock, calls) {}

PaymentsWorker::PaymentsWorker(const Terms& terms, worker::Caller* caller, const Clock& clock,
                               worker::CallTerms calls)
    : terms_(terms), desk_("payments", caller, clock, calls) {
  ensure(terms.minimum_charge.currency == terms.maximum_charge.currency &&
             terms.minimum_charge.minor >= 1 &&
             terms.minimum_charge.minor <= terms.maximum_charge.minor &&
             terms.maximum_charge.minor <= kMaxExact,
         "the least charge is more than nothing and at most the largest, of one currency");
  terms_.asks = caller != nullptr;
  spec_.name = "payments";
  spec_.anchor = topic::kPaymentsCommands;
  spec_.topics = {
      worker::reads<OpenPayment, ClosePayment, RefundPayment, ChargeWallet, GatewayAnswered,
                    GatewayNoticed, BankDeposited, CreditDeposit, DepositTaken, AssignDeposit,
                    ReturnDeposit, SendReturn>(worker::TopicKind::commands),
      worker::reads<StockReserved>(worker::TopicKind::events)};
}

Status PaymentsWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  std::vector<Task> tasks;
  tasks.reserve(batch.size());
  Wanted wanted;
  for (const auto& incoming : batch) {
    auto message = open_any(incoming, static_cast<Message*>(nullptr));
    if (!message) {
      unit.dead_letter(incoming, message.error().code.message(), message.error().detail);
      continue;
    }
    if (!terms_.asks && about_an_order(*message)) {
      unit.dead_letter(incoming, "no_gateway", "no order's card was ever asked for");
      continue;
    }
    std::visit([&wanted](const auto& m) { want(wanted, m); }, *message);
    tasks.push_back({&incoming, std::move(*message)});
  }
  if (tasks.empty()) return {};
  auto book = load(unit.session(), std::move(wanted));
  if (!book) return book.error();
  for (const auto& task : tasks)
    std::visit(Judge{*book, terms_, unit, *task.incoming}, task.message);
  if (auto saved = save(unit.session(), *book); !saved) return saved;
  return order_calls(*book, unit);
}

/// One row a call: where a batch wants the same twice, the sooner counts.
Status PaymentsWorker::order_calls(const Book& book, worker::Unit& unit) {
  std::map<ChangeId, const std::pair<std::int32_t, Errand>*> wanted;
  for (const auto& each : book.errands) {
    auto& kept = wanted[each.second.call];
    if (kept == nullptr || each.second.due < kept->second.due) kept = &each;
  }
  std::vector<worker::Call> calls;
  calls.reserve(wanted.size());
  for (const auto& [id, each] : wanted)
    calls.push_back({id.uuid(), worker::Shard(each->first), std::string(to_text(each->second.kind)),
                     encode(each->second), each->second.patience, each->second.due});
  return desk_.add(unit.session(), calls, unit.now());
}

Status PaymentsWorker::claimed(std::span<const worker::Shard> shards, worker::Unit& unit) {
  return terms_.asks ? desk_.claimed(shards, unit) : Status();
}

/// An answer becomes a record: what it means is decided where it is read, in log order.
Status PaymentsWorker::tick(std::span<const worker::Shard> shards, worker::Unit& unit) {
  return desk_.tick(shards, unit, [&unit](const worker::Answer& answer) -> Result<bool> {
    const auto errand = decode<Errand>(answer.request);
    if (!errand) return errand.error();
    const auto reply = decode<GatewayReply>(answer.body);
    if (!reply) return reply.error();
    const bool vague = reply->outcome == GatewayOutcome::captured && !reply->amount;
    if (reply->outcome == GatewayOutcome::unknown || vague) return false;
    GatewayAnswered record;
    record.call = errand->call;
    record.member = errand->owner;
    record.order_id = errand->order;
    record.charge = errand->charge;
    record.money_return = errand->money_return;
    record.outcome = reply->outcome;
    record.amount = reply->amount;
    record.reference = reply->reference;
    record.reason = reply->reason;
    worker::emit(unit, answer.shard, record, correlation_of(record));
    return true;
  });
}

bool PaymentsWorker::wants_tick(worker::Shard shard) const {
  return desk_.wants_tick(shard);
}
void PaymentsWorker::committed() {
  desk_.committed();
}
void PaymentsWorker::rolled_back() {
  desk_.rolled_back();
}

}  // namespace dropline::payments
