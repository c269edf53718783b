#include "dropline/stock/stock_worker.hpp"

#include "dropline/contracts/body_hash.hpp"

namespace dropline::stock {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

using Command = std::variant<PlaceOrder, OpenDrop, PauseDrop, ResumeDrop, EndDrop, Restock,
                             CorrectStock, PutOffer, ReleaseUnits, SettleUnits>;

struct Task {
  const worker::Incoming* incoming;
  Command command;
};

Placed placed_of(const worker::Incoming& incoming) {
  return {{incoming.record.partition, incoming.record.offset}, incoming.record.append_time};
}

template <class T>
Result<Command> open_as(const worker::Incoming& incoming) {
  auto message = worker::open<T>(incoming);
  if (!message) return message.error();
  if constexpr (std::same_as<T, PlaceOrder>)
    if (auto verified = verify_place_order(*message); !verified) return verified.error();
  return Command(std::move(*message));
}

template <class... Ts>
Result<Command> open_any(const worker::Incoming& incoming, std::variant<Ts...>*) {
  Result<Command> out = error(Errc::unknown_type, "no command of stock");
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = open_as<Ts>(incoming), true)) || ...));
  return out;
}

void want(Wanted& wanted, const PlaceOrder& order) {
  wanted.orders.push_back(order.order_id);
  wanted.members.emplace_back(order.drop, order.member);
  if (order.drop) wanted.drops.push_back(*order.drop);
  for (const auto& line : order.lines)
    wanted.offers.push_back({order.drop, line.sku});
}

template <class T>
void want(Wanted& wanted, const T& command) {
  if constexpr (requires { command.orders; }) {
    for (const auto& order : command.orders)
      wanted.orders.push_back(order.order_id);
  } else {
    wanted.changes.push_back(command.change);
    if constexpr (std::same_as<T, OpenDrop>) {
      wanted.whole_drops.push_back(command.drop);
    } else if constexpr (requires { command.sku; }) {
      if (command.drop) wanted.drops.push_back(*command.drop);
      wanted.offers.push_back({command.drop, command.sku});
    } else {
      wanted.drops.push_back(command.drop);
    }
  }
}

template <class T>
std::string correlation_of(const T& message) {
  if constexpr (requires { message.order_id; })
    return message.order_id.text();
  else
    return {};
}

/// Emits whichever message a decision is.
template <class... Ts>
void answer(worker::Unit& unit, const worker::Incoming& cause,
            const std::variant<Ts...>& decision) {
  std::visit(
      [&]<class T>(const T& message) {
        if constexpr (!std::same_as<T, std::monostate>)
          worker::emit(unit, cause.shard, message, correlation_of(message), &cause);
      },
      decision);
}

struct Judge {
  Book& book;
  worker::Unit& unit;
  const worker::Incoming& incoming;

  void operator()(const PlaceOrder& order) const {
    answer(unit, incoming, judge(book, order, placed_of(incoming)));
  }
  void operator()(const ReleaseUnits& command) const {
    for (const auto& released : release(book, command, placed_of(incoming)))
      worker::emit(unit, incoming.shard, released, released.order_id.text(), &incoming);
  }
  void operator()(const SettleUnits& command) const {
    if (const auto settled = settle(book, command, placed_of(incoming)))
      worker::emit(unit, incoming.shard, *settled, {}, &incoming);
  }
  template <class T>
  void operator()(const T& command) const {
    answer(unit, incoming, change(book, command, placed_of(incoming)));
  }
};

/// A level that was met behind a newer one, by its key.
struct LateLevel {
  const worker::Incoming* incoming;
  std::variant<DropId, OfferKey> of;
};

/// Absent where the key is of no level of ours.
std::optional<LateLevel> late_level(const worker::Incoming& incoming) {
  const auto key = incoming.record.key.value_or(std::string_view());
  const auto slash = key.find('/');
  const auto drop = DropId::parse(key.substr(0, slash));
  if (slash == std::string_view::npos) {
    if (!drop) return std::nullopt;
    return LateLevel{&incoming, *drop};
  }
  const auto sku = Sku::parse(key.substr(slash + 1));
  if (!sku || (!drop && key.substr(0, slash) != "-")) return std::nullopt;
  return LateLevel{&incoming, OfferKey{drop, *sku}};
}

void want(Wanted& wanted, const LateLevel& late) {
  if (const auto* drop = std::get_if<DropId>(&late.of))
    wanted.drops.push_back(*drop);
  else
    wanted.offers.push_back(std::get<OfferKey>(late.of));
}

/// Says the row again where it is newer, and from the shard that met the late copy: that partition
/// is the one where compaction would leave it.
template <class Row>
void say_again(const Row* row, const worker::Incoming& late, worker::Unit& unit,
               worker::StateVersions& met) {
  if (!row) return;
  if (row->version > worker::StateVersions::of(late))
    worker::emit(unit, late.shard, level_of(*row), {}, &late);
  met.settle(late.shard, *late.record.key, row->version);
}

