#include "test_server.hpp"

#include "dropline/http/errors.hpp"

using namespace dropline;
using namespace dropline::http;
using namespace dropline::http::test;

TEST_CASE("a connection serves one request after another") {
  TestServer server;
  auto client = server.client();
  for (int i = 0; i < 50; ++i) {
    const auto response = client.get("/items/" + std::to_string(i));
    REQUIRE(response.has_value());
    CHECK(response->body == std::to_string(i));
    CHECK(response->header("date").has_value());
    CHECK_FALSE(response->header("connection").has_value());
  }
  CHECK(server.server->stats().accepted == 1);
  CHECK(server.counts.route("item") == 50);
}

TEST_CASE("pipelined requests are answered in order, also where an early one takes long") {
  TestServer server;
  auto client = server.client();
  std::string requests = "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n";
  for (int i = 0; i < 200; ++i)
    requests += "GET /items/" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  REQUIRE(client.send(requests));
  server.shelf.take()->respond(text_response(200, "first"));
  CHECK(client.read_response()->body == "first");
  for (int i = 0; i < 200; ++i) {
    const auto response = client.read_response();
    REQUIRE(response.has_value());
    CHECK(response->body == std::to_string(i));
  }
}

TEST_CASE("a client that pipelines without reading is held back, not buffered without bound") {
  auto options = quick_options();
  options.write_deadline = 10s;
  TestServer server(options, [](Router& router) {
    router.add(Method::get, "/big", "big", [](const ExchangePtr& exchange) {
      exchange->respond(text_response(200, std::string(100'000, 'b')));
    });
  });
  auto client = server.client();
  std::string requests;
  for (int i = 0; i < 400; ++i)
    requests += "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
  REQUIRE(client.send(requests));
  CHECK(eventually([&] { return server.server->stats().requests > 5; }));
  // 40 MB of answers cannot fit: the server has stopped handling.
  CHECK(server.server->stats().requests < 400);
  for (int i = 0; i < 400; ++i) {
    const auto response = client.read_response();
    REQUIRE(response.has_value());
    REQUIRE(response->body.size() == 100'000);
  }
}

TEST_CASE("HEAD has GET's headers and no body; 204 and 304 have none either") {
  TestServer server(quick_options(), [](Router& router) {
    router.add(Method::get, "/same", "same", [](const ExchangePtr& exchange) {
      auto response = text_response(304, "must not be sent");
      exchange->respond(response.header("ETag", "\"x\""));
    });
  });
  auto client = server.client();
  const auto head = client.request("HEAD", "/hello");
  REQUIRE(head.has_value());
  CHECK(head->status == 200);
  CHECK(head->header("content-length").value_or("") == "5");
  CHECK(client.get("/empty")->status == 204);
  const auto same = client.get("/same");
  CHECK(same->status == 304);
  CHECK_FALSE(same->header("content-length").has_value());
  CHECK(client.get("/hello")->body == "hello");
  CHECK(server.server->stats().accepted == 1);
}

TEST_CASE("HTTP/1.0 closes unless asked to keep the connection") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  auto response = client.read_response();
  CHECK(response->header("connection").value_or("") == "keep-alive");
  REQUIRE(client.connected());
  REQUIRE(client.send("GET /hello HTTP/1.0\r\n\r\n"));
  const auto rest = client.read_to_end();
  REQUIRE(rest.has_value());
  CHECK(rest->find("Connection: close") != std::string::npos);
  CHECK(rest->ends_with("hello"));
}

TEST_CASE("Connection: close is honoured, and requests behind it are not answered") {
  TestServer server;
  auto client = server.client();
  REQUIRE(
      client.send("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"
                  "GET /items/2 HTTP/1.1\r\nHost: a\r\n\r\n"));
  const auto all = client.read_to_end();
  REQUIRE(all.has_value());
  CHECK(all->ends_with("hello"));
}

TEST_CASE("a client that shuts its sending side is still answered") {
  TestServer server;
  auto client = server.client();
  REQUIRE(
      client.send("GET /items/1 HTTP/1.1\r\nHost: a\r\n\r\n"
                  "GET /items/2 HTTP/1.1\r\nHost: a\r\n\r\n"));
  client.finish_sending();
  CHECK(client.read_response()->body == "1");
  CHECK(client.read_response()->body == "2");
}

TEST_CASE("unknown paths are 404, other methods 405 with Allow, OPTIONS tells what is allowed") {
  TestServer server;
  auto client = server.client();
  const auto missing = client.get("/nothing", {{"Accept-Language", "ko"}});
  is_problem(*missing, 404);
  CHECK(missing->body.find("찾을 수 없습니다") != std::string::npos);
  const auto wrong = client.post("/hello", "body that is read first");
  is_problem(*wrong, 405);
  CHECK(wrong->header("allow").value_or("") == "GET, HEAD, OPTIONS");
  const auto options = client.request("OPTIONS", "/wait");
  CHECK(options->status == 204);
  CHECK(options->header("allow").value_or("") == "GET, HEAD, POST, OPTIONS");
  CHECK(client.request("OPTIONS", "*")->status == 204);
  CHECK(client.get("/hello")->status == 200);
  CHECK(server.server->stats().accepted == 1);
}

TEST_CASE("hooks see every answer, and before may answer instead of the handler") {
  std::atomic<int> after{0};
  TestServer server(quick_options(), nullptr, [&](ListenerOptions& listener) {
    listener.before = [](const ExchangePtr& exchange) {
      if (exchange->request().header("x-blocked")) exchange->respond(empty_response(403));
    };
    listener.after = [&](const Request& request, Response& response) {
      ++after;
      response.header("X-Request-Id", request.trace().trace_id_text());
    };
  });
  auto client = server.client();
  const auto traced = client.get(
      "/hello", {{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}});
  CHECK(traced->header("x-request-id").value_or("") == "0af7651916cd43dd8448eb211c80319c");
  CHECK(client.get("/hello")->header("x-request-id").value_or("").size() == 32);
  CHECK(client.get("/hello", {{"X-Blocked", "1"}})->status == 403);
  CHECK(client.get("/nothing")->header("x-request-id").has_value());
  CHECK(after == 4);
}

TEST_CASE("a header that would split the answer becomes a 500") {
  TestServer server(quick_options(), [](Router& router) {
    router.add(Method::get, "/split", "split", [](const ExchangePtr& exchange) {
      exchange->respond(empty_response(200).header("X", "a\r\nSet-Cookie: b"));
    });
    router.add(Method::get, "/length", "length", [](const ExchangePtr& exchange) {
      exchange->respond(text_response(200, "abc").header("Content-Length", "1"));
    });
  });
  auto client = server.client();
  is_problem(*client.get("/split"), 500);
  CHECK(client.get("/length")->body == "abc");
}

TEST_CASE("a thousand connections are served at once") {
  TestServer server;
  std::vector<Client> clients;
  for (int i = 0; i < 1'000; ++i) {
    clients.push_back(server.client());
    REQUIRE(clients.back().send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  REQUIRE(eventually([&] { return server.shelf.size() == 1'000; }));
  CHECK(server.server->stats().connections == 1'000);
  CHECK(server.server->stats().in_flight == 1'000);
  for (int i = 0; i < 1'000; ++i)
    server.shelf.take()->respond(text_response(200, "done"));
  for (auto& client : clients)
    REQUIRE(client.read_response()->body == "done");
  clients.clear();
  CHECK(eventually([&] { return server.server->stats().connections == 0; }));
  CHECK(server.counts.connections == 0);
  CHECK(server.server->stats().in_flight == 0);
}

TEST_CASE("a port in use, a bad address and bad options are told with their cure") {
  TestServer server;
  const auto start = [](const std::string& address, std::uint16_t port,
                        ServerOptions options = {}) {
    ListenerOptions listener;
    listener.address = address;
    listener.port = port;
    std::vector<ListenerOptions> listeners;
    listeners.push_back(std::move(listener));
    return Server::start(options, std::move(listeners));
  };
  const auto port = server.server->port();
  const auto taken = start("127.0.0.1", port);
  REQUIRE(taken.has_error());
  CHECK(taken.error().code == Errc::address_in_use);
  CHECK(taken.error().detail.find("127.0.0.1:" + std::to_string(port)) != std::string::npos);
  CHECK(start("localhost", 0).error().code == Errc::bad_address);
  CHECK(start("203.0.113.7", 0).error().code == Errc::bad_address);
  ServerOptions options;
  options.io_threads = 0;
  CHECK(start("127.0.0.1", 0, options).error().code == Errc::bad_options);
  CHECK(Server::start({}, {}).error().code == Errc::bad_options);
  REQUIRE(start("::1", 0).has_value());
}

TEST_CASE("listeners have routes of their own") {
  std::vector<ListenerOptions> listeners(2);
  for (std::size_t i = 0; i < 2; ++i) {
    listeners[i].router.add(Method::get, "/who", "who", [i](const ExchangePtr& exchange) {
      exchange->respond(text_response(200, std::to_string(i)));
    });
  }
  listeners[1].router.add(Method::get, "/admin", "admin",
                          [](const ExchangePtr& exchange) { exchange->respond(empty_response()); });
  auto server = Server::start({}, std::move(listeners));
  REQUIRE(server.has_value());
  Client open("127.0.0.1", (*server)->port(0));
  Client admin("127.0.0.1", (*server)->port(1));
  CHECK(open.get("/who")->body == "0");
  CHECK(admin.get("/who")->body == "1");
  CHECK(open.get("/admin")->status == 404);
  CHECK(admin.get("/admin")->status == 204);
}

TEST_CASE("draining finishes what is in flight, closes what is idle and takes nothing new") {
  TestServer server;
  auto busy = server.client();
  auto idle = server.client();
  CHECK(idle.get("/hello")->status == 200);
  REQUIRE(busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  auto exchange = server.shelf.take();
  std::atomic<bool> clean{false};
  std::thread drainer([&] { clean = server.server->drain(10s); });
  CHECK(idle.closed_by_peer(5s));
  CHECK(eventually([&] { return server.client().connect().has_error(); }));
  exchange->respond(text_response(200, "finished"));
  exchange.reset();
  const auto response = busy.read_response();
  REQUIRE(response.has_value());
  CHECK(response->body == "finished");
  CHECK(response->header("connection").value_or("") == "close");
  drainer.join();
  CHECK(clean);
}

TEST_CASE("draining under load loses no request that was taken") {
  TestServer server;
  std::atomic<int> answered{0};
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto client = server.client();
      while (true) {
        if (!client.connected() && client.connect().has_error()) return;
        const auto sent =
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nping");
        if (!sent) return;
        const auto response = client.read_response();
        if (!response) {
          if (response.error().code == Errc::timed_out) ++torn;
          return;
        }
        if (response->body != "ping") ++torn;
        ++answered;
      }
    });
  }
  CHECK(eventually([&] { return answered > 500; }));
  const auto began = std::chrono::steady_clock::now();
  CHECK(server.server->drain(10s));
  CHECK(std::chrono::steady_clock::now() - began < 5s);
  for (auto& thread : threads)
    thread.join();
  CHECK(torn == 0);
  const auto stats = server.server->stats();
  CHECK(stats.connections == 0);
  CHECK(static_cast<int>(stats.requests) == answered);
}

TEST_CASE("draining ends at its limit when a handler does not answer") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
  auto exchange = server.shelf.take();
  const auto began = std::chrono::steady_clock::now();
  CHECK_FALSE(server.server->drain(100ms));
  CHECK(std::chrono::steady_clock::now() - began < 3s);
  CHECK_FALSE(exchange->respond(text_response(200, "too late")));
}

TEST_CASE("answers carry Connection: close once a drain is announced") {
  TestServer server;
  auto client = server.client();
  CHECK_FALSE(client.get("/hello")->header("connection").has_value());
  server.server->announce_drain();
  CHECK(client.get("/hello")->header("connection").value_or("") == "close");
  CHECK(server.client().get("/hello")->status == 200);
}
