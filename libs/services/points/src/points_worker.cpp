#include "dropline/points/points_worker.hpp"

#include <variant>

#include "dropline/base/ensure.hpp"
#include "dropline/points/points_store.hpp"

namespace dropline::points {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

using Message = std::variant<OrderPaid, OrderCancelled, OrderPartlyRefunded, OrderRefunded>;

struct Task {
  const worker::Incoming* incoming;
  Message message;
};

template <class... Ts>
Result<Message> open_any(const worker::Incoming& incoming, std::variant<Ts...>*) {
  Result<Message> out = error(Errc::unknown_type, "no message for points");
  const auto open_as = [&]<class T>(std::type_identity<T>) -> Result<Message> {
    auto message = worker::open<T>(incoming);
    if (!message) return message.error();
    return Message(std::move(*message));
  };
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = open_as(std::type_identity<Ts>{}), true)) ||
       ...));
  return out;
}

template <class T>
void say(worker::Unit& unit, const worker::Incoming& cause, const Entry& entry) {
  T event;
  event.order_id = entry.order;
  event.member = entry.member;
  event.points = entry.points < 0 ? -entry.points : entry.points;
  event.balance = entry.balance;
  event.at = entry.at;
  worker::emit(unit, cause.shard, event, entry.order.text(), &cause);
}

void tell(worker::Unit& unit, const worker::Incoming& cause, const Book& book, std::size_t from) {
  for (auto i = from; i < book.entries.size(); ++i) {
    const auto& entry = book.entries[i];
    if (entry.points > 0) say<PointsAccrued>(unit, cause, entry);
    if (entry.points < 0) say<PointsReversed>(unit, cause, entry);
  }
}

}  // namespace

PointsWorker::PointsWorker(const Terms& terms) : terms_(terms) {
  ensure(terms.rate >= 0 && terms.rate <= kMaxRate, "points.rate is within its bounds");
  spec_.name = "points";
  spec_.anchor = topic::kOrdersEvents;
  spec_.patience = worker::kPatience;
  spec_.topics = {worker::reads<OrderPaid, OrderCancelled, OrderPartlyRefunded, OrderRefunded>(
      worker::TopicKind::events)};
}

Status PointsWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  std::vector<Task> tasks;
  tasks.reserve(batch.size());
  std::vector<OrderKey> wanted;
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
  for (const auto& task : tasks) {
    const auto at = task.incoming->record.append_time;
    const auto from = std::visit(
        [&]<class T>(const T& message) {
          if constexpr (std::same_as<T, OrderPaid>)
            return accrue(*book, terms_, message, at);
          else
            return reverse(*book, message, at);
        },
        task.message);
    tell(unit, *task.incoming, *book, from);
  }
  return save(unit.session(), *book);
}

}  // namespace dropline::points
