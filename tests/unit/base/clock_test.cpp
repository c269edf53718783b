#include "dropline/base/clock.hpp"

#include <doctest/doctest.h>

using namespace dropline;
using namespace std::chrono_literals;

TEST_CASE("the system clock tells a time of this century and its steady time never goes back") {
  const SystemClock clock;
  CHECK(clock.now() > from_unix_ms(1'700'000'000'000));
  CHECK(clock.now() < from_unix_ms(4'102'444'800'000));
  auto last = clock.steady();
  for (int i = 0; i < 1000; ++i) {
    const auto now = clock.steady();
    REQUIRE(now >= last);
    last = now;
  }
}

TEST_CASE("a manual clock stands still until it is moved") {
  ManualClock clock(from_unix_ms(1'000));
  CHECK(clock.now() == from_unix_ms(1'000));
  CHECK(clock.now() == from_unix_ms(1'000));
  const auto steady = clock.steady();
  clock.advance(1500us);
  CHECK(unix_us(clock.now()) == 1'001'500);
  CHECK(clock.steady() - steady == 1500us);
}

TEST_CASE("a jump moves the wall clock alone, also back") {
  ManualClock clock(from_unix_ms(10'000));
  const auto steady = clock.steady();
  clock.jump(-5s);
  CHECK(clock.now() == from_unix_ms(5'000));
  CHECK(clock.steady() == steady);
}
