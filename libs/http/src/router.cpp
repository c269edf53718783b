#include "dropline/http/router.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"

namespace dropline::http {

struct Router::Node {
  /// Few children a node: a scan of a sorted array beats a hash.
  std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;
  std::unique_ptr<Node> parameter;
  std::string parameter_name;
  std::array<const Route*, kMethodCount> routes{};
  std::string allow;

  [[nodiscard]] const Node* literal(std::string_view segment) const noexcept {
    const auto at = std::ranges::lower_bound(
        literals, segment, {}, [](const auto& entry) { return std::string_view(entry.first); });
    return at != literals.end() && at->first == segment ? at->second.get() : nullptr;
  }

  Node& literal_or_new(std::string_view segment) {
    const auto at = std::ranges::lower_bound(
        literals, segment, {}, [](const auto& entry) { return std::string_view(entry.first); });
    if (at != literals.end() && at->first == segment) return *at->second;
    return *literals.emplace(at, std::string(segment), std::make_unique<Node>())->second;
  }

  [[nodiscard]] const Route* route(Method method) const noexcept {
    const auto* found = routes[static_cast<std::size_t>(method)];
    if (!found && method == Method::head) found = routes[static_cast<std::size_t>(Method::get)];
    return found;
  }

  [[nodiscard]] bool has_routes() const noexcept { return !allow.empty(); }

  void write_allow() {
    allow.clear();
    for (std::size_t i = 0; i < kMethodCount; ++i) {
      const auto method = static_cast<Method>(i);
      if (!route(method) && method != Method::options) continue;
      if (!allow.empty()) allow += ", ";
      allow += to_text(method);
    }
  }
};

namespace {

/// A parameter's name, or nullopt for a literal.
std::optional<std::string_view> parameter_of(std::string_view segment) {
  if (!segment.starts_with('{')) return std::nullopt;
  ensure(segment.size() > 2 && segment.ends_with('}'), "a route's parameter is {name}");
  return segment.substr(1, segment.size() - 2);
}

}  // namespace

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::add(Method method, std::string_view pattern, std::string name, Handler handler,
                 RouteOptions options) {
  ensure(pattern.starts_with('/'), "a route's pattern begins with a slash");
  ensure(handler != nullptr && !name.empty(), "a route has a name and a handler");
  Node* node = root_.get();
  auto rest = pattern.substr(1);
  std::size_t depth = 0;
  while (true) {
    ensure(++depth <= kMaxSegments, "a route's pattern has at most kMaxSegments segments");
    const auto slash = rest.find('/');
    const auto segment = rest.substr(0, slash);
    ensure(!segment.empty() || pattern == "/", "a route's pattern has no empty segment");
    if (const auto parameter = parameter_of(segment)) {
      if (!node->parameter) {
        node->parameter = std::make_unique<Node>();
        node->parameter_name = *parameter;
      }
      ensure(node->parameter_name == *parameter, "parameters of one place have one name");
      node = node->parameter.get();
    } else {
      node = &node->literal_or_new(segment);
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  auto& place = node->routes[static_cast<std::size_t>(method)];
  ensure(place == nullptr, "a method and pattern have one route");
  place = &routes_.emplace_back(
      Route{std::move(name), std::string(pattern), std::move(handler), options});
  node->write_allow();
}

namespace {

using Captures = std::array<std::pair<std::string_view, std::size_t>, Router::kMaxSegments>;

}  // namespace

Router::Match Router::find(Method method, const Segments& segments) const {
  Match match;
  if (segments.size() > kMaxSegments) return match;
  Captures captures;
  std::size_t captured = 0;
  // Literal wins; where it leads nowhere the parameter beside it is tried, once a segment. The
  // stack holds the parameters passed by, so that the walk is bounded by the pattern tree.
  struct Fork {
    const Node* node;
    std::size_t depth;
    std::size_t captured;
  };
  std::array<Fork, kMaxSegments> forks;
  std::size_t fork_count = 0;
  const Node* node = root_.get();
  std::size_t depth = 0;
  while (true) {
    if (node && depth == segments.size()) {
      if (node->has_routes()) break;
      node = nullptr;
    }
    if (node) {
      const auto& segment = segments[depth];
      const Node* next = node->literal(segment);
      const bool can_capture = node->parameter && !segment.empty();
      if (next) {
        if (can_capture) forks[fork_count++] = {node, depth, captured};
      } else if (can_capture) {
        captures[captured++] = {node->parameter_name, depth};
        next = node->parameter.get();
      }
      node = next;
      ++depth;
      continue;
    }
    if (fork_count == 0) return match;
    const auto& fork = forks[--fork_count];
    captured = fork.captured;
    captures[captured++] = {fork.node->parameter_name, fork.depth};
    node = fork.node->parameter.get();
    depth = fork.depth + 1;
  }
  match.path_known = true;
  match.allow = node->allow;
  match.route = node->route(method);
  for (std::size_t i = 0; i < captured; ++i)
    match.parameters.emplace_back(captures[i].first, segments[captures[i].second]);
  return match;
}

}  // namespace dropline::http
