#include "dropline/payments/payments_worker.hpp"

#include "dropline/payments/payments_store.hpp"

namespace dropline::payments {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

using Message = std::variant<StockReserved, OpenPayment, ClosePayment, RefundPayment, ChargeWallet,
                             GatewayAnswered>;

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

template <class T>
void want(Wanted& wanted, const T& message) {
  if constexpr (std::same_as<T, StockReserved>)
    if (message.coupon) return;
  wanted.wallets.push_back(message.member);
  if constexpr (std::same_as<T, ChargeWallet>) {
    wanted.charges.push_back({message.charge, message.member});
  } else if constexpr (std::same_as<T, GatewayAnswered>) {
    wanted.charges.push_back({*message.charge, message.member});
  } else {
    wanted.payments.push_back({message.order_id, message.member});
  }
  if constexpr (std::same_as<T, RefundPayment>)
    wanted.refunds.push_back({message.refund, message.member});
}

template <class T>
std::string correlation_of(const T& message) {
  if constexpr (requires { message.order_id; })
    return message.order_id.text();
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
  template <class... Ts>
  void say(const std::variant<Ts...>& answer) const {
    std::visit(
        [this]<class T>(const T& message) {
          if constexpr (!std::same_as<T, std::monostate>)
            worker::emit(unit, incoming.shard, message, correlation_of(message), &incoming);
        },
        answer);
  }

  void operator()(const StockReserved& order) const { say(open(book, order, moment())); }
  void operator()(const OpenPayment& command) const { say(open(book, command, moment())); }
  void operator()(const ClosePayment& command) const { say(close(book, terms, command, moment())); }
  void operator()(const RefundPayment& command) const { say(refund(book, command, moment())); }
  void operator()(const ChargeWallet& command) const {
    say(request(book, terms, command, moment()));
  }
  void operator()(const GatewayAnswered& answer) const {
    say(settle(book, terms, answer, moment()));
  }
};

bool about_an_order(const Message& message) {
  const auto* answer = std::get_if<GatewayAnswered>(&message);
  return answer != nullptr && answer->order_id.has_value();
}

}  // namespace

PaymentsWorker::PaymentsWorker(const Terms& terms) : terms_(terms) {
  ensure(terms.minimum_charge.currency == terms.maximum_charge.currency &&
             terms.minimum_charge.minor >= 1 &&
             terms.minimum_charge.minor <= terms.maximum_charge.minor &&
             terms.maximum_charge.minor <= kMaxExact,
         "the least charge is more than nothing and at most the largest, of one currency");
  spec_.name = "payments";
  spec_.anchor = topic::kPaymentsCommands;
  spec_.topics = {
      worker::reads<OpenPayment, ClosePayment, RefundPayment, ChargeWallet, GatewayAnswered>(
          worker::TopicKind::commands),
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
    if (about_an_order(*message)) {
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
  return save(unit.session(), *book);
}

}  // namespace dropline::payments
