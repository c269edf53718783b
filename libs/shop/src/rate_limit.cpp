#include "dropline/shop/rate_limit.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace dropline::shop {

using Seconds = std::chrono::duration<double>;

RateLimit::RateLimit(RateRule rule, const Clock& clock) : rule_(std::move(rule)), clock_(clock) {}

double RateLimit::level(const Bucket& bucket, Clock::Steady now) const {
  const auto refilled = Seconds(now - bucket.at).count() * static_cast<double>(rule_.rate);
  return std::min(bucket.level + refilled, static_cast<double>(rule_.burst));
}

void RateLimit::make_room(Shelf& shelf, Clock::Steady now) const {
  if (shelf.buckets.size() < kMaxCallers / kShelves) return;
  const auto full = static_cast<double>(rule_.burst);
  std::erase_if(shelf.buckets, [&](const auto& each) { return level(each.second, now) >= full; });
  // Everybody is in the middle of a burst: forgetting gives some callers a burst more.
  if (shelf.buckets.size() >= kMaxCallers / kShelves) shelf.buckets.clear();
}

RateLimit::Shelf& RateLimit::shelf_of(std::string_view caller) {
  return shelves_[std::hash<std::string_view>{}(caller) % kShelves];
}

http::RateLimitState RateLimit::state_at(double level) const {
  const auto seconds = [this](double requests) {
    return std::chrono::seconds(
        static_cast<std::int64_t>(std::ceil(requests / static_cast<double>(rule_.rate))));
  };
  http::RateLimitState state;
  state.policy = rule_.policy;
  state.limit = rule_.burst;
  state.window = seconds(static_cast<double>(rule_.burst));
  state.remaining = static_cast<std::int64_t>(level);
  state.reset = seconds(static_cast<double>(rule_.burst) - level);
  return state;
}

RateLimit::Verdict RateLimit::ask(std::string_view caller) {
  if (!active()) return {};
  auto& shelf = shelf_of(caller);
  const auto now = clock_.steady();
  const std::lock_guard guard(shelf.lock);
  auto found = shelf.buckets.find(std::string(caller));
  if (found == shelf.buckets.end()) {
    make_room(shelf, now);
    const Bucket full{static_cast<double>(rule_.burst), now};
    found = shelf.buckets.emplace(std::string(caller), full).first;
  }
  auto& bucket = found->second;
  bucket.level = level(bucket, now);
  bucket.at = now;
  Verdict verdict;
  verdict.allowed = bucket.level >= 1;
  if (verdict.allowed) {
    bucket.level -= 1;
  } else {
    verdict.retry_after = std::chrono::ceil<std::chrono::milliseconds>(
        Seconds((1 - bucket.level) / static_cast<double>(rule_.rate)));
  }
  verdict.state = state_at(bucket.level);
  return verdict;
}

http::RateLimitState RateLimit::standing(std::string_view caller) {
  auto& shelf = shelf_of(caller);
  const std::lock_guard guard(shelf.lock);
  const auto found = shelf.buckets.find(std::string(caller));
  if (found == shelf.buckets.end()) return state_at(static_cast<double>(rule_.burst));
  return state_at(level(found->second, clock_.steady()));
}

}  // namespace dropline::shop
