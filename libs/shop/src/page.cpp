#include "page.hpp"

#include <charconv>

#include "dropline/http/problem.hpp"

namespace dropline::shop {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<PageEnd> parse_page_end(std::string_view text, char mark) {
  const auto at = text.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const auto time = whole_number(text.substr(0, at));
  const auto id = Uuid::parse(text.substr(at + 1));
  if (!time || !id) return std::nullopt;
  return PageEnd{*time, *id};
}

std::optional<std::int64_t> parse_page_number(std::string_view text) {
  const auto number = whole_number(text);
  return number && *number >= 1 ? number : std::nullopt;
}

void refuse_after(const http::ExchangePtr& exchange) {
  exchange->respond(
      http::bad_request(exchange->request().language(), "after: is no `next` of an earlier page")
          .response());
}

}  // namespace dropline::shop
