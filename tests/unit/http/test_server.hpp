#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dropline/http/client.hpp"
#include "dropline/http/problem.hpp"
#include "dropline/http/server.hpp"

#include "support/eventually.hpp"

namespace dropline::http::test {

using namespace std::chrono_literals;

using testing::eventually;

/// Exchanges that wait for a test to answer them.
class Shelf final {
 public:
  void put(ExchangePtr exchange) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(exchange));
  }
  [[nodiscard]] std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return waiting_.size();
  }
  [[nodiscard]] ExchangePtr take() {
    REQUIRE(eventually([this] { return size() > 0; }));
    const std::scoped_lock lock(mutex_);
    auto exchange = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    return exchange;
  }
  /// nullptr when there is none.
  [[nodiscard]] ExchangePtr try_take() {
    const std::scoped_lock lock(mutex_);
    if (waiting_.empty()) return nullptr;
    auto exchange = std::move(waiting_.back());
    waiting_.pop_back();
    return exchange;
  }
  void clear() {
    std::vector<ExchangePtr> dropped;
    const std::scoped_lock lock(mutex_);
    dropped.swap(waiting_);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<ExchangePtr> waiting_;
};

/// Counts what the server tells.
class Counts final : public RequestObserver {
 public:
  void on_request(const Observation& seen) override {
    const std::scoped_lock lock(mutex_);
    ++by_status_[seen.status];
    ++by_route_[std::string(seen.route)];
  }
  void on_refusal(std::string_view, Refusal refusal) override {
    const std::scoped_lock lock(mutex_);
    ++refusals_[refusal];
  }
  void on_connection(std::string_view, int change) override { connections += change; }
  void on_stream(std::string_view, int change) override { streams += change; }

  [[nodiscard]] int status(int status) {
    const std::scoped_lock lock(mutex_);
    return by_status_[status];
  }
  [[nodiscard]] int route(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    return by_route_[name];
  }
  [[nodiscard]] int refused(Refusal refusal) {
    const std::scoped_lock lock(mutex_);
    return refusals_[refusal];
  }
  std::atomic<int> connections{0};
  std::atomic<int> streams{0};

 private:
  std::mutex mutex_;
  std::map<int, int> by_status_;
  std::map<std::string, int> by_route_;
  std::map<Refusal, int> refusals_;
};

inline ServerOptions quick_options() {
  ServerOptions options;
  options.linger_deadline = 500ms;
  return options;
}

/// A server with the routes that the tests use.
struct TestServer {
  explicit TestServer(ServerOptions options = quick_options(),
                      std::function<void(Router&)> more = nullptr,
                      std::function<void(ListenerOptions&)> tune = nullptr) {
    options.observer = &counts;
    ListenerOptions listener;
    auto& router = listener.router;
    router.add(Method::get, "/hello", "hello",
               [](const ExchangePtr& exchange) { exchange->respond(text_response(200, "hello")); });
    router.add(Method::post, "/echo", "echo", [](const ExchangePtr& exchange) {
      exchange->respond(text_response(200, exchange->request().body()));
    });
    router.add(Method::get, "/items/{id}", "item", [](const ExchangePtr& exchange) {
      exchange->respond(text_response(200, std::string(exchange->request().path_parameter("id"))));
    });
    router.add(Method::get, "/wait", "wait",
               [this](ExchangePtr exchange) { shelf.put(std::move(exchange)); });
    router.add(Method::post, "/wait", "wait_post",
               [this](ExchangePtr exchange) { shelf.put(std::move(exchange)); });
    router.add(Method::get, "/empty", "empty",
               [](const ExchangePtr& exchange) { exchange->respond(empty_response(204)); });
    if (more) more(router);
    if (tune) tune(listener);
    std::vector<ListenerOptions> listeners;
    listeners.push_back(std::move(listener));
    auto started = Server::start(options, std::move(listeners));
    REQUIRE(started.has_value());
    server = std::move(*started);
  }
  ~TestServer() { shelf.clear(); }

  [[nodiscard]] Client client(std::chrono::milliseconds timeout = 10s) const {
    ClientOptions options;
    options.timeout = timeout;
    return {"127.0.0.1", server->port(), options};
  }

  Counts counts;
  Shelf shelf;
  std::unique_ptr<Server> server;
};

inline std::string code_of(const ClientResponse& response) {
  const auto at = response.body.find("\"code\":\"");
  if (at == std::string::npos) return "";
  const auto begin = at + 8;
  return response.body.substr(begin, response.body.find('"', begin) - begin);
}

inline bool is_problem(const ClientResponse& response, int status) {
  CHECK(response.status == status);
  CHECK(response.header("content-type").value_or("") == "application/problem+json");
  CHECK(response.body.find("\"status\":" + std::to_string(status)) != std::string::npos);
  return response.status == status;
}

}  // namespace dropline::http::test
