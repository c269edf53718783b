#include "dropline/http/request.hpp"

#include <doctest/doctest.h>

using namespace dropline::http;

TEST_CASE("path and query are decoded") {
  const auto request = make_request(Method::get, "/a%20b/%ED%95%9C?x=1+2&y=%26&x=3&z&=v");
  CHECK(request.path() == "/a b/한");
  CHECK(request.query("x") == "1 2");
  CHECK(request.query("y") == "&");
  CHECK(request.query("z") == "");
  CHECK_FALSE(request.query("none").has_value());
  CHECK(request.query_parameters().size() == 5);
}

TEST_CASE("headers are found in any case") {
  const auto request = make_request(Method::get, "/", {{"X-Thing", "a"}, {"x-thing", "b"}});
  CHECK(request.header("x-THING") == "a");
  CHECK(request.header_repeated("X-Thing"));
  CHECK_FALSE(request.header("x-thin").has_value());
}

TEST_CASE("preferences are found among several headers") {
  const auto request = make_request(
      Method::post, "/",
      {{"Prefer", "respond-async, WAIT=5; x=y"}, {"Prefer", "wait=9, handling=\"lenient\""}});
  CHECK(request.preference("wait") == "5");
  CHECK(request.preference("respond-async") == "");
  CHECK(request.preference("handling") == "lenient");
  CHECK_FALSE(request.preference("return").has_value());
}

TEST_CASE("a bearer token is one token of one Authorization header") {
  const auto token = [](std::vector<Request::Header> headers) {
    return std::string(make_request(Method::get, "/", headers).bearer_token().value_or("none"));
  };
  CHECK(token({{"Authorization", "Bearer abc.d-e_f"}}) == "abc.d-e_f");
  CHECK(token({{"authorization", "bearer  abc"}}) == "abc");
  CHECK(token({{"Authorization", "Basic abc"}}) == "none");
  CHECK(token({{"Authorization", "Bearer"}}) == "none");
  CHECK(token({{"Authorization", "Bearer a b"}}) == "none");
  CHECK(token({{"Authorization", "Bearer a"}, {"Authorization", "Bearer b"}}) == "none");
  CHECK(token({}) == "none");
}

TEST_CASE("the language is the weightier one, English where nothing decides") {
  CHECK(preferred_language("") == Language::en);
  CHECK(preferred_language("ko") == Language::ko);
  CHECK(preferred_language("ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7") == Language::ko);
  CHECK(preferred_language("en-US,en;q=0.9,ko;q=0.8") == Language::en);
  CHECK(preferred_language("ko;q=0.5, en;q=0.6") == Language::en);
  CHECK(preferred_language("fr, *;q=0.1, ko;q=0.2") == Language::ko);
  CHECK(preferred_language("ko, en") == Language::ko);
  CHECK(preferred_language("en, ko") == Language::en);
  CHECK(preferred_language("*, en;q=0") == Language::ko);
  CHECK(preferred_language("ko;q=0") == Language::en);
  CHECK(preferred_language("ko;q=banana") == Language::en);
  CHECK(preferred_language("kok") == Language::en);
  CHECK(preferred_language(",,;;=\"\xff") == Language::en);
}

TEST_CASE("a media type is compared without its parameters") {
  const auto request =
      make_request(Method::post, "/", {{"Content-Type", "Application/JSON ; charset=utf-8"}});
  CHECK(request.content_type_is("application/json"));
  CHECK_FALSE(request.content_type_is("application/js"));
}
