#include "lookup.hpp"

#include <unordered_set>

#include "dropline/stock/stock_queries.hpp"

namespace dropline::shop {

bool Lookup::ask(const OrderId& order, Told told) {
  {
    const std::lock_guard guard(lock_);
    if (waiting_.size() >= kMaxWaiting) return false;
    waiting_.push_back({order, std::move(told)});
    if (reading_) return true;
    reading_ = true;
  }
  if (reads_.submit([this](Result<store::Session*> session) { read(std::move(session)); }))
    return true;
  // Others may have joined meanwhile: all are told that it could not be found out.
  for (auto batch = next(); !batch.empty(); batch = next())
    for (auto& each : batch)
      each.told(std::nullopt);
  return true;
}

std::vector<Lookup::Question> Lookup::next() {
  const std::lock_guard guard(lock_);
  std::vector<Question> batch;
  if (waiting_.size() <= kMaxBatch) {
    batch.swap(waiting_);
  } else {
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(kMaxBatch);
    batch.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
  }
  if (batch.empty()) reading_ = false;
  return batch;
}

void Lookup::read(Result<store::Session*> session) {
  for (auto batch = next(); !batch.empty(); batch = next()) {
    std::vector<OrderId> ids;
    ids.reserve(batch.size());
    for (const auto& each : batch)
      ids.push_back(each.order);
    auto found = session ? stock::known_orders(**session, ids)
                         : Result<std::vector<OrderId>>(session.error());
    if (!found) {
      for (auto& each : batch)
        each.told(std::nullopt);
      continue;
    }
    const std::unordered_set<OrderId> known(found->begin(), found->end());
    for (auto& each : batch)
      each.told(known.contains(each.order));
  }
}

}  // namespace dropline::shop
