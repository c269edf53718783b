#include "dropline/catalog/catalog_worker.hpp"

#include "dropline/catalog/catalog_store.hpp"

namespace dropline::catalog {
namespace {

using namespace contracts;  // NOLINT: the messages are all this file is about

using Command = std::variant<PutProduct, RetireProduct, ScheduleDrop>;

struct Task {
  const worker::Incoming* incoming;
  Command command;
};

template <class T>
Result<Command> open_as(const worker::Incoming& incoming) {
  auto message = worker::open<T>(incoming);
  if (!message) return message.error();
  return Command(std::move(*message));
}

template <class... Ts>
Result<Command> open_any(const worker::Incoming& incoming, std::variant<Ts...>*) {
  Result<Command> out = error(Errc::unknown_type, "no command of catalog");
  static_cast<void>(
      ((incoming.envelope.type == Ts::kType && (out = open_as<Ts>(incoming), true)) || ...));
  return out;
}

void want(Wanted& wanted, const PutProduct& command) {
  wanted.changes.push_back({command.change, command.product.uuid()});
  wanted.products.push_back(command.product);
  for (const auto& option : command.options)
    wanted.skus.push_back(option.sku);
}
void want(Wanted& wanted, const RetireProduct& command) {
  wanted.changes.push_back({command.change, command.product.uuid()});
  wanted.products.push_back(command.product);
}
void want(Wanted& wanted, const ScheduleDrop& command) {
  wanted.changes.push_back({command.change, command.drop.uuid()});
  wanted.drops.push_back(command.drop);
  for (const auto& offer : command.terms.offers)
    wanted.products.push_back(offer.product);
}

/// Answers, and proposes to stock: both in the order of the commands.
void say(worker::Unit& unit, const worker::Incoming& cause, const Decision& decision) {
  std::visit([&](const auto& answer) { worker::emit(unit, cause.shard, answer, {}, &cause); },
             decision.answer);
  if (decision.proposal) worker::emit(unit, cause.shard, *decision.proposal, {}, &cause);
  for (const auto& offer : decision.offers)
    worker::emit(unit, cause.shard, offer, {}, &cause);
}

/// What is in force of every product and drop that changed, once a batch.
void show(const Book& book, worker::Unit& unit) {
  for (const auto& id : book.products_changed) {
    const auto& product = book.products.at(id);
    worker::emit(unit, worker::Shard(product.shard), product.state);
  }
  for (const auto& id : book.drops_changed) {
    const auto& drop = book.drops.at(id);
    worker::emit(unit, worker::Shard(drop.shard), drop.listing);
  }
}

bool is_state(const worker::Incoming& incoming) {
  return incoming.envelope.type == ProductState::kType ||
         incoming.envelope.type == DropListing::kType;
}

/// Says the row again where a copy came late behind it.
template <class State>
void say_again(const State& row, const worker::Incoming& late, worker::Unit& unit,
               worker::StateVersions& met) {
  if (row.version > worker::StateVersions::of(late)) worker::emit(unit, late.shard, row, {}, &late);
  met.settle(late.shard, *late.record.key, row.version);
}

void say_again(const Book& book, std::span<const worker::Incoming* const> late, worker::Unit& unit,
               worker::StateVersions& met) {
  std::set<std::pair<worker::Shard, std::string_view>> said;
  for (auto each = late.rbegin(); each != late.rend(); ++each) {
    const auto& incoming = **each;
    const auto key = *incoming.record.key;
    if (!said.emplace(incoming.shard, key).second) continue;
    if (incoming.envelope.type == ProductState::kType) {
      if (const auto* product = book.product(*ProductId::parse(key)))
        say_again(product->state, incoming, unit, met);
    } else if (const auto* drop = book.drop(*DropId::parse(key))) {
      say_again(drop->listing, incoming, unit, met);
    }
  }
}

/// False where the key is of nothing of ours.
bool want_late(Wanted& wanted, const worker::Incoming& late) {
  const auto id = Uuid::parse(late.record.key.value_or(std::string_view()));
  if (!id) return false;
  if (late.envelope.type == ProductState::kType)
    wanted.products.emplace_back(*id);
  else
    wanted.drops.emplace_back(*id);
  return true;
}

}  // namespace

CatalogWorker::CatalogWorker() {
  spec_.name = "catalog";
  spec_.anchor = topic::kCatalogCommands;
  spec_.topics = {
      worker::reads<PutProduct, RetireProduct, ScheduleDrop>(worker::TopicKind::commands),
      worker::reads<ProductState, DropListing>(worker::TopicKind::state)};
}

Status CatalogWorker::apply(std::span<const worker::Incoming> batch, worker::Unit& unit) {
  std::vector<Task> tasks;
  tasks.reserve(batch.size());
  std::vector<const worker::Incoming*> late;
  Wanted wanted;
  for (const auto& incoming : batch) {
    if (is_state(incoming)) {
      if (want_late(wanted, incoming)) late.push_back(&incoming);
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
  for (const auto& task : tasks) {
    const Placed placed{worker::number(task.incoming->shard), task.incoming->record.append_time};
    const auto decision =
        std::visit([&](const auto& c) { return decide(*book, c, placed); }, task.command);
    say(unit, *task.incoming, decision);
  }
  if (auto saved = save(unit.session(), *book, unit.now()); !saved) return saved;
  show(*book, unit);
  say_again(*book, late, unit, told_);
  return {};
}

/// A state topic keeps the last copy of a key, and the last may be a stale one of an earlier owner:
/// the new owner says what is in force again.
Status CatalogWorker::claimed(std::span<const worker::Shard> shards, worker::Unit& unit) {
  told_.forget(shards);
  std::vector<std::int32_t> numbers;
  for (const auto shard : shards)
    numbers.push_back(worker::number(shard));
  auto book = load_shards(unit.session(), numbers, unit.now() - kRepublish);
  if (!book) return book.error();
  for (const auto& [id, product] : book->products)
    worker::emit(unit, worker::Shard(product.shard), product.state);
  for (const auto& [id, drop] : book->drops)
    worker::emit(unit, worker::Shard(drop.shard), drop.listing);
  return {};
}

bool CatalogWorker::heeds(const worker::Incoming& record) {
  return told_.met(record);
}

}  // namespace dropline::catalog
