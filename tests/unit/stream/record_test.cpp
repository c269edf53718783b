#include "dropline/stream/record.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "dropline/stream/errors.hpp"

using namespace dropline::stream;

TEST_CASE("a header is found by its name, the first of several") {
  const std::vector<Header> headers = {{"a", "1"}, {"b", std::nullopt}, {"a", "2"}, {"c", ""}};
  CHECK(find_header(headers, "a") == "1");
  CHECK_FALSE(find_header(headers, "b").has_value());
  CHECK(find_header(headers, "c") == "");
  CHECK_FALSE(find_header(headers, "A").has_value());
  CHECK_FALSE(find_header({}, "a").has_value());
}

TEST_CASE("a record's size counts key, value, header names and header values") {
  const std::vector<Header> headers = {{"name", "value"}, {"nothing", std::nullopt}};
  Draft draft{.topic = "not counted", .key = "key", .value = "12345", .headers = headers};
  CHECK(record_bytes(draft) == 3 + 5 + 4 + 5 + 7);
  draft.value.reset();
  CHECK(record_bytes(draft) == 3 + 4 + 5 + 7);
}

TEST_CASE("a draft at the limits passes, one byte more is refused") {
  const std::string value(kMaxRecordBytes - 3, 'v');
  CHECK(check({.topic = "t", .key = "key", .value = value, .headers = {}}));
  const auto refused = check({.topic = "t", .key = "key!", .value = value, .headers = {}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::too_large);

  const std::string name(kMaxHeaderNameBytes, 'n');
  std::vector<Header> headers(kMaxHeaders, Header{name, "v"});
  Draft draft{.topic = "t", .key = "", .value = "", .headers = headers};
  CHECK(check(draft));
  headers.push_back({"one more", "v"});
  draft.headers = headers;
  CHECK(check(draft).error().code == Errc::bad_record);
}

TEST_CASE("header names are bounded and not empty") {
  const std::string name(kMaxHeaderNameBytes + 1, 'n');
  for (const std::string_view bad : {std::string_view(name), std::string_view()}) {
    const std::vector<Header> headers = {{bad, "v"}};
    const auto refused = check({.topic = "t", .key = "", .value = "", .headers = headers});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::bad_record);
  }
}
