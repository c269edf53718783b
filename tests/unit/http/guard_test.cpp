#include "test_server.hpp"

using namespace dropline::http;
using namespace dropline::http::test;

namespace {

struct Refused {
  std::string what;
  std::string bytes;
  int status;
};

const std::string kHost = "Host: a\r\n";

std::vector<Refused> refused_framing() {
  const std::string post = "POST /echo HTTP/1.1\r\n" + kHost;
  return {
      {"length and coding", post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"coding and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
      {"differing lengths", post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
      {"repeated length", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
      {"list of lengths", post + "Content-Length: 5, 5\r\n\r\n", 400},
      {"signed length", post + "Content-Length: +5\r\n\r\n", 400},
      {"negative length", post + "Content-Length: -1\r\n\r\n", 400},
      {"hex length", post + "Content-Length: 0x5\r\n\r\n", 400},
      {"empty length", post + "Content-Length:\r\n\r\n", 400},
      {"overflowing length", post + "Content-Length: 18446744073709551617\r\n\r\n", 400},
      {"coding gzip", post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"coding gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"coding chunked, chunked", post + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
      {"coding xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n", 400},
      {"coding identity", post + "Transfer-Encoding: identity\r\n\r\n", 400},
      {"coding chunked;q=1", post + "Transfer-Encoding: chunked;q=1\r\n\r\n", 400},
      {"coding \"chunked\"", post + "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
      {"coding with vertical tab",
       post + "Transfer-Encoding: \x0b"
              "chunked\r\n\r\n",
       400},
      {"empty coding", post + "Transfer-Encoding:\r\n\r\n", 400},
      {"two codings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"coding on 1.0", "POST /echo HTTP/1.0\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n",
       400},
  };
}

std::vector<Refused> refused_lines() {
  const std::string get = "GET /hello HTTP/1.1\r\n";
  const std::string nul("x: a\0b\r\n", 8);
  return {
      {"bare LF", "GET /hello HTTP/1.1\nHost: a\n\n", 400},
      {"bare LF within headers", get + "Host: a\nx: y\r\n\r\n", 400},
      {"bare CR", get + "Host: a\rx: y\r\n\r\n", 400},
      {"continued header", get + kHost + "x: a\r\n b\r\n\r\n", 400},
      {"continued header with tab", get + kHost + "x: a\r\n\tb\r\n\r\n", 400},
      {"continued request line", get + " x: y\r\n" + kHost + "\r\n", 400},
      {"space before colon", get + "Host : a\r\n\r\n", 400},
      {"tab before colon", get + "Host\t: a\r\n\r\n", 400},
      {"space in a name", get + kHost + "x y: a\r\n\r\n", 400},
      {"empty name", get + kHost + ": a\r\n\r\n", 400},
      {"no colon", get + kHost + "nonsense\r\n\r\n", 400},
      {"NUL in a value", get + kHost + nul + "\r\n", 400},
      {"DEL in a value", get + kHost + "x: a\x7f\r\n\r\n", 400},
      {"control character in a name", get + kHost + "x\x01: a\r\n\r\n", 400},
  };
}

std::vector<Refused> refused_request_lines() {
  const std::string get = "GET /hello HTTP/1.1\r\n";
  return {
      {"no Host", get + "\r\n", 400},
      {"two Hosts", get + kHost + kHost + "\r\n", 400},
      {"empty Host", get + "Host:\r\n\r\n", 400},
      {"Host with path", get + "Host: a/b\r\n\r\n", 400},
      {"Host with user", get + "Host: u@a\r\n\r\n", 400},
      {"CONNECT", "CONNECT a:443 HTTP/1.1\r\n" + kHost + "\r\n", 501},
      {"TRACE", "TRACE /hello HTTP/1.1\r\n" + kHost + "\r\n", 501},
      {"unknown method", "BREW /hello HTTP/1.1\r\n" + kHost + "\r\n", 501},
      {"lower-case method", "get /hello HTTP/1.1\r\n" + kHost + "\r\n", 501},
      {"method that is no token", "GE(T /hello HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/2.0", "GET /hello HTTP/2.0\r\n" + kHost + "\r\n", 505},
      {"HTTP/1.2", "GET /hello HTTP/1.2\r\n" + kHost + "\r\n", 505},
      {"HTTP/0.9", "GET /hello\r\n\r\n", 400},
      {"http in lower case", "GET /hello http/1.1\r\n" + kHost + "\r\n", 400},
      {"two spaces", "GET  /hello HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"tab for space", "GET\t/hello\tHTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"space in the target", "GET /hel lo HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"trailing space", "GET /hello HTTP/1.1 \r\n" + kHost + "\r\n", 400},
  };
}

std::vector<Refused> refused_targets() {
  return {
      {"target without slash", "GET hello HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"asterisk for GET", "GET * HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"fragment", "GET /hello#x HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"raw UTF-8 in the target", "GET /h\xc3\xa9 HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"dot segment", "GET /items/../hello HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"encoded dot segment", "GET /items/%2e%2E/hello HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"encoded slash", "GET /items/a%2fb HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"encoded backslash", "GET /items/a%5cb HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"encoded NUL", "GET /items/a%00 HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"encoded line break", "GET /items/a%0d%0a HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"bad escape", "GET /items/%zz HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"cut escape", "GET /items/a%2 HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"bad UTF-8", "GET /items/%ff HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"overlong UTF-8", "GET /items/%c0%af HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"bad UTF-8 in the query", "GET /hello?a=%ff HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"absolute form of another host", "GET http://b/hello HTTP/1.1\r\n" + kHost + "\r\n", 400},
      {"absolute form, other scheme", "GET ftp://a/hello HTTP/1.1\r\n" + kHost + "\r\n", 400},
  };
}

std::vector<Refused> refused_sizes() {
  const std::string get = "GET /hello HTTP/1.1\r\n";
  const std::string post = "POST /echo HTTP/1.1\r\n" + kHost;
  return {
      {"unknown expectation", post + "Expect: tea\r\nContent-Length: 1\r\n\r\n", 417},
      {"not HTTP at all", "\x16\x03\x01\x02", 400},
      {"body too large", post + "Content-Length: 65537\r\n\r\n", 413},
      {"too many headers",
       [] {
         std::string text = "GET /hello HTTP/1.1\r\nHost: a\r\n";
         for (int i = 0; i < 100; ++i)
           text += "x: y\r\n";
         return text + "\r\n";
       }(),
       431},
      {"headers too large", get + kHost + "x: " + std::string(17'000, 'a'), 431},
      {"request line too long", "GET /" + std::string(9'000, 'a'), 414},
  };
}

std::vector<Refused> refused_heads() {
  std::vector<Refused> all;
  for (const auto& some : {refused_framing(), refused_lines(), refused_request_lines(),
                           refused_targets(), refused_sizes()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

const std::vector<Refused>& refused_chunks() {
  static const std::string head =
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  static const std::vector<Refused> cases = {
      {"size that is no number", head + "x\r\nabc\r\n0\r\n\r\n", 400},
      {"negative size", head + "-1\r\nabc\r\n0\r\n\r\n", 400},
      {"size with 0x", head + "0x3\r\nabc\r\n0\r\n\r\n", 400},
      {"overflowing size", head + "ffffffffffffffffff\r\nabc\r\n0\r\n\r\n", 400},
      {"huge size", head + "7fffffffffffffff\r\nabc\r\n0\r\n\r\n", 413},
      {"bare LF after the size", head + "3\nabc\n0\n\n" + std::string(5'000, 'x'), 400},
      {"data longer than its size", head + "3\r\nabcd\r\n0\r\n\r\n", 400},
      {"space before the size", head + " 3\r\nabc\r\n0\r\n\r\n", 400},
      {"endless extension", head + "3;" + std::string(6'000, 'e'), 400},
      {"long extension", head + "3;" + std::string(2'000, 'e') + "\r\nabc\r\n0\r\n\r\n", 400},
      {"body beyond the limit", head + "ffff\r\n" + std::string(65'535, 'b') + "\r\n2\r\nbb\r\n",
       413},
      {"endless trailer", head + "0\r\n" + "x: " + std::string(6'000, 't'), 400},
  };
  return cases;
}

}  // namespace

TEST_CASE("what two readers could understand differently is refused with a problem, and closed") {
  TestServer server;
  for (const auto& refused : refused_heads()) {
    CAPTURE(refused.what);
    auto client = server.client();
    REQUIRE(client.send(refused.bytes));
    const auto response = client.read_response();
    REQUIRE(response.has_value());
    is_problem(*response, refused.status);
    CHECK(response->header("connection").value_or("") == "close");
  }
  CHECK(server.counts.refused(Refusal::malformed) > 40);
  CHECK(server.counts.refused(Refusal::version) == 3);
  CHECK(server.counts.refused(Refusal::head_too_large) == 2);
  CHECK(server.counts.refused(Refusal::target_too_long) == 1);
  CHECK(server.counts.refused(Refusal::body_too_large) == 1);
  CHECK(server.counts.refused(Refusal::expectation) == 1);
  CHECK(server.server->stats().requests == 0);
}

TEST_CASE("a refused head is refused the same however its bytes are cut") {
  TestServer server;
  for (const auto& refused : refused_heads()) {
    if (refused.bytes.size() > 200) continue;
    CAPTURE(refused.what);
    for (std::size_t cut = 1; cut < refused.bytes.size(); cut += 7) {
      CAPTURE(cut);
      auto client = server.client();
      REQUIRE(client.send(std::string_view(refused.bytes).substr(0, cut)));
      // The first part may be enough for the server to refuse and shut.
      (void)client.send(std::string_view(refused.bytes).substr(cut));
      const auto response = client.read_response();
      REQUIRE(response.has_value());
      CHECK(response->status == refused.status);
    }
  }
}

TEST_CASE("malformed chunked bodies are refused") {
  TestServer server;
  for (const auto& refused : refused_chunks()) {
    CAPTURE(refused.what);
    auto client = server.client();
    REQUIRE(client.send(refused.bytes));
    const auto response = client.read_response();
    REQUIRE(response.has_value());
    is_problem(*response, refused.status);
  }
}

TEST_CASE("a request is understood the same when it is cut at any byte") {
  TestServer server;
  const std::string requests[] = {
      "GET /items/caf%C3%A9?a=b HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2;ext=\"v\"\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
  };
  const std::string answers[] = {"caf\xC3\xA9", "hello", "hello", ""};
  for (std::size_t i = 0; i < std::size(requests); ++i) {
    auto client = server.client();
    for (std::size_t cut = 1; cut < requests[i].size(); ++cut) {
      CAPTURE(i);
      CAPTURE(cut);
      REQUIRE(client.send(std::string_view(requests[i]).substr(0, cut)));
      REQUIRE(client.send(std::string_view(requests[i]).substr(cut)));
      const auto response = client.read_response();
      REQUIRE(response.has_value());
      CHECK(response->status == 200);
      CHECK(response->body == answers[i]);
    }
    for (const char byte : requests[i])
      REQUIRE(client.send({&byte, 1}));
    const auto response = client.read_response();
    REQUIRE(response.has_value());
    CHECK(response->body == answers[i]);
  }
}

TEST_CASE("Expect: 100-continue is answered before the body is sent") {
  TestServer server;
  auto client = server.client();
  REQUIRE(
      client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                  "Content-Length: 4\r\n\r\n"));
  const auto interim = client.read_response(false, true);
  REQUIRE(interim.has_value());
  CHECK(interim->status == 100);
  REQUIRE(client.send("body"));
  const auto response = client.read_response();
  REQUIRE(response.has_value());
  CHECK(response->body == "body");

  SUBCASE("a body too large is refused without it") {
    REQUIRE(
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                    "Content-Length: 99999999\r\n\r\n"));
    const auto refused = client.read_response(false, true);
    REQUIRE(refused.has_value());
    CHECK(refused->status == 413);
  }
  SUBCASE("HTTP/1.0 clients know no interim answers") {
    REQUIRE(
        client.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\n"
                    "Content-Length: 2\r\n\r\nhi"));
    const auto old = client.read_response(false, true);
    REQUIRE(old.has_value());
    CHECK(old->status == 200);
  }
}

TEST_CASE("an absolute-form target of the same host is the same resource") {
  TestServer server;
  auto client = server.client();
  REQUIRE(
      client.send("GET http://shop.example:80/items/7?x HTTP/1.1\r\n"
                  "Host: shop.example:80\r\n\r\n"));
  const auto response = client.read_response();
  REQUIRE(response.has_value());
  CHECK(response->body == "7");
}

TEST_CASE("one empty line before a request is forgiven, two are not") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(client.read_response()->status == 200);
  REQUIRE(client.send("\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(client.read_response()->status == 400);
}

TEST_CASE("a body that is still being sent when it is refused does not lose the answer") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"));
  (void)client.send(std::string(1'000'000, 'x'));
  const auto response = client.read_response();
  REQUIRE(response.has_value());
  is_problem(*response, 413);
  CHECK(response->body.find("\"max_bytes\":65536") != std::string::npos);
}
