#include "dropline/shop/board.hpp"

namespace dropline::shop {
namespace {
using contracts::OrderState;
using contracts::PaymentMethod;
}  // namespace

bool decided(OrderState state, PaymentMethod method) {
  switch (state) {
    case OrderState::received:
    case OrderState::waitlisted:
      return false;
    case OrderState::awaiting_payment:
      return method != PaymentMethod::wallet;
    default:
      return true;
  }
}

Board::Board(const Clock& clock) : clock_(clock), watcher_([this] { watch(); }) {}

Board::~Board() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  changed_.notify_all();
  watcher_.join();
  for (auto& [order, waiter] : waiters_)
    waiter.callback(nullptr);
}

bool Board::wait(const OrderId& order, const crypto::Digest& hash, Clock::Steady until,
                 Callback callback) {
  const std::lock_guard guard(lock_);
  if (waiters_.size() >= kMaxWaiters) return false;
  waiters_.emplace(order, Waiter{hash, until, std::move(callback)});
  const bool first = deadlines_.empty() || until < deadlines_.begin()->first;
  deadlines_.emplace(until, order);
  if (first) changed_.notify_all();
  return true;
}

void Board::cancel(const OrderId& order, const crypto::Digest& hash) {
  const std::lock_guard guard(lock_);
  const auto [from, to] = waiters_.equal_range(order);
  for (auto at = from; at != to; ++at)
    if (at->second.hash == hash) {
      waiters_.erase(at);
      return;
    }
}

bool Board::awaited(const OrderId& order) const {
  const std::lock_guard guard(lock_);
  return waiters_.contains(order);
}

void Board::tell(const OrderNews& news) {
  std::vector<Callback> called;
  {
    const std::lock_guard guard(lock_);
    const auto [from, to] = waiters_.equal_range(news.order);
    for (auto at = from; at != to;) {
      const bool meant = !news.body_hash || *news.body_hash == at->second.hash;
      const bool enough = news.conflict || decided(news.state, news.method);
      if (meant && enough) {
        called.push_back(std::move(at->second.callback));
        at = waiters_.erase(at);
      } else {
        ++at;
      }
    }
  }
  for (auto& callback : called)
    callback(&news);
}

std::size_t Board::waiters() const {
  const std::lock_guard guard(lock_);
  return waiters_.size();
}

void Board::watch() {
  std::unique_lock guard(lock_);
  while (!stopping_) {
    if (deadlines_.empty()) {
      changed_.wait(guard);
      continue;
    }
    const auto now = clock_.steady();
    if (deadlines_.begin()->first > now) {
      changed_.wait_for(guard, deadlines_.begin()->first - now);
      continue;
    }
    std::vector<Callback> called;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      const auto [from, to] = waiters_.equal_range(deadlines_.begin()->second);
      for (auto at = from; at != to;) {
        if (at->second.until <= now) {
          called.push_back(std::move(at->second.callback));
          at = waiters_.erase(at);
        } else {
          ++at;
        }
      }
      deadlines_.erase(deadlines_.begin());
    }
    guard.unlock();
    for (auto& callback : called)
      callback(nullptr);
    guard.lock();
  }
}

}  // namespace dropline::shop
