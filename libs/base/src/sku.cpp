#include "dropline/base/sku.hpp"

#include <algorithm>

namespace dropline {

std::optional<Sku> Sku::parse(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (text.empty() || text.size() > kMaxLength || !std::ranges::all_of(text, allowed))
    return std::nullopt;
  return Sku(text);
}

}  // namespace dropline
