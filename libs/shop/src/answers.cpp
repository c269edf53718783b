#include "dropline/shop/answers.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "dropline/contracts/catalog_events.hpp"
#include "dropline/contracts/coupons_events.hpp"
#include "dropline/contracts/deliveries_events.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/stock_events.hpp"

namespace dropline::shop {
namespace {

template <class T>
inline constexpr bool kIsRefusal =
    std::same_as<T, contracts::CatalogChangeRefused> ||
    std::same_as<T, contracts::DropChangeRefused> ||
    std::same_as<T, contracts::DeliveryChangeRefused> ||
    std::same_as<T, contracts::CampaignChangeRefused> || std::same_as<T, contracts::CouponRefused>;

}  // namespace

Answers::Answers(const Clock& clock) : clock_(clock), watcher_([this] { watch(); }) {}

Answers::~Answers() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
  }
  changed_.notify_all();
  watcher_.join();
  for (auto& [change, waiter] : waiters_)
    waiter.callback(nullptr);
}

bool Answers::wait(const contracts::ChangeId& change, Clock::Steady until, Callback callback) {
  {
    const std::lock_guard guard(lock_);
    if (waiters_.size() >= kMaxWaiters) return false;
    waiters_.emplace(change, Waiter{until, std::move(callback)});
  }
  changed_.notify_all();
  return true;
}

void Answers::cancel(const contracts::ChangeId& change) {
  const std::lock_guard guard(lock_);
  waiters_.erase(change);
}

void Answers::take(const stream::Record& record) {
  {
    const std::lock_guard guard(lock_);
    if (waiters_.empty()) return;
  }
  const auto envelope = contracts::parse_envelope(record);
  if (!envelope) return;
  using namespace contracts;  // NOLINT: the answers are all this is about
  const auto told = decode_any<CatalogChanged, CatalogChangeRefused, DropOpened, DropPaused,
                               DropResumed, DropEnded, OfferPut, StockRestocked, StockCorrected,
                               DropChangeRefused, DeliveryShipped, DeliveryWaybillCorrected,
                               DeliveryDelivered, DeliveryChangeRefused, CampaignChanged,
                               CampaignChangeRefused, CouponIssued, CouponRefused>(*envelope);
  if (!told) return;
  std::visit(
      [this]<class T>(const T& event) {
        ChangeAnswer answer;
        if constexpr (kIsRefusal<T>) answer = {true, std::string(to_text(event.reason))};
        if constexpr (std::same_as<T, CouponIssued> || std::same_as<T, CouponRefused>)
          tell_all(event.coupon, answer);
        if constexpr (requires { *event.change; }) {
          if (event.change) tell(*event.change, answer);
        } else {
          tell(event.change, answer);
        }
      },
      *told);
}

bool Answers::wait_for(const CouponId& coupon, const contracts::ChangeId& ticket,
                       Clock::Steady until, Callback callback) {
  {
    const std::lock_guard guard(lock_);
    if (waiters_.size() >= kMaxWaiters) return false;
    waiters_.emplace(ticket, Waiter{until, std::move(callback)});
    tickets_.emplace(coupon, ticket);
  }
  changed_.notify_all();
  return true;
}

void Answers::tell_all(const CouponId& coupon, const ChangeAnswer& answer) {
  std::vector<contracts::ChangeId> tickets;
  {
    const std::lock_guard guard(lock_);
    const auto [from, to] = tickets_.equal_range(coupon);
    for (auto at = from; at != to; ++at)
      tickets.push_back(at->second);
    tickets_.erase(from, to);
  }
  for (const auto& ticket : tickets)
    tell(ticket, answer);
}

void Answers::tell(const contracts::ChangeId& change, const ChangeAnswer& answer) {
  Callback callback;
  {
    const std::lock_guard guard(lock_);
    auto found = waiters_.extract(change);
    if (!found) return;
    callback = std::move(found.mapped().callback);
  }
  callback(&answer);
}

void Answers::watch() {
  std::unique_lock guard(lock_);
  while (!stopping_) {
    if (waiters_.empty()) {
      changed_.wait(guard);
      continue;
    }
    const auto now = clock_.steady();
    auto next = Clock::Steady::max();
    std::vector<Callback> called;
    for (auto at = waiters_.begin(); at != waiters_.end();) {
      if (at->second.until > now) {
        next = std::min(next, at->second.until);
        ++at;
        continue;
      }
      called.push_back(std::move(at->second.callback));
      at = waiters_.erase(at);
    }
    std::erase_if(tickets_,
                  [this](const auto& ticket) { return !waiters_.contains(ticket.second); });
    if (called.empty()) {
      changed_.wait_for(guard, next - now);
      continue;
    }
    guard.unlock();
    for (auto& callback : called)
      callback(nullptr);
    guard.lock();
  }
}

}  // namespace dropline::shop
