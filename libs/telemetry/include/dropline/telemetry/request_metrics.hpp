#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "dropline/telemetry/metrics.hpp"

namespace dropline::telemetry {

/// What an HTTP server does, as metrics: dropline_http_*. It knows no server: who wires one
/// forwards what the server's observer is told. Any thread; after the first request of a (listener,
/// route, status) an update takes a shared lock and no allocation. Labels must come from our own
/// code (route names, not paths), which Metrics::kMaxSeries bounds all the same.
class RequestMetrics final {
 public:
  /// `metrics` must outlive this.
  explicit RequestMetrics(Metrics& metrics) : metrics_(metrics) {}
  RequestMetrics(const RequestMetrics&) = delete;
  RequestMetrics& operator=(const RequestMetrics&) = delete;

  void request(std::string_view listener, std::string_view route, int status,
               std::chrono::nanoseconds duration, std::size_t received_bytes,
               std::size_t sent_bytes);
  /// What the server turned down by itself, by its name for the reason.
  void refusal(std::string_view listener, std::string_view reason);
  /// +1 opened, -1 closed.
  void connection(std::string_view listener, int change);
  void stream(std::string_view listener, int change);

 private:
  struct Route {
    Counter requests;
    Histogram duration;
  };
  struct Listener {
    Counter received;
    Counter sent;
    Gauge connections;
    Gauge streams;
  };
  using RouteKey = std::tuple<std::string, std::string, int>;
  using RouteView = std::tuple<std::string_view, std::string_view, int>;
  /// Finds by views, so that looking up copies nothing.
  struct Before {
    using is_transparent = void;
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return RouteView(a) < RouteView(b);
    }
  };

  Route route(std::string_view listener, std::string_view name, int status);
  Listener listener(std::string_view name);

  Metrics& metrics_;
  std::shared_mutex mutex_;
  std::map<RouteKey, Route, Before> routes_;
  std::map<std::string, Listener, std::less<>> listeners_;
};

}  // namespace dropline::telemetry
