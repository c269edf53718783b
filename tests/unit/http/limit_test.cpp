#include "test_server.hpp"

using namespace dropline::http;
using namespace dropline::http::test;

TEST_CASE("connections beyond the limit are told 503 and closed; room is given back") {
  auto options = quick_options();
  options.max_connections = 5;
  TestServer server(options);
  std::vector<Client> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(server.client());
    REQUIRE(clients.back().get("/hello")->status == 200);
  }
  auto late = server.client();
  REQUIRE(late.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
  const auto refused = late.read_response();
  is_problem(*refused, 503);
  CHECK(refused->header("retry-after").value_or("") == "1");
  CHECK(refused->header("connection").value_or("") == "close");
  CHECK(server.counts.refused(Refusal::too_many_connections) == 1);
  clients.clear();
  CHECK(eventually([&] { return server.server->stats().connections == 0; }));
  CHECK(late.get("/hello")->status == 200);
}

TEST_CASE("far more connections than the limit leave nothing behind") {
  auto options = quick_options();
  options.max_connections = 1;
  TestServer server(options);
  std::vector<Client> clients;
  for (int i = 0; i < 600; ++i) {
    clients.push_back(server.client());
    REQUIRE(clients.back().connect());
  }
  CHECK(eventually([&] { return server.server->stats().accepted == 600; }));
  CHECK(server.server->stats().connections <= 257);
  clients.clear();
  CHECK(eventually([&] { return server.server->stats().connections == 0; }));
  CHECK(server.counts.connections == 0);
}

TEST_CASE("requests in flight are bounded: the next gets 503 at once and the connection lives") {
  auto options = quick_options();
  options.max_in_flight = 2;
  options.retry_after = 2'500ms;
  TestServer server(options, [](Router& router) {
    router.add(Method::get, "/livez", "livez",
               [](const ExchangePtr& exchange) { exchange->respond(text_response(200, "ok")); },
               {.max_body_bytes = 0, .always_admit = true});
  });
  std::vector<Client> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.push_back(server.client());
    REQUIRE(waiting.back().send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  REQUIRE(eventually([&] { return server.shelf.size() == 2; }));
  auto client = server.client();
  const auto began = std::chrono::steady_clock::now();
  const auto refused = client.get("/hello", {{"Accept-Language", "ko-KR"}});
  CHECK(std::chrono::steady_clock::now() - began < 1s);
  is_problem(*refused, 503);
  CHECK(refused->header("retry-after").value_or("") == "3");
  CHECK(refused->body.find("혼잡") != std::string::npos);
  CHECK(client.get("/livez")->status == 200);
  server.shelf.take()->respond(empty_response());
  CHECK(waiting[0].read_response().has_value());
  CHECK(client.get("/hello")->status == 200);
  CHECK(server.server->stats().accepted == 3);
}

TEST_CASE("a route has a body limit of its own, larger or smaller") {
  TestServer server(quick_options(), [](Router& router) {
    const auto echo = [](const ExchangePtr& exchange) {
      exchange->respond(text_response(200, std::to_string(exchange->request().body().size())));
    };
    router.add(Method::post, "/small", "small", echo,
               {.max_body_bytes = 10, .always_admit = false});
    router.add(Method::post, "/large", "large", echo,
               {.max_body_bytes = 1'000'000, .always_admit = false});
  });
  auto client = server.client();
  CHECK(client.post("/small", std::string(10, 'x'))->body == "10");
  CHECK(client.post("/large", std::string(1'000'000, 'x'))->body == "1000000");
  is_problem(*client.post("/small", std::string(11, 'x')), 413);
  auto chunked = server.client();
  REQUIRE(
      chunked.send("POST /small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\n12345\r\n6\r\n123456\r\n0\r\n\r\n"));
  is_problem(*chunked.read_response(), 413);
}

TEST_CASE("a connection is closed after as many requests as it may make") {
  auto options = quick_options();
  options.max_requests_per_connection = 3;
  TestServer server(options);
  auto client = server.client();
  CHECK_FALSE(client.get("/hello")->header("connection").has_value());
  CHECK_FALSE(client.get("/hello")->header("connection").has_value());
  CHECK(client.get("/hello")->header("connection").value_or("") == "close");
}

TEST_CASE("one io thread serves as well as several") {
  for (const unsigned threads : {1U, 4U}) {
    auto options = quick_options();
    options.io_threads = threads;
    TestServer server(options);
    std::vector<Client> clients;
    for (int i = 0; i < 20; ++i)
      clients.push_back(server.client());
    for (auto& client : clients)
      CHECK(client.get("/hello")->body == "hello");
  }
}
