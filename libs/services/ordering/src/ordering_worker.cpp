#include "dropline/ordering/ordering_worker.hpp"

#include "dropline/base/ensure.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/ordering/ordering_store.hpp"
#include "unit_batches.hpp"

namespace dropline::ordering {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

using Message =
    std::variant<StockReserved, StockRefused, PaymentOpened, PaymentCaptured, PaymentDeclined,
                 PaymentClosed, PaymentRefunded, RefundRefused, CouponReserved, CouponDeclined,
                 DeliveryPreparing, DeliveryShipped, DeliveryWaybillCorrected, DeliveryDelivered,
                 DeliveryClosed, CancelOrder, RefundOrder>;

struct Task {
  const worker::Incoming* incoming;
  OrderKey key;
  Message message;
};

/// A command that is about all orders of a drop which wait.
struct Extension {
  const worker::Incoming* incoming;
  ExtendDeadlines command;
};

/// An order that a batch is about.
struct Touched {
  Order* order;
  const worker::Incoming* cause;  ///< the last of the batch
  bool news = false;
  std::vector<OrderChangeRefused> refused;
};

template <class T>
Result<Message> open_as(const worker::Incoming& incoming) {
  auto message = worker::open<T>(incoming);
  if (!message) return message.error();
  return Message(std::move(*message));
}

template <class... Ts>
Result<Message> open_any(const worker::Incoming& incoming, std::variant<Ts...>*) {
  Result<Message> out = error(Errc::unknown_type, "no message for ordering");
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = open_as<Ts>(incoming), true)) || ...));
  return out;
}

OrderKey key_of(const Message& message) {
  return std::visit([](const auto& m) { return OrderKey{m.order_id, m.member}; }, message);
}

Record record_of(const worker::Incoming& incoming) {
  return {message_name(incoming.envelope.source, incoming.envelope.id),
          incoming.record.append_time};
}

void note_one(Touched& touched, const Terms& terms, const Task& task) {
  const auto record = record_of(*task.incoming);
  std::visit(
      [&]<class T>(const T& message) {
        if constexpr (std::same_as<T, CancelOrder> || std::same_as<T, RefundOrder>) {
          auto noted = note(*touched.order, terms, message, record);
          touched.news |= noted.news;
          if (noted.refused) touched.refused.push_back(std::move(*noted.refused));
        } else {
          touched.news |= note(*touched.order, message, record);
        }
      },
      task.message);
  touched.cause = task.incoming;
}

class Speaker final {
 public:
  explicit Speaker(worker::Unit& unit) : unit_(unit) {}

  void tell(const Order& order, const Progress& progress, const worker::Incoming* cause) {
    for (const auto& step : progress.steps)
      std::visit([&](const auto& message) { say(order, message, cause); }, step);
    for (const auto& refused : progress.refused)
      say(order, refused, cause);
    if (progress.close) say(order, *progress.close, cause);
    for (const auto& ask : progress.asks)
      std::visit([&](const auto& message) { say(order, message, cause); }, ask);
    if (progress.settle) units_.settle(order);
    if (progress.release) units_.release(order, *progress.release);
  }
  template <class T>
  void say(const Order& order, const T& message, const worker::Incoming* cause) {
    worker::emit(unit_, worker::Shard(order.shard), message, order.key.order.text(), cause);
  }
  void finish() const { units_.say(unit_); }

 private:
  worker::Unit& unit_;
  UnitBatches units_;
};

/// Notes all of a batch, then takes each of its orders as far as it goes.
void move_on(std::span<const Task> tasks, const Terms& terms, Book& book, Speaker& speaker) {
  std::vector<Touched> touched;
  std::map<OrderKey, std::size_t> places;
  for (const auto& task : tasks) {
    const auto [at, fresh] = places.try_emplace(task.key, touched.size());
    if (fresh) {
      auto& order = book.order(task.key, worker::number(task.incoming->shard));
      touched.push_back({&order, task.incoming, false, {}});
    }
    note_one(touched[at->second], terms, task);
  }
  for (auto& [order, cause, news, refused] : touched) {
    if (news) {
      book.changed.insert(order->key);
      speaker.tell(*order, advance(*order, terms), cause);
    }
    for (auto& refusal : refused) {
      if (order->known) refusal.state = order->state;
      speaker.say(*order, refusal, cause);
    }
  }
}

