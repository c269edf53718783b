#include "dropline/http/problem.hpp"

#include <doctest/doctest.h>

using namespace dropline::http;

namespace {
std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}
}  // namespace

TEST_CASE("any bytes become a valid JSON string") {
  CHECK(quoted("plain") == "\"plain\"");
  CHECK(quoted("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(quoted("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  CHECK(quoted(std::string_view("\0\x1f\x7f", 3)) == R"("\u0000\u001f\u007f")");
  CHECK(quoted("한국어 \xF0\x9F\x8D\x8E") == "\"한국어 \xF0\x9F\x8D\x8E\"");
  CHECK(quoted("\xff") == "\"\xEF\xBF\xBD\"");
  CHECK(quoted("a\xE2\x82") == "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(quoted("\xED\xA0\x80") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(quoted("\xC0\xAF") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(quoted("\xF4\x90\x80\x80").find('\xF4') == std::string::npos);
}

TEST_CASE("a problem has the members of RFC 9457, its code and what the caller adds") {
  Problem problem(409, "sold_out", "Sold out");
  problem.detail("none \"left\"").instance("/v1/orders/1").with("left", 0).with("final", true);
  problem.with("sku", "A-1").with_json("lines", "[1,2]");
  CHECK(problem.json() ==
        R"({"type":"urn:dropline:problem:sold_out","title":"Sold out","status":409,)"
        R"("code":"sold_out","detail":"none \"left\"","instance":"/v1/orders/1",)"
        R"("left":0,"final":true,"sku":"A-1","lines":[1,2]})");
  const auto response = problem.response();
  CHECK(response.status == 409);
  CHECK(response.content_type == "application/problem+json");
  CHECK(response.has_header("cache-control"));
}

TEST_CASE("usual problems carry their headers and speak both languages") {
  CHECK(method_not_allowed(Language::en, "GET").response().has_header("Allow"));
  CHECK(unauthorized(Language::en, "invalid_token").response().has_header("WWW-Authenticate"));
  CHECK(too_many_requests(Language::ko, std::chrono::milliseconds(1)).json().find("너무") !=
        std::string::npos);
  const auto busy = unavailable(Language::en, std::chrono::milliseconds(1'001)).response();
  CHECK(busy.headers.front() == std::pair<std::string, std::string>("Retry-After", "2"));
  CHECK(outcome_unknown(Language::en).code() == "outcome_unknown");
  Response limited;
  add_rate_limit(limited, {"member", 20, 3, std::chrono::seconds(10), std::chrono::seconds(4)});
  CHECK(limited.headers[0].second == "\"member\";q=20;w=10");
  CHECK(limited.headers[1].second == "\"member\";r=3;t=4");
}
