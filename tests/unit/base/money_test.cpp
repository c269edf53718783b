#include "dropline/base/money.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace dropline;

namespace {

constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
const Currency kUsd = *Currency::parse("USD");

}  // namespace

TEST_CASE("a currency is three capital letters and nothing else") {
  CHECK(Currency::parse("KRW")->text() == "KRW");
  CHECK(Currency() == *Currency::parse("KRW"));
  for (const char* text : {"", "KR", "KRWW", "krw", "K1W", "K W", "₩"}) {
    CAPTURE(text);
    CHECK_FALSE(Currency::parse(text));
  }
}

TEST_CASE("minor digits follow ISO 4217") {
  CHECK(Currency::parse("KRW")->minor_digits() == 0);
  CHECK(Currency::parse("JPY")->minor_digits() == 0);
  CHECK(kUsd.minor_digits() == 2);
  CHECK(Currency::parse("KWD")->minor_digits() == 3);
}

TEST_CASE("sums, differences and products are exact") {
  CHECK(Money{1000, {}}.plus(Money{-250, {}}) == Money{750, {}});
  CHECK(Money{1000, {}}.minus(Money{1250, {}}) == Money{-250, {}});
  CHECK(Money{89'000, {}}.times(3) == Money{267'000, {}});
  CHECK(Money{89'000, {}}.times(0) == Money{0, {}});
  CHECK(Money{kMax, {}}.plus(Money{kMin, {}}) == Money{-1, {}});
}

TEST_CASE("what overflows is no amount") {
  CHECK_FALSE(Money{kMax, {}}.plus(Money{1, {}}));
  CHECK_FALSE(Money{kMin, {}}.plus(Money{-1, {}}));
  CHECK_FALSE(Money{kMin, {}}.minus(Money{1, {}}));
  CHECK_FALSE(Money{0, {}}.minus(Money{kMin, {}}));
  CHECK_FALSE(Money{kMax / 2 + 1, {}}.times(2));
  CHECK_FALSE(Money{kMin, {}}.times(-1));
}

TEST_CASE("currencies do not mix") {
  CHECK_FALSE(Money{1, {}}.plus(Money{1, kUsd}));
  CHECK_FALSE(Money{1, {}}.minus(Money{1, kUsd}));
  CHECK(Money{1, {}} != Money{1, kUsd});
  CHECK(Money{1, kUsd}.plus(Money{1, kUsd}) == Money{2, kUsd});
}
