#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/http/request.hpp"
#include "dropline/http/router.hpp"

namespace dropline::http {

inline constexpr std::size_t kMaxQueryParameters = 64;

/// A request target taken apart and decoded.
struct Target {
  std::string path;
  Router::Segments segments;
  std::vector<std::pair<std::string, std::string>> query;
  bool asterisk = false;       ///< OPTIONS *
  std::string_view authority;  ///< of an absolute-form target; a view into the text given
};

/// nullopt for what is no origin-form or absolute-form (http, https) target, or `*` without
/// OPTIONS; for dot segments, encoded slashes and backslashes, bad escapes, control characters and
/// bytes that decode to no UTF-8.
[[nodiscard]] std::optional<Target> parse_target(std::string_view text, Method method);

/// "host", "host:port", "[v6]:port".
[[nodiscard]] bool valid_authority(std::string_view text) noexcept;

}  // namespace dropline::http
