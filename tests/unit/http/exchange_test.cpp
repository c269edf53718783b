#include "test_server.hpp"

using namespace dropline::http;
using namespace dropline::http::test;

TEST_CASE("an answer may come from any thread, long after the handler has returned") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  std::thread other([&] { CHECK(server.shelf.take()->respond(text_response(202, "later"))); });
  CHECK(client.read_response()->body == "later");
  other.join();
}

TEST_CASE("an exchange dropped without an answer is a 500, wherever it is dropped") {
  TestServer server(quick_options(), [](Router& router) {
    router.add(Method::get, "/drop", "drop", [](const ExchangePtr&) {});
    router.add(Method::get, "/throw", "throw",
               [](const ExchangePtr&) { throw std::runtime_error("bug"); });
  });
  auto client = server.client();
  is_problem(*client.get("/drop"), 500);
  is_problem(*client.get("/throw"), 500);
  REQUIRE(client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  server.shelf.take().reset();
  is_problem(*client.read_response(), 500);
  CHECK(client.get("/hello")->status == 200);
}

TEST_CASE("two parties may race for the answer, and one wins") {
  TestServer server;
  auto client = server.client();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    auto exchange = server.shelf.take();
    std::atomic<int> won{0};
    std::thread other([&] { won += exchange->try_respond(text_response(200, "x")) ? 1 : 0; });
    won += exchange->try_respond(text_response(200, "x")) ? 1 : 0;
    other.join();
    CHECK(won == 1);
    CHECK(client.read_response()->body == "x");
  }
}

TEST_CASE("a handler is told when the client goes away, and its answer then goes nowhere") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  auto exchange = server.shelf.take();
  std::atomic<bool> told{false};
  exchange->on_closed([&] { told = true; });
  CHECK_FALSE(exchange->peer_gone());
  client.abort();
  CHECK(eventually([&] { return told.load(); }));
  CHECK(exchange->peer_gone());
  CHECK(eventually([&] { return server.server->stats().connections == 0; }));
  CHECK(server.server->stats().in_flight == 0);
  CHECK(server.counts.status(499) == 1);
  CHECK_FALSE(exchange->respond(text_response(200, "nobody reads this")));
}

TEST_CASE("on_closed is called at once when the client has already gone") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  auto exchange = server.shelf.take();
  client.close();
  CHECK(eventually([&] { return exchange->peer_gone(); }));
  bool told = false;
  exchange->on_closed([&] { told = true; });
  CHECK(told);
  exchange->respond(empty_response());
}

TEST_CASE("on_closed may answer, and is not called once the answer is given") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  auto exchange = server.shelf.take();
  exchange->on_closed([exchange] { exchange->try_respond(empty_response()); });
  client.finish_sending();
  CHECK(client.read_response()->status == 204);
  exchange.reset();

  auto second = server.client();
  REQUIRE(second.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  exchange = server.shelf.take();
  std::atomic<int> calls{0};
  exchange->on_closed([&] { ++calls; });
  exchange->respond(text_response(200, "x"));
  CHECK(second.read_response()->status == 200);
  second.close();
  CHECK(eventually([&] { return server.server->stats().connections == 0; }));
  CHECK(calls == 0);
}

TEST_CASE("an exchange may outlive its server") {
  ExchangePtr kept;
  {
    TestServer server;
    auto client = server.client();
    REQUIRE(client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
    kept = server.shelf.take();
  }
  CHECK(kept->peer_gone());
  CHECK(kept->request().path() == "/wait");
  CHECK_FALSE(kept->respond(text_response(200, "x")));
}

TEST_CASE("answers from many threads to many connections all arrive") {
  TestServer server;
  std::atomic<bool> stop{false};
  std::vector<std::thread> answerers;
  for (int i = 0; i < 3; ++i) {
    answerers.emplace_back([&] {
      while (!stop) {
        if (const auto exchange = server.shelf.try_take())
          exchange->respond(text_response(200, exchange->request().target()));
        std::this_thread::yield();
      }
    });
  }
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i)
    clients.push_back(server.client());
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const auto target = "/wait?client=" + std::to_string(i);
      REQUIRE(clients[i].send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    for (std::size_t i = 0; i < clients.size(); ++i)
      REQUIRE(clients[i].read_response()->body == "/wait?client=" + std::to_string(i));
  }
  stop = true;
  for (auto& thread : answerers)
    thread.join();
}
