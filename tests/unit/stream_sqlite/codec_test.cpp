#include <doctest/doctest.h>

#include <array>
#include <memory_resource>
#include <string>

#include "crc32c.hpp"
#include "dropline/base/random.hpp"
#include "record_codec.hpp"

namespace dropline::stream::sqlite {
namespace {

TEST_CASE("the checksum is CRC-32C, by instruction and by table alike") {
  CHECK(crc32c(0, "123456789") == 0xE3069283U);
  CHECK(crc32c(0, "") == 0);
  SeededRandom random(20261121);
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random.below(100), '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(random.below(256));
    const auto cut = random.below(bytes.size() + 1);
    const std::string_view all = bytes;
    CHECK(crc32c(0, all) == crc32c_by_table(0, all));
    CHECK(crc32c(crc32c(0, all.substr(0, cut)), all.substr(cut)) == crc32c(0, all));
  }
}

TEST_CASE("headers come back as they were, null and empty values and repeated names told apart") {
  const std::string long_value(70'000, 'x');
  const std::array<Header, 5> headers{Header{"a", "1"}, Header{"a", std::nullopt}, Header{"b", ""},
                                      Header{"long", long_value},
                                      Header{"bytes", std::string_view("\0\xff", 2)}};
  std::string bytes;
  encode_headers(headers, bytes);
  std::pmr::monotonic_buffer_resource memory;
  const auto decoded = decode_headers(bytes, memory);
  REQUIRE(decoded.has_value());
  CHECK(std::equal(decoded->begin(), decoded->end(), headers.begin(), headers.end()));
}

TEST_CASE("no headers take no bytes") {
  std::string bytes;
  encode_headers({}, bytes);
  CHECK(bytes.empty());
  std::pmr::monotonic_buffer_resource memory;
  REQUIRE(decode_headers(bytes, memory).has_value());
  CHECK(decode_headers(bytes, memory)->empty());
}

TEST_CASE(
    "headers cut short, followed by more, or of any other bytes are refused, never read past") {
  const std::array<Header, 2> headers{Header{"name", "value"}, Header{"other", std::nullopt}};
  std::string whole;
  encode_headers(headers, whole);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    std::pmr::monotonic_buffer_resource memory;
    // A copy of its own, so that a sanitizer sees a step beyond it.
    const std::string cut(whole.data(), size);
    CHECK_FALSE(decode_headers(cut, memory).has_value());
  }
  std::pmr::monotonic_buffer_resource memory;
  CHECK_FALSE(decode_headers(whole + "x", memory).has_value());
  SeededRandom random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(1 + random.below(40), '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(random.below(256));
    static_cast<void>(decode_headers(bytes, memory));
  }
}

TEST_CASE("a change of any part of a row changes its checksum") {
  const Row row{7, 1000, "key", "value", "headers"};
  const auto sum = checksum_of(1, row);
  CHECK(sum == checksum_of(1, row));
  CHECK(sum != checksum_of(2, row));
  CHECK(sum != checksum_of(1, Row{8, 1000, "key", "value", "headers"}));
  CHECK(sum != checksum_of(1, Row{7, 1001, "key", "value", "headers"}));
  CHECK(sum != checksum_of(1, Row{7, 1000, "keyv", "alue", "headers"}));
  CHECK(sum != checksum_of(1, Row{7, 1000, "key", "valueh", "eaders"}));
  CHECK(checksum_of(1, Row{7, 1000, "key", "", ""}) !=
        checksum_of(1, Row{7, 1000, "key", std::nullopt, ""}));
}

}  // namespace
}  // namespace dropline::stream::sqlite
