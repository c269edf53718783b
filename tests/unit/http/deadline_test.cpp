#include "test_server.hpp"

#include <sys/socket.h>

using namespace dropline::http;
using namespace dropline::http::test;

namespace {

/// Sends a byte every few milliseconds until the server answers; how long that took.
std::chrono::milliseconds trickle(Client& client, std::string_view bytes) {
  const auto began = std::chrono::steady_clock::now();
  std::size_t at = 0;
  while (client.closed_by_peer(5ms) == false) {
    if (std::chrono::steady_clock::now() - began > 10s) break;
    if (!client.send(bytes.substr(at % bytes.size(), 1))) break;
    ++at;
    // An answer that has come lies in the client's buffer and ends the loop.
    char byte;
    if (::recv(client.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) break;
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               began);
}

}  // namespace

TEST_CASE("a head that trickles in is cut off at its deadline, however many bytes still come") {
  auto options = quick_options();
  options.head_deadline = 200ms;
  TestServer server(options);
  auto client = server.client();
  REQUIRE(client.send("GET /hello HTTP/1.1\r\nHost: a\r\nx: "));
  const auto took = trickle(client, "aaaaaaaa");
  CHECK(took >= 150ms);
  CHECK(took < 3s);
  is_problem(*client.read_response(), 408);
  CHECK(server.counts.refused(Refusal::head_deadline) == 1);
}

TEST_CASE("a body that trickles in is cut off at its deadline") {
  auto options = quick_options();
  options.body_deadline = 200ms;
  TestServer server(options);
  for (const char* framing :
       {"Content-Length: 60000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nff00\r\n"}) {
    CAPTURE(framing);
    auto client = server.client();
    REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: a\r\n" + std::string(framing)));
    const auto took = trickle(client, "b");
    CHECK(took >= 150ms);
    CHECK(took < 3s);
    is_problem(*client.read_response(), 408);
  }
  CHECK(server.counts.refused(Refusal::body_deadline) == 2);
}

TEST_CASE("a chunked body in endless tiny chunks meets the deadline or the size limit") {
  auto options = quick_options();
  options.body_deadline = 300ms;
  TestServer server(options);
  auto client = server.client();
  REQUIRE(client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
  trickle(client, "1\r\nx\r\n");
  const auto response = client.read_response();
  REQUIRE(response.has_value());
  CHECK(response->status == 408);
}

TEST_CASE("an idle connection is closed without a word at its deadline") {
  auto options = quick_options();
  options.idle_deadline = 100ms;
  TestServer server(options);
  auto fresh = server.client();
  REQUIRE(fresh.connect());
  auto used = server.client();
  CHECK(used.get("/hello")->status == 200);
  CHECK(fresh.closed_by_peer(5s));
  CHECK(used.closed_by_peer(5s));
  CHECK(eventually([&] { return server.server->stats().connections == 0; }));
}

TEST_CASE("each request has deadlines of its own") {
  auto options = quick_options();
  options.head_deadline = 300ms;
  TestServer server(options);
  auto client = server.client();
  const auto began = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - began < 700ms) {
    REQUIRE(client.send("GET /hello HTTP/1.1\r\nHo"));
    REQUIRE(client.send("st: a\r\n\r\n"));
    REQUIRE(client.read_response()->status == 200);
  }
  CHECK(server.server->stats().accepted == 1);
}

TEST_CASE("a handler that never answers costs its client a 504, and may answer no more") {
  auto options = quick_options();
  options.answer_deadline = 100ms;
  TestServer server(options);
  auto client = server.client();
  const auto response = client.get("/wait");
  is_problem(*response, 504);
  CHECK_FALSE(server.shelf.take()->respond(text_response(200, "late")));
  CHECK(client.get("/hello")->status == 200);
  CHECK(server.counts.refused(Refusal::answer_deadline) == 1);
}

TEST_CASE("a peer that does not read its answer is cut off at the write deadline") {
  auto options = quick_options();
  options.write_deadline = 200ms;
  TestServer server(options, [](Router& router) {
    router.add(Method::get, "/huge", "huge", [](const ExchangePtr& exchange) {
      exchange->respond(text_response(200, std::string(32'000'000, 'h')));
    });
  });
  auto client = server.client();
  REQUIRE(client.send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(eventually([&] { return server.counts.refused(Refusal::write_deadline) == 1; }));
  CHECK(eventually([&] { return server.server->stats().connections == 0; }));
}

TEST_CASE("a refused peer that keeps sending is cut off after its grace") {
  auto options = quick_options();
  options.linger_deadline = 200ms;
  TestServer server(options);
  auto client = server.client();
  REQUIRE(client.send("nonsense\r\n\r\n"));
  const auto began = std::chrono::steady_clock::now();
  while (client.send("x") && std::chrono::steady_clock::now() - began < 5s)
    std::this_thread::yield();
  CHECK(std::chrono::steady_clock::now() - began < 3s);
  CHECK(eventually([&] { return server.server->stats().connections == 0; }));
}
