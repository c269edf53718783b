#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "dropline/base/uuid.hpp"
#include "dropline/http/exchange.hpp"

namespace dropline::shop {

/// `next` of a page whose rows stand by time and id: "<time><mark><id>" of its last row.
struct PageEnd {
  std::int64_t time = 0;  ///< in the resource's own unit
  Uuid id;
};
[[nodiscard]] std::optional<PageEnd> parse_page_end(std::string_view text, char mark);

/// `next` of a page whose rows are numbered from 1 on.
[[nodiscard]] std::optional<std::int64_t> parse_page_number(std::string_view text);

/// Answers an `after` that is no `next` of ours.
void refuse_after(const http::ExchangePtr& exchange);

/// Where a page begins, from `?after=`: what `parse` makes of it, empty where there is none. Or has
/// answered what is none.
template <class Parse>
auto page_after(const http::ExchangePtr& exchange, Parse parse) {
  using Place = decltype(parse(std::string_view()));
  std::optional<Place> out(std::in_place);
  if (const auto text = exchange->request().query("after")) {
    *out = parse(*text);
    if (!*out) {
      refuse_after(exchange);
      out.reset();
    }
  }
  return out;
}

}  // namespace dropline::shop
