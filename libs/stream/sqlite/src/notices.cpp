#include "notices.hpp"

#include <algorithm>
#include <utility>

namespace dropline::stream::sqlite {

void Waiter::want(const Log& log) {
  const std::lock_guard guard(mutex_);
  if (wanted_.size() <= log.slot) wanted_.resize(log.slot + 1);
  wanted_[log.slot] = true;
}

void Waiter::forget(const Log& log) {
  const std::lock_guard guard(mutex_);
  if (log.slot < wanted_.size()) wanted_[log.slot] = false;
}

void Waiter::arm() {
  const std::lock_guard guard(mutex_);
  news_ = false;
}

bool Waiter::wait_until(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  condition_.wait_until(lock, deadline, [this] { return news_ || woken_; });
  return std::exchange(woken_, false);
}

bool Waiter::take_wake() {
  const std::lock_guard guard(mutex_);
  return std::exchange(woken_, false);
}

void Waiter::wake() {
  const std::lock_guard guard(mutex_);
  woken_ = true;
  condition_.notify_all();
}

void Waiter::tell(std::span<const std::shared_ptr<Log>> changed) {
  const std::lock_guard guard(mutex_);
  if (news_) return;
  const auto wanted = [this](const std::shared_ptr<Log>& log) {
    return log->slot < wanted_.size() && wanted_[log->slot];
  };
  if (!std::any_of(changed.begin(), changed.end(), wanted)) return;
  news_ = true;
  condition_.notify_all();
}

std::shared_ptr<Waiter> Notices::waiter() {
  auto made = std::make_shared<Waiter>();
  const std::lock_guard guard(mutex_);
  std::erase_if(waiters_, [](const auto& waiter) { return waiter.expired(); });
  waiters_.push_back(made);
  return made;
}

void Notices::publish(std::span<const std::shared_ptr<Log>> changed) {
  if (changed.empty()) return;
  const std::lock_guard guard(mutex_);
  for (const auto& each : waiters_) {
    if (const auto waiter = each.lock()) waiter->tell(changed);
  }
}

}  // namespace dropline::stream::sqlite
