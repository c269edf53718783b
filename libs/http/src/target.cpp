#include "target.hpp"

#include <algorithm>

#include "text.hpp"

namespace dropline::http {
namespace {

bool is_alnum(char c) noexcept {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/// pchar of RFC 3986, the percent sign included.
bool is_path_char(char c) noexcept {
  return is_alnum(c) || std::string_view("-._~!$&'()*+,;=:@%").find(c) != std::string_view::npos;
}

/// Browsers leave a few more characters of a query as they are.
bool is_query_char(char c) noexcept {
  return c > ' ' && c < 0x7F && c != '#';
}

bool decode(std::string_view text, bool plus_is_space, std::string& out) {
  out.clear();
  if (text.find_first_of("%+") == std::string_view::npos) {
    out = text;
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return false;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return printable_utf8(out);
}

bool parse_path(std::string_view text, Target& target) {
  if (!text.starts_with('/') ||
      !std::ranges::all_of(text, [](char c) { return c == '/' || is_path_char(c); }))
    return false;
  text.remove_prefix(1);
  target.segments.reserve(4);
  while (true) {
    const auto slash = text.find('/');
    std::string segment;
    if (!decode(text.substr(0, slash), false, segment)) return false;
    if (segment == "." || segment == "..") return false;
    if (segment.find_first_of("/\\") != std::string::npos) return false;
    target.path += '/';
    target.path += segment;
    target.segments.push_back(std::move(segment));
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

bool parse_query(std::string_view text, Target& target) {
  if (!std::ranges::all_of(text, is_query_char)) return false;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    if (target.query.size() == kMaxQueryParameters) return false;
    const auto equals = pair.find('=');
    auto& [name, value] = target.query.emplace_back();
    if (!decode(pair.substr(0, equals), true, name)) return false;
    if (equals != std::string_view::npos && !decode(pair.substr(equals + 1), true, value))
      return false;
  }
  return true;
}

bool valid_port(std::string_view text) noexcept {
  return text.size() <= 5 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool valid_authority(std::string_view text) noexcept {
  if (text.empty() || text.size() > 255 + 6) return false;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    const auto inside = text.substr(1, close - 1);
    if (!std::ranges::all_of(inside,
                             [](char c) { return hex_digit(c) >= 0 || c == ':' || c == '.'; }))
      return false;
    const auto rest = text.substr(close + 1);
    return rest.empty() || (rest.front() == ':' && valid_port(rest.substr(1)));
  }
  const auto colon = text.find(':');
  const auto host = text.substr(0, colon);
  if (host.empty() || !std::ranges::all_of(host, [](char c) {
        return is_alnum(c) ||
               std::string_view("-._~%!$&'()*+,;=").find(c) != std::string_view::npos;
      }))
    return false;
  return colon == std::string_view::npos || valid_port(text.substr(colon + 1));
}

std::optional<Target> parse_target(std::string_view text, Method method) {
  Target target;
  if (text == "*") {
    if (method != Method::options) return std::nullopt;
    target.asterisk = true;
    target.path = "*";
    return target;
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.size() < scheme.size() || !iequals(text.substr(0, scheme.size()), scheme)) continue;
    text.remove_prefix(scheme.size());
    const auto end = std::min(text.find_first_of("/?"), text.size());
    target.authority = text.substr(0, end);
    if (!valid_authority(target.authority)) return std::nullopt;
    text.remove_prefix(end);
    break;
  }
  const auto question = text.find('?');
  auto path = text.substr(0, question);
  if (path.empty() && !target.authority.empty()) path = "/";
  if (!parse_path(path, target)) return std::nullopt;
  if (question != std::string_view::npos && !parse_query(text.substr(question + 1), target))
    return std::nullopt;
  return target;
}

}  // namespace dropline::http
