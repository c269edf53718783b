#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/http/exchange.hpp"
#include "dropline/http/request.hpp"

namespace dropline::http {

/// What a route may demand beyond its handler.
struct RouteOptions {
  /// 0: ServerOptions::max_body_bytes.
  std::size_t max_body_bytes = 0;
  /// Goes on when the server has too much in flight: health checks, metrics.
  bool always_admit = false;
};

struct Route {
  std::string name;  ///< stable, for metrics and limits: "orders.place"
  std::string pattern;
  Handler handler;
  RouteOptions options;
};

/// Finds the route of a method and path in time proportional to the path's segments. Patterns are
/// "/v1/orders/{id}/cancellation": a segment is literal or one parameter; literal wins. HEAD is
/// answered by GET's handler unless it has its own; OPTIONS is answered by the server with Allow
/// unless the path has its own. Filled before the server starts, then only read, by any thread.
class Router final {
 public:
  static constexpr std::size_t kMaxSegments = 16;

  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  /// Ends the process when the pattern is malformed, or method and pattern are already taken, or
  /// parameters of one place have different names: routes are code, not input.
  void add(Method method, std::string_view pattern, std::string name, Handler handler,
           RouteOptions options = {});

  /// A path split at '/', each part decoded. An encoded slash never gets this far.
  using Segments = std::vector<std::string>;
  using Parameters = std::vector<std::pair<std::string_view, std::string>>;

  struct Match {
    const Route* route = nullptr;  ///< nullptr: not found, or (path_known) another method
    bool path_known = false;
    std::string_view allow;  ///< "GET, HEAD, OPTIONS" where the path is known
    Parameters parameters;
  };
  [[nodiscard]] Match find(Method method, const Segments& segments) const;

  /// Every route, in the order added.
  [[nodiscard]] const std::deque<Route>& routes() const noexcept { return routes_; }

 private:
  struct Node;
  std::unique_ptr<Node> root_;
  std::deque<Route> routes_;
};

}  // namespace dropline::http
