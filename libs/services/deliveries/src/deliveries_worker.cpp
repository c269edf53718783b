#include "dropline/deliveries/deliveries_worker.hpp"

#include "dropline/deliveries/deliveries_store.hpp"

namespace dropline::deliveries {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

using Message =
    std::variant<OrderPaid, CloseDelivery, ShipDelivery, CorrectWaybill, DeliverDelivery>;

struct Task {
  const worker::Incoming* incoming;
  Message message;
};

template <class T>
Result<Message> open_as(const worker::Incoming& incoming) {
  auto message = worker::open<T>(incoming);
  if (!message) return message.error();
  return Message(std::move(*message));
}

template <class... Ts>
Result<Message> open_any(const worker::Incoming& incoming, std::variant<Ts...>*) {
  Result<Message> out = error(Errc::unknown_type, "no message for deliveries");
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = open_as<Ts>(incoming), true)) || ...));
  return out;
}

/// Decides each message by its rule and says what came of it.
struct Judge {
  Book& book;
  worker::Unit& unit;
  const worker::Incoming& incoming;

  [[nodiscard]] Timestamp at() const { return incoming.record.append_time; }

  template <class... Ts>
  void say(const std::variant<Ts...>& answer) const {
    std::visit(
        [this]<class T>(const T& message) {
          if constexpr (!std::same_as<T, std::monostate>)
            worker::emit(unit, incoming.shard, message, message.order_id.text(), &incoming);
        },
        answer);
  }

  void operator()(const OrderPaid& order) const { say(open(book, order, at())); }
  void operator()(const CloseDelivery& command) const { say(close(book, command, at())); }
  void operator()(const ShipDelivery& command) const { say(ship(book, command, at())); }
  void operator()(const CorrectWaybill& command) const { say(correct(book, command, at())); }
  void operator()(const DeliverDelivery& command) const { say(deliver(book, command, at())); }
};

}  // namespace

DeliveriesWorker::DeliveriesWorker() {
  spec_.name = "deliveries";
  spec_.anchor = topic::kDeliveriesCommands;
  spec_.patience = worker::kPatience;
  spec_.topics = {worker::reads<CloseDelivery, ShipDelivery, CorrectWaybill, DeliverDelivery>(
                      worker::TopicKind::commands),
                  worker::reads<OrderPaid>(worker::TopicKind::events)};
}

Status DeliveriesWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  std::vector<Task> tasks;
  tasks.reserve(batch.size());
  std::vector<DeliveryKey> wanted;
  wanted.reserve(batch.size());
  for (const auto& incoming : batch) {
    auto message = open_any(incoming, static_cast<Message*>(nullptr));
    if (!message) {
      unit.dead_letter(incoming, message.error().code.message(), message.error().detail);
      continue;
    }
    std::visit([&wanted](const auto& m) { wanted.push_back({m.order_id, m.member}); }, *message);
    tasks.push_back({&incoming, std::move(*message)});
  }
  if (tasks.empty()) return {};
  auto book = load(unit.session(), std::move(wanted));
  if (!book) return book.error();
  for (const auto& task : tasks)
    std::visit(Judge{*book, unit, *task.incoming}, task.message);
  return save(unit.session(), *book);
}

}  // namespace dropline::deliveries
