#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dropline/base/clock.hpp"
#include "dropline/http/problem.hpp"

namespace dropline::shop {

struct RateRule {
  std::string policy;      ///< its name in the headers: "member"
  std::int64_t rate = 0;   ///< requests a second in the long run; 0: no limit
  std::int64_t burst = 0;  ///< at once; at least `rate`
};

/// How often each caller may ask: a bucket that holds `burst` and refills at `rate`. Any thread.
/// Remembers at most kMaxCallers; full buckets are forgotten first, since a new one is full too.
class RateLimit final {
 public:
  static constexpr std::size_t kMaxCallers = 200'000;

  RateLimit(RateRule rule, const Clock& clock);

  [[nodiscard]] bool active() const noexcept { return rule_.rate > 0; }

  struct Verdict {
    bool allowed = true;
    http::RateLimitState state;
    std::chrono::milliseconds retry_after{0};
  };
  /// Takes one from the caller's bucket.
  [[nodiscard]] Verdict ask(std::string_view caller);
  /// How the caller stands, without taking one.
  [[nodiscard]] http::RateLimitState standing(std::string_view caller);

 private:
  static constexpr std::size_t kShelves = 16;
  struct Bucket {
    double level = 0;
    Clock::Steady at;
  };
  struct Shelf {
    std::mutex lock;
    std::unordered_map<std::string, Bucket> buckets;
  };
  void make_room(Shelf& shelf, Clock::Steady now) const;
  [[nodiscard]] double level(const Bucket& bucket, Clock::Steady now) const;
  [[nodiscard]] Shelf& shelf_of(std::string_view caller);
  [[nodiscard]] http::RateLimitState state_at(double level) const;

  const RateRule rule_;
  const Clock& clock_;
  std::array<Shelf, kShelves> shelves_;
};

}  // namespace dropline::shop
