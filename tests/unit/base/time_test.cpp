#include "dropline/base/time.hpp"

#include <doctest/doctest.h>

#include "dropline/base/random.hpp"

using namespace dropline;

TEST_CASE("times are written in UTC with no more digits than they need") {
  CHECK(rfc3339(from_unix_us(0)) == "1970-01-01T00:00:00Z");
  CHECK(rfc3339(from_unix_ms(1'772'355'600'000)) == "2026-03-01T09:00:00Z");
  CHECK(rfc3339(from_unix_ms(1'772'355'600'042)) == "2026-03-01T09:00:00.042Z");
  CHECK(rfc3339(from_unix_us(1'772'355'600'042'007)) == "2026-03-01T09:00:00.042007Z");
  CHECK(rfc3339(from_unix_us(1'772'355'600'000'001)) == "2026-03-01T09:00:00.000001Z");
  CHECK(rfc3339(from_unix_us(-1)) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("writing without allocating gives the same text") {
  SeededRandom random(9);
  for (int i = 0; i < 1000; ++i) {
    const auto at = from_unix_us(static_cast<std::int64_t>(random.below(7'000'000'000'000'000)));
    char text[kRfc3339Length];
    const auto length = write_rfc3339(at, text);
    CHECK(std::string_view(text, length) == rfc3339(at));
  }
}

TEST_CASE("what is written is read back") {
  SeededRandom random(2);
  for (int i = 0; i < 1000; ++i) {
    const auto at = from_unix_us(static_cast<std::int64_t>(random.below(7'000'000'000'000'000)));
    CHECK(parse_rfc3339(rfc3339(at)) == at);
  }
}

TEST_CASE("offsets, fractions and lower case are read") {
  const auto nine = from_unix_ms(1'772'355'600'000);
  CHECK(parse_rfc3339("2026-03-01T09:00:00Z") == nine);
  CHECK(parse_rfc3339("2026-03-01t09:00:00z") == nine);
  CHECK(parse_rfc3339("2026-03-01T18:00:00+09:00") == nine);
  CHECK(parse_rfc3339("2026-02-28T23:30:00-09:30") == nine);
  CHECK(parse_rfc3339("2026-03-01T09:00:00.5Z") == nine + std::chrono::milliseconds(500));
  CHECK(parse_rfc3339("2026-03-01T09:00:00.123456789Z") ==
        nine + std::chrono::microseconds(123456));
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z"));
}

TEST_CASE("anything else is no time") {
  for (const char* text : {"",
                           "2026",
                           "2026-03-01",
                           "2026-03-01T09:00:00",
                           "2026-03-01 09:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-13-01T00:00:00Z",
                           "2026-00-01T00:00:00Z",
                           "2026-03-32T00:00:00Z",
                           "2026-03-01T24:00:00Z",
                           "2026-03-01T00:60:00Z",
                           "2026-03-01T23:59:60Z",
                           "2026-03-01T09:00:00.Z",
                           "2026-03-01T09:00:00.1234567890Z",
                           "2026-03-01T09:00:00+0900",
                           "2026-03-01T09:00:00+24:00",
                           "2026-03-01T09:00:00Zx",
                           "1969-12-31T23:59:59Z",
                           "2201-01-01T00:00:00Z",
                           "+2026-03-01T09:00:00Z",
                           "2026-3-1T09:00:00Z",
                           "99999-03-01T09:00:00Z",
                           "2026-03-01T-9:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text));
  }
}

TEST_CASE("an offset does not carry a time beyond the years that can be read again") {
  CHECK_FALSE(parse_rfc3339("1970-01-01T00:00:00+09:00"));
  CHECK(parse_rfc3339("1970-01-01T09:00:00+09:00") == from_unix_us(0));
  CHECK_FALSE(parse_rfc3339("2200-12-31T23:59:59-00:01"));
}

TEST_CASE("milliseconds and microseconds convert, downwards also before 1970") {
  CHECK(unix_ms(from_unix_us(1'999)) == 1);
  CHECK(unix_ms(from_unix_us(-1)) == -1);
  CHECK(unix_us(from_unix_ms(-5)) == -5'000);
}
