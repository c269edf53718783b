#include "dropline/shop/rate_limit.hpp"

#include <doctest/doctest.h>

#include "dropline/base/random.hpp"

using namespace dropline;
using namespace dropline::shop;
using namespace std::chrono_literals;

TEST_CASE("a caller may ask a burst at once, then as fast as the bucket refills") {
  ManualClock clock;
  RateLimit limit({"member", 2, 5}, clock);
  for (int i = 0; i < 5; ++i)
    CHECK(limit.ask("a").allowed);
  const auto refused = limit.ask("a");
  CHECK_FALSE(refused.allowed);
  CHECK(refused.retry_after == 500ms);
  CHECK(refused.state.policy == "member");
  CHECK(refused.state.limit == 5);
  CHECK(refused.state.remaining == 0);
  CHECK(refused.state.reset == 3s);
  CHECK(limit.ask("b").allowed);
  clock.advance(500ms);
  CHECK(limit.ask("a").allowed);
  CHECK_FALSE(limit.ask("a").allowed);
  clock.advance(1h);
  CHECK(limit.standing("a").remaining == 5);
}

TEST_CASE("without a rate everybody may ask") {
  ManualClock clock;
  RateLimit limit({"member", 0, 0}, clock);
  CHECK_FALSE(limit.active());
  for (int i = 0; i < 1'000; ++i)
    CHECK(limit.ask("a").allowed);
}

TEST_CASE("callers without number do not grow what is remembered without bound") {
  ManualClock clock;
  RateLimit limit({"address", 1, 2}, clock);
  SeededRandom random(1);
  for (std::size_t i = 0; i < 2 * RateLimit::kMaxCallers; ++i)
    CHECK(limit.ask(random.uuid4().text()).allowed);
}
