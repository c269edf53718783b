#include "unit_batches.hpp"

#include <algorithm>

namespace dropline::ordering {
namespace {

template <class Command, class Targets>
void say_all(worker::Unit& unit, const Targets& targets) {
  constexpr auto kMost = static_cast<std::size_t>(contracts::kMaxBatch);
  for (const auto& [target, orders] : targets) {
    Command command;
    command.drop = target.drop;
    command.member = target.member;
    for (std::size_t from = 0; from < orders.size(); from += kMost) {
      const auto to = std::min(orders.size(), from + kMost);
      command.orders.assign(orders.begin() + static_cast<std::ptrdiff_t>(from),
                            orders.begin() + static_cast<std::ptrdiff_t>(to));
      worker::emit(unit, worker::Shard(target.shard), command);
    }
  }
}

}  // namespace

UnitBatches::Target UnitBatches::target_of(const Order& order) {
  if (order.drop) return {order.shard, order.drop, std::nullopt};
  return {order.shard, std::nullopt, order.key.member};
}

void UnitBatches::settle(const Order& order) {
  settled_[target_of(order)].push_back({order.key.order, order.key.member});
}

void UnitBatches::release(const Order& order, contracts::EndCause cause) {
  released_[target_of(order)].push_back({order.key.order, order.key.member, cause});
}

void UnitBatches::say(worker::Unit& unit) const {
  say_all<contracts::SettleUnits>(unit, settled_);
  say_all<contracts::ReleaseUnits>(unit, released_);
}

}  // namespace dropline::ordering
