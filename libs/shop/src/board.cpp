#include "dropline/shop/board.hpp"

namespace dropline::shop {
namespace {
using contracts::OrderState;

/// Stock's word with the later one laid over it.
OrderNews joined(OrderNews granted, const OrderNews& later) {
  granted.state = later.state;
  granted.reason = later.reason;
  if (later.due_at) granted.due_at = later.due_at;
  if (later.total && !granted.total) granted.total = later.total;
  return granted;
}

}  // namespace

bool decided(OrderState state) {
  return state != OrderState::received && state != OrderState::reserved &&
         state != OrderState::waitlisted;
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
    waiter.callback(nullptr, false);
}

std::optional<Board::Ticket> Board::wait(const OrderId& order, const crypto::Digest& hash,
                                         Clock::Steady until, Callback callback) {
  const std::lock_guard guard(lock_);
  if (waiters_.size() >= kMaxWaiters) return std::nullopt;
  const auto deadline = deadlines_.emplace(until, order);
  const Ticket ticket{++last_ticket_};
  waiters_.emplace(order, Waiter{ticket, hash, deadline, std::move(callback), {}, {}});
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

/// The answer, once there is one.
std::optional<OrderNews> Board::learn(Waiter& waiter, const OrderNews& news) {
  if (!news.body_hash) {
    if (!decided(news.state)) return std::nullopt;
    if (waiter.granted) return joined(*waiter.granted, news);
    waiter.early = news;
    return std::nullopt;
  }
  if (*news.body_hash != waiter.hash) return std::nullopt;
  if (news.conflict || decided(news.state)) return news;
  if (waiter.early) return joined(news, *waiter.early);
  if (!waiter.granted || news.total) waiter.granted = news;
  return std::nullopt;
}

void Board::tell(const OrderNews& news) {
  std::vector<std::pair<Callback, OrderNews>> called;
  {
    const std::lock_guard guard(lock_);
    const auto [from, to] = waiters_.equal_range(news.order);
    for (auto at = from; at != to;) {
      if (auto answer = learn(at->second, news)) {
        called.emplace_back(std::move(at->second.callback), std::move(*answer));
        at = forget(at);
      } else {
        ++at;
      }
    }
  }
  for (auto& [callback, answer] : called)
    callback(&answer, true);
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
    std::vector<std::pair<Callback, std::optional<OrderNews>>> called;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      const auto due = deadlines_.begin();
      auto waiter = waiters_.equal_range(due->second).first;
      while (waiter->second.deadline != due)
        ++waiter;
      called.emplace_back(std::move(waiter->second.callback), std::move(waiter->second.granted));
      forget(waiter);
    }
    guard.unlock();
    for (auto& [callback, known] : called)
      callback(known ? &*known : nullptr, false);
    guard.lock();
  }
}

}  // namespace dropline::shop
