#include "support/eventually.hpp"
#include "test_server.hpp"

using namespace dropline::http;
using namespace dropline::http::test;

namespace {

/// A server with one route that hands its streams to the test.
struct StreamServer {
  explicit StreamServer(ServerOptions options = quick_options())
      : base(options, [this](Router& router) {
          router.add(Method::get, "/events", "events", [this](const ExchangePtr& exchange) {
            auto stream = exchange->event_stream();
            if (!stream) return;
            const std::scoped_lock lock(mutex);
            last_event_id = exchange->last_event_id();
            streams.push_back(std::move(stream));
          });
        }) {}
  ~StreamServer() { clear(); }

  [[nodiscard]] EventStreamPtr stream(std::size_t index = 0) {
    REQUIRE(eventually([&] {
      const std::scoped_lock lock(mutex);
      return streams.size() > index;
    }));
    const std::scoped_lock lock(mutex);
    return streams[index];
  }
  void clear() {
    std::vector<EventStreamPtr> dropped;
    const std::scoped_lock lock(mutex);
    dropped.swap(streams);
  }

  std::mutex mutex;
  std::vector<EventStreamPtr> streams;
  std::string last_event_id;
  TestServer base;
};

}  // namespace

TEST_CASE("events arrive in the order sent, with their ids, names and lines") {
  StreamServer server;
  auto client = server.base.client();
  const auto opened = client.open_stream("/events", {{"Last-Event-ID", "41"}});
  REQUIRE(opened.has_value());
  CHECK(opened->status == 200);
  CHECK(opened->header("content-type").value_or("") == "text/event-stream");
  CHECK(opened->header("cache-control").value_or("") == "no-store");
  const auto stream = server.stream();
  CHECK(server.last_event_id == "41");
  for (int i = 0; i < 500; ++i) {
    const auto id = std::to_string(i);
    REQUIRE(stream->send({id, "order", "{\"n\":" + id + "}"}));
  }
  REQUIRE(stream->send({"", "", "first\nsecond\r\nthird\rfourth"}));
  for (int i = 0; i < 500; ++i) {
    const auto event = client.next_event();
    REQUIRE(event.has_value());
    REQUIRE(event->id == std::to_string(i));
    CHECK(event->event == "order");
  }
  CHECK(client.next_event()->data == "first\nsecond\nthird\nfourth");
  stream->close();
  CHECK(client.next_event().error().code == Errc::closed);
}

TEST_CASE("an event whose id or name holds a line break is not sent") {
  std::string out;
  CHECK_FALSE(append_event(out, {"a\nb", "", "x"}));
  CHECK_FALSE(append_event(out, {"a", "x\ry", "x"}));
  CHECK_FALSE(append_event(out, {std::string_view("a\0b", 3), "", "x"}));
  CHECK(out.empty());
  CHECK(append_event(out, {"1", "e", ""}));
  CHECK(out == "id: 1\nevent: e\ndata: \n\n");
}

TEST_CASE("a quiet stream is pinged") {
  auto options = quick_options();
  options.stream_ping = 20ms;
  StreamServer server(options);
  auto client = server.base.client();
  REQUIRE(client.open_stream("/events").has_value());
  const auto stream = server.stream();
  std::thread later([&] {
    dropline::testing::be_slow(120ms);  // silence is what is tested
    CHECK(stream->send({"1", "", "x"}));
  });
  CHECK(client.next_event()->data == "x");
  CHECK(client.comments() >= 2);
  later.join();
}

TEST_CASE("a consumer slower than its events is closed at the backlog's bound") {
  auto options = quick_options();
  options.max_stream_backlog = 100'000;
  StreamServer server(options);
  auto client = server.base.client();
  REQUIRE(client.open_stream("/events").has_value());
  const auto stream = server.stream();
  std::atomic<bool> told{false};
  stream->on_closed([&] { told = true; });
  const std::string data(10'000, 'd');
  std::size_t sent = 0;
  CHECK(eventually([&] {
    if (!stream->send({"", "", data})) return true;
    ++sent;
    return false;
  }));
  CHECK(sent < 10'000);
  CHECK(eventually([&] { return told.load(); }));
  CHECK(stream->closed());
  CHECK(server.base.counts.refused(Refusal::stream_backlog) == 1);
  CHECK(eventually([&] { return server.base.server->stats().streams == 0; }));
}

TEST_CASE("a stream learns that its client has gone") {
  StreamServer server;
  auto client = server.base.client();
  REQUIRE(client.open_stream("/events").has_value());
  const auto stream = server.stream();
  std::atomic<int> told{0};
  stream->on_closed([&] { ++told; });
  client.close();
  CHECK(eventually([&] { return told == 1; }));
  CHECK(stream->closed());
  CHECK_FALSE(stream->send({"", "", "x"}));
  stream->on_closed([&] { ++told; });
  CHECK(told == 2);
  CHECK(server.base.counts.streams == 0);
  CHECK(eventually([&] { return server.base.server->stats().streams == 0; }));
}

TEST_CASE("letting go of a stream closes it, after what was sent") {
  StreamServer server;
  auto client = server.base.client();
  REQUIRE(client.open_stream("/events").has_value());
  CHECK(server.stream()->send({"", "", "last"}));
  server.clear();
  CHECK(client.next_event()->data == "last");
  CHECK(client.next_event().error().code == Errc::closed);
}

TEST_CASE("streams are bounded, do not count as in flight, and HEAD opens none") {
  auto options = quick_options();
  options.max_streams = 2;
  StreamServer server(options);
  std::vector<Client> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(server.base.client());
    REQUIRE(clients.back().open_stream("/events")->status == 200);
  }
  CHECK(eventually([&] { return server.base.server->stats().in_flight == 0; }));
  auto third = server.base.client();
  const auto refused = third.open_stream("/events");
  is_problem(*refused, 503);
  const auto head = third.request("HEAD", "/events");
  CHECK(head->status == 200);
  CHECK(head->header("content-type").value_or("") == "text/event-stream");
  CHECK(server.base.counts.refused(Refusal::too_many_streams) == 1);
  clients.clear();
  CHECK(eventually([&] { return server.base.server->stats().streams == 0; }));
  CHECK(third.open_stream("/events")->status == 200);
}

TEST_CASE("a stream may be opened later, from another thread") {
  TestServer server;
  auto client = server.client();
  REQUIRE(client.send("GET /wait HTTP/1.0\r\n\r\n"));
  EventStreamPtr stream;
  std::thread other([&] {
    stream = server.shelf.take()->event_stream();
    stream->send({"7", "", "to an HTTP/1.0 client"});
    stream->close();
  });
  const auto all = client.read_to_end();
  other.join();
  REQUIRE(all.has_value());
  CHECK(all->find("chunked") == std::string::npos);
  CHECK(all->ends_with("\r\n\r\nid: 7\ndata: to an HTTP/1.0 client\n\n"));
}

TEST_CASE("the same bytes go to many streams, and a drain ends them all") {
  StreamServer server;
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(server.base.client());
    REQUIRE(clients.back().open_stream("/events")->status == 200);
  }
  std::string bytes;
  REQUIRE(append_event(bytes, {"1", "level", "{}"}));
  for (std::size_t i = 0; i < 50; ++i)
    CHECK(server.stream(i)->send_encoded(bytes));
  for (auto& client : clients)
    CHECK(client.next_event()->event == "level");
  CHECK(server.base.server->drain(5s));
  for (auto& client : clients)
    CHECK(client.next_event().error().code == Errc::closed);
}
