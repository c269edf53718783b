#include "dropline/http/request.hpp"

#include <algorithm>

#include "dropline/base/ensure.hpp"
#include "target.hpp"
#include "text.hpp"

namespace dropline::http {
namespace {

constexpr std::string_view kMethods[kMethodCount] = {"GET",   "HEAD",   "POST",   "PUT",
                                                     "PATCH", "DELETE", "OPTIONS"};

/// A weight of RFC 9110 in thousandths; -1 for what is none.
int parse_weight(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return -1;
  int weight = (text[0] - '0') * 1000;
  if (text.size() == 1) return weight;
  if (text[1] != '.') return -1;
  int unit = 100;
  for (const char c : text.substr(2)) {
    if (c < '0' || c > '9') return -1;
    weight += (c - '0') * unit;
    unit /= 10;
  }
  return weight <= 1000 ? weight : -1;
}

/// How well a language range fits; the most specific one decides.
void weigh(std::string_view range, int weight, std::string_view language, int& best_size,
           int& best_weight) noexcept {
  const auto primary = range.substr(0, range.find('-'));
  int size = -1;
  if (range == "*") size = 0;
  if (iequals(primary, language)) size = iequals(range, language) ? 2 : 1;
  // "ko-KR" and "ko" both speak for Korean: the weightier of the two.
  if (size > 0 && best_size > 0) {
    best_weight = std::max(best_weight, weight);
  } else if (size > best_size) {
    best_size = size;
    best_weight = weight;
  }
}

}  // namespace

std::string_view to_text(Method method) noexcept {
  return kMethods[static_cast<std::size_t>(method)];
}

std::optional<Method> parse_method(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kMethodCount; ++i) {
    if (text == kMethods[i]) return static_cast<Method>(i);
  }
  return std::nullopt;
}

Language preferred_language(std::string_view accept_language) noexcept {
  int english_size = -1;
  int english = 0;
  int korean_size = -1;
  int korean = 0;
  bool english_first = true;
  bool decided = false;
  std::string_view element;
  while (next_element(accept_language, element)) {
    const auto semicolon = element.find(';');
    const auto range = trim(element.substr(0, semicolon));
    int weight = 1000;
    if (semicolon != std::string_view::npos) {
      const auto parameter = trim(element.substr(semicolon + 1));
      if (parameter.size() < 3 || lower(parameter[0]) != 'q' || parameter[1] != '=') continue;
      weight = parse_weight(parameter.substr(2));
      if (weight < 0) continue;
    }
    const auto primary = range.substr(0, range.find('-'));
    if (!decided && (iequals(primary, "ko") || iequals(primary, "en"))) {
      english_first = iequals(primary, "en");
      decided = true;
    }
    weigh(range, weight, "en", english_size, english);
    weigh(range, weight, "ko", korean_size, korean);
  }
  if (korean > english) return Language::ko;
  // Equal weights: the order given is what people mean by it ("ko, en").
  return korean > 0 && korean == english && !english_first ? Language::ko : Language::en;
}

std::string_view Request::path_parameter(std::string_view name) const noexcept {
  for (const auto& [known, value] : parts_.path_parameters) {
    if (known == name) return value;
  }
  return {};
}

std::optional<std::string_view> Request::query(std::string_view name) const noexcept {
  for (const auto& [known, value] : parts_.query) {
    if (known == name) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
  const std::string_view head = parts_.head;
  for (const auto& span : parts_.headers) {
    if (span.name_size == name.size() && iequals(head.substr(span.name_at, span.name_size), name))
      return head.substr(span.value_at, span.value_size);
  }
  return std::nullopt;
}

bool Request::header_repeated(std::string_view name) const noexcept {
  const std::string_view head = parts_.head;
  return std::ranges::count_if(parts_.headers, [&](const Parts::Span& span) {
           return iequals(head.substr(span.name_at, span.name_size), name);
         }) > 1;
}

void Request::each_header(
    const std::function<void(std::string_view, std::string_view)>& visit) const {
  const std::string_view head = parts_.head;
  for (const auto& span : parts_.headers)
    visit(head.substr(span.name_at, span.name_size), head.substr(span.value_at, span.value_size));
}

std::optional<std::string_view> Request::preference(std::string_view name) const noexcept {
  const std::string_view head = parts_.head;
  for (const auto& span : parts_.headers) {
    if (!iequals(head.substr(span.name_at, span.name_size), "prefer")) continue;
    auto rest = head.substr(span.value_at, span.value_size);
    std::string_view element;
    while (next_element(rest, element)) {
      element = trim(element.substr(0, element.find(';')));
      const auto equals = element.find('=');
      if (!iequals(trim(element.substr(0, equals)), name)) continue;
      if (equals == std::string_view::npos) return std::string_view();
      auto value = trim(element.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      return value;
    }
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::bearer_token() const noexcept {
  constexpr std::string_view kScheme = "bearer ";
  const auto value = header("authorization");
  if (!value || value->size() <= kScheme.size() || header_repeated("authorization"))
    return std::nullopt;
  if (!iequals(value->substr(0, kScheme.size()), kScheme)) return std::nullopt;
  const auto token = trim(value->substr(kScheme.size()));
  if (token.empty() || token.find_first_of(" \t") != std::string_view::npos) return std::nullopt;
  return token;
}

bool Request::content_type_is(std::string_view type) const noexcept {
  const auto value = header("content-type");
  return value && !header_repeated("content-type") &&
         iequals(trim(value->substr(0, value->find(';'))), type);
}

Request make_request(Method method, std::string_view target,
                     const std::vector<Request::Header>& headers, std::string body) {
  auto parsed = parse_target(target, method);
  ensure(parsed.has_value(), "make_request() is given a valid target");
  Request::Parts parts;
  parts.method = method;
  parts.target = target;
  parts.path = std::move(parsed->path);
  parts.query = std::move(parsed->query);
  parts.body = std::move(body);
  parts.client_address = "127.0.0.1";
  for (const auto& header : headers) {
    const auto name_at = static_cast<std::uint32_t>(parts.head.size());
    parts.head += header.name;
    const auto value_at = static_cast<std::uint32_t>(parts.head.size());
    parts.head += header.value;
    parts.headers.push_back({name_at, static_cast<std::uint32_t>(header.name.size()), value_at,
                             static_cast<std::uint32_t>(header.value.size())});
  }
  return Request(std::move(parts));
}

}  // namespace dropline::http
