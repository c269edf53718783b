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

std::optional<Board::Ticket> Board::wait(const OrderId& order, const crypto::Digest& hash,
                                         Clock::Steady until, Callback callback) {
  const std::lock_guard guard(lock_);
  if (waiters_.size() >= kMaxWaiters) return std::nullopt;
  const auto deadline = deadlines_.emplace(until, order);
  const Ticket ticket{++last_ticket_};
  waiters_.emplace(order, Waiter{ticket, hash, deadline, std::move(callback)});
  if (deadline == deadlines_.begin()) changed_.notify_all();
  return ticket;
}

Board::Waiters::iterator Board::forget(Waiters::iterator waiter) {
  deadlines_.erase(waiter->second.deadline);
  return waiters_.erase(waiter);
}

void Board::cancel(const OrderId& order, Ticket ticket) {
  const std::lock_guard guard(lock_);
  const auto [from, to] = waiters_.equal_range(order);
  for (auto at = from; at != to; ++at)
    if (at->second.ticket == ticket) {
      forget(at);
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
        at = forget(at);
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
      const auto due = deadlines_.begin();
      auto waiter = waiters_.equal_range(due->second).first;
      while (waiter->second.deadline != due)
        ++waiter;
      called.push_back(std::move(waiter->second.callback));
      forget(waiter);
    }
    guard.unlock();
    for (auto& callback : called)
      callback(nullptr);
    guard.lock();
  }
}

}  // namespace dropline::shop