/// Gives waiting orders more time, those of this batch included.
Status extend_all(const Extension& extension, const Terms& terms, worker::Unit& unit, Book& book,
                  Speaker& speaker) {
  const auto& [incoming, command] = extension;
  const auto shard = worker::number(incoming->shard);
  auto waiting = load_waiting(unit.session(), std::span(&shard, 1), command.drop, command.until);
  if (!waiting) return waiting.error();
  book.orders.merge(waiting->orders);
  for (auto& [key, order] : book.orders) {
    if (order.shard != shard) continue;
    const auto step = extend(order, terms, command, record_of(*incoming));
    if (!step) continue;
    book.changed.insert(key);
    speaker.say(order, *step, incoming);
  }
  return {};
}

}  // namespace

OrderingWorker::OrderingWorker(const Terms& terms) : terms_(terms) {
  ensure(terms.card.count() > 0 && terms.bank.count() > 0 && terms.patience.count() > 0 &&
             terms.returns.count() > 0,
         "an order waits for some time");
  spec_.name = "ordering";
  spec_.anchor = topic::kOrderingCommands;
  spec_.topics = {
      worker::reads<CancelOrder, RefundOrder, ExtendDeadlines>(worker::TopicKind::commands),
      worker::reads<StockReserved, StockRefused>(worker::TopicKind::events),
      worker::reads<CouponReserved, CouponDeclined>(worker::TopicKind::events),
      worker::reads<PaymentOpened, PaymentCaptured, PaymentDeclined, PaymentClosed, PaymentRefunded,
                    RefundRefused>(worker::TopicKind::events),
      worker::reads<DeliveryPreparing, DeliveryShipped, DeliveryWaybillCorrected, DeliveryDelivered,
                    DeliveryClosed>(worker::TopicKind::events)};
  spec_.tick = kSweep;
}

Status OrderingWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  std::vector<Task> tasks;
  tasks.reserve(batch.size());
  std::vector<Extension> extensions;
  std::vector<OrderKey> wanted;
  wanted.reserve(batch.size());
  const auto set_aside = [&unit](const worker::Incoming& incoming, const Error& error) {
    unit.dead_letter(incoming, error.code.message(), error.detail);
  };
  for (const auto& incoming : batch) {
    if (incoming.envelope.type == ExtendDeadlines::kType) {
      auto command = worker::open<ExtendDeadlines>(incoming);
      if (command)
        extensions.push_back({&incoming, std::move(*command)});
      else
        set_aside(incoming, command.error());
      continue;
    }
    auto message = open_any(incoming, static_cast<Message*>(nullptr));
    if (!message) {
      set_aside(incoming, message.error());
      continue;
    }
    const auto key = key_of(*message);
    wanted.push_back(key);
    tasks.push_back({&incoming, key, std::move(*message)});
  }
  if (tasks.empty() && extensions.empty()) return {};
  auto book = load(unit.session(), std::move(wanted));
  if (!book) return book.error();
  Speaker speaker(unit);
  move_on(tasks, terms_, *book, speaker);
  for (const auto& extension : extensions)
    if (auto done = extend_all(extension, terms_, unit, *book, speaker); !done) return done;
  speaker.finish();
  return save(unit.session(), *book);
}

Status OrderingWorker::tick(std::span<const worker::Shard> shards, worker::Unit& unit) {
  std::vector<std::int32_t> numbers;
  for (const auto shard : shards)
    numbers.push_back(worker::number(shard));
  auto book = load_due(unit.session(), numbers, unit.now(), kMaxSweep);
  if (!book) return book.error();
  if (book->orders.empty()) return {};
  Speaker speaker(unit);
  for (auto& [key, order] : book->orders) {
    const auto due = expire(order, unit.now());
    for (const auto& refused : due.refused)
      speaker.say(order, refused, nullptr);
    if (due.reminder) speaker.say(order, *due.reminder, nullptr);
    if (due.completed) speaker.say(order, *due.completed, nullptr);
    if (due.close) speaker.say(order, *due.close, nullptr);
    (due.gone ? book->gone : book->changed).insert(key);
  }
  return save(unit.session(), *book);
}

}  // namespace dropline::ordering
