#include "dropline/deliveries/carriers.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace dropline::deliveries;

TEST_CASE("a waybill number is kept without what people write between its digits") {
  CHECK(waybill_of("cj", "6890-1234-5678") == "689012345678");
  CHECK(waybill_of("cj", " 6890 123 456 ") == "6890123456");
  CHECK(waybill_of("epost", "eg123456789kr") == "EG123456789KR");
  CHECK(waybill_of("ups", "1z999aa10123456784") == "1Z999AA10123456784");
  CHECK(waybill_of("rider-kim", "a-17 b9") == "A17B9");
}

TEST_CASE("a number that the carrier cannot have given out is none") {
  for (const auto& [carrier, number] : {
           std::pair{"cj", "68901234567"},
           {"cj", "6890123456789"},
           {"cj", "68901234567A"},
           {"cj", ""},
           {"epost", "E1123456789KR"},
           {"epost", "123456789012"},
           {"ups", "2Z999AA10123456784"},
           {"dhl", "12345678901"},
           {"rider-kim", "123"},
           {"rider-kim", "12345678901234567890123456789012345678901"},
           {"rider-kim", "1234;5"},
           {"rider-kim", "12\n34"},
           {"rider-kim", "일이삼사오"},
           {"", "12345"},
           {"CJ", "689012345678"},
           {"c j", "689012345678"},
           {"a-name-that-is-longer-than-forty-characters", "12345"},
       }) {
    CAPTURE(carrier);
    CAPTURE(number);
    CHECK_FALSE(waybill_of(carrier, number).has_value());
  }
}

TEST_CASE("carriers have a name each, in both languages") {
  std::set<std::string_view> codes;
  for (const auto& carrier : carriers()) {
    CHECK(codes.insert(carrier.code).second);
    CHECK_FALSE(carrier.english.empty());
    CHECK_FALSE(carrier.korean.empty());
    CHECK(find_carrier(carrier.code) == &carrier);
  }
  CHECK(find_carrier("pigeon") == nullptr);
}