void say_again(Book& book, std::span<const LateLevel> late, worker::Unit& unit,
               worker::StateVersions& met) {
  std::set<std::pair<worker::Shard, std::string_view>> said;
  for (auto each = late.rbegin(); each != late.rend(); ++each) {
    if (!said.emplace(each->incoming->shard, *each->incoming->record.key).second) continue;
    if (const auto* drop = std::get_if<DropId>(&each->of))
      say_again(book.drop(*drop), *each->incoming, unit, met);
    else
      say_again(book.offer(std::get<OfferKey>(each->of)), *each->incoming, unit, met);
  }
}

/// One record for each offer and drop that changed, from the shard that changed it.
void show_levels(const Book& book, worker::Unit& unit) {
  for (const auto& id : book.drops_changed) {
    const auto& drop = book.drops.at(id);
    worker::emit(unit, worker::Shard(drop.shard), level_of(drop));
  }
  for (const auto& key : book.offers_changed) {
    const auto& offer = book.offers.at(key);
    worker::emit(unit, worker::Shard(offer.shard), level_of(offer));
  }
}

}  // namespace

StockWorker::StockWorker() {
  spec_.name = "stock";
  spec_.anchor = topic::kOrdersCommands;
  spec_.topics = {
      worker::reads<PlaceOrder, OpenDrop, PauseDrop, ResumeDrop, EndDrop, Restock, CorrectStock,
                    PutOffer, ReleaseUnits, SettleUnits>(worker::TopicKind::commands),
      worker::reads<OfferLevel, DropLevel>(worker::TopicKind::state)};
  spec_.tick = kHeartbeat;
}

Status StockWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  std::vector<Task> tasks;
  tasks.reserve(batch.size());
  std::vector<LateLevel> late;
  Wanted wanted;
  for (const auto& incoming : batch) {
    if (incoming.envelope.type == OfferLevel::kType || incoming.envelope.type == DropLevel::kType) {
      if (auto level = late_level(incoming)) want(wanted, late.emplace_back(std::move(*level)));
      continue;
    }
    auto command = open_any(incoming, static_cast<Command*>(nullptr));
    if (!command) {
      unit.dead_letter(incoming, command.error().code.message(), command.error().detail);
      continue;
    }
    std::visit([&wanted](const auto& c) { want(wanted, c); }, *command);
    tasks.push_back({&incoming, std::move(*command)});
  }
  if (tasks.empty() && late.empty()) return {};
  auto book = load(unit.session(), std::move(wanted));
  if (!book) return book.error();
  for (const auto& task : tasks)
    std::visit(Judge{*book, unit, *task.incoming}, task.command);
  if (auto saved = save(unit.session(), *book, unit.now()); !saved) return saved;
  show_levels(*book, unit);
  say_again(*book, late, unit, levels_);
  return {};
}

/// A state topic keeps the last copy of a key, and the last may be a stale one of an earlier owner:
/// the new owner says what is in force again.
Status StockWorker::claimed(std::span<const worker::Shard> shards, worker::Unit& unit) {
  levels_.forget(shards);
  std::vector<std::int32_t> numbers;
  for (const auto shard : shards)
    numbers.push_back(worker::number(shard));
  auto book = load_shards(unit.session(), numbers, unit.now() - kRepublish);
  if (!book) return book.error();
  for (const auto& [id, drop] : book->drops)
    worker::emit(unit, worker::Shard(drop.shard), level_of(drop));
  for (const auto& [key, offer] : book->offers)
    worker::emit(unit, worker::Shard(offer.shard), level_of(offer));
  return {};
}

bool StockWorker::heeds(const worker::Incoming& record) {
  return levels_.met(record);
}

Status StockWorker::tick(std::span<const worker::Shard> shards, worker::Unit& unit) {
  for (const auto shard : shards) {
    ShardHeartbeat beat;
    beat.service = spec_.name;
    beat.shard = worker::number(shard);
    beat.at = unit.now();
    beat.position = unit.next_offset(shard, spec_.anchor);
    worker::emit(unit, shard, beat);
  }
  return {};
}

Status StockWorker::reject(const worker::Incoming& incoming, worker::Unit& unit) {
  if (incoming.envelope.type != PlaceOrder::kType) return {};
  auto order = worker::open<PlaceOrder>(incoming);
  if (!order) return {};
  Wanted wanted;
  wanted.orders.push_back(order->order_id);
  auto book = load(unit.session(), std::move(wanted));
  if (!book) return book.error();
  answer(unit, incoming, refuse_for_error(*book, *order, placed_of(incoming)));
  return save(unit.session(), *book, unit.now());
}

}  // namespace dropline::stock
