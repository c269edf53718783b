#include "dropline/base/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

using namespace dropline;

TEST_CASE("a seed repeats itself, and gives splitmix64's published numbers") {
  SeededRandom random(1234567);
  CHECK(random.next() == 6457827717110365317ULL);
  CHECK(random.next() == 3203168211198807973ULL);
  SeededRandom again(1234567);
  CHECK(again.next() == 6457827717110365317ULL);
}

TEST_CASE("filling any length fills all of it") {
  SeededRandom seeded(3);
  SystemRandom system;
  for (Random* random : std::array<Random*, 2>{&seeded, &system}) {
    for (const std::size_t length : {0, 1, 7, 8, 9, 31, 1000}) {
      // A byte that is still zero after 16 fills was not filled.
      std::vector<std::uint8_t> seen(length);
      for (int i = 0; i < 16; ++i) {
        std::vector<std::uint8_t> bytes(length);
        random->fill(bytes);
        for (std::size_t at = 0; at < length; ++at)
          seen[at] |= bytes[at];
      }
      CHECK(std::count(seen.begin(), seen.end(), 0) == 0);
    }
  }
}

TEST_CASE("below() stays below and favours nobody") {
  SeededRandom random(11);
  CHECK(random.below(1) == 0);
  constexpr int kDraws = 60'000;
  std::array<int, 6> counts{};
  for (int i = 0; i < kDraws; ++i)
    ++counts[random.below(counts.size())];
  for (const int count : counts) {
    CHECK(count > kDraws / 6 - 500);
    CHECK(count < kDraws / 6 + 500);
  }
  for (int i = 0; i < 100; ++i)
    CHECK(random.below(UINT64_MAX) < UINT64_MAX);
}

TEST_CASE("uuid4 has its version and variant and does not repeat") {
  SystemRandom random;
  std::set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const auto id = random.uuid4();
    REQUIRE(id.version() == 4);
    REQUIRE((id.bytes[8] & 0xC0) == 0x80);
    seen.insert(id);
  }
  CHECK(seen.size() == 1000);
}

TEST_CASE("uuid7 carries its time and sorts by it") {
  SeededRandom random(5);
  Uuid last;
  for (std::int64_t ms = 1'700'000'000'000; ms < 1'700'000'000'100; ++ms) {
    const auto id = random.uuid7(from_unix_ms(ms));
    REQUIRE(id.version() == 7);
    REQUIRE((id.bytes[8] & 0xC0) == 0x80);
    REQUIRE(id.unix_ms() == static_cast<std::uint64_t>(ms));
    REQUIRE(last < id);
    last = id;
  }
}
