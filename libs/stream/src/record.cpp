#include "dropline/stream/record.hpp"

#include <algorithm>

namespace dropline::stream {

std::optional<std::string_view> find_header(std::span<const Header> headers,
                                            std::string_view name) noexcept {
  const auto found = std::ranges::find(headers, name, &Header::name);
  return found == headers.end() ? std::nullopt : found->value;
}

}  // namespace dropline::stream
