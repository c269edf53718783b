#include "dropline/stream/partitioner.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace std::string_view_literals;
using dropline::stream::murmur2;
using dropline::stream::partition_of;

TEST_CASE("murmur2 gives the hashes of Kafka's own tests") {
  const auto hash = [](std::string_view key) { return static_cast<std::int32_t>(murmur2(key)); };
  CHECK(hash("21") == -973932308);
  CHECK(hash("foobar") == -790332482);
  CHECK(hash("a-little-bit-long-string") == -985981536);
  CHECK(hash("a-little-bit-longer-string") == -1486304829);
  CHECK(hash("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == -58897971);
  CHECK(hash("abc") == 479470107);
}

TEST_CASE("murmur2 takes bytes as unsigned and reads every one of them") {
  // The lengths 0 to 4 run through every tail; high bytes would differ if sign-extended.
  CHECK(murmur2("") == 275646681U);
  const std::string high = "\xff\xfe\xfd\xfc\xfb\xfa\xf9";
  for (std::size_t length = 0; length < high.size(); ++length) {
    std::string other = high;
    other[length] = '\x7f';
    CHECK(murmur2(high.substr(0, length + 1)) != murmur2(other.substr(0, length + 1)));
  }
  CHECK(murmur2("\0"sv) != murmur2(""sv));
  CHECK(murmur2("\0\0"sv) != murmur2("\0"sv));
}

TEST_CASE("partitions follow the masked hash") {
  // -973932308 & 0x7fffffff = 1173551340; the absolute value would give another partition.
  CHECK(partition_of("21", 16) == 1173551340 % 16);
  CHECK(partition_of("21", 7) == 1173551340 % 7);
  CHECK(partition_of("abc", 1000) == 479470107 % 1000);
  CHECK(partition_of("anything", 1) == 0);
}
