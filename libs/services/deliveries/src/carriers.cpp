#include "dropline/deliveries/carriers.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace dropline::deliveries {
namespace {

constexpr std::size_t kMaxCode = 40;
constexpr std::size_t kLeastNumber = 4;
constexpr std::size_t kMaxNumber = 40;

constexpr std::array kCarriers{
    Carrier{"cj", "CJ Logistics", "CJ대한통운", "9999999999 999999999999"},
    Carrier{"hanjin", "Hanjin", "한진택배", "9999999999 999999999999"},
    Carrier{"lotte", "Lotte", "롯데택배", "9999999999 999999999999"},
    Carrier{"logen", "Logen", "로젠택배", "9999999999 99999999999"},
    Carrier{"epost", "Korea Post", "우체국택배", "9999999999999 AA999999999AA"},
    Carrier{"kdexp", "Kyungdong", "경동택배", "999999999 9999999999 99999999999 999999999999"},
    Carrier{"dhl", "DHL", "DHL", "9999999999"},
    Carrier{"fedex", "FedEx", "FedEx", "999999999999 999999999999999"},
    Carrier{"ups", "UPS", "UPS", "1ZXXXXXXXXXXXXXXXX"},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}

bool has_form(std::string_view number, std::string_view form) {
  return std::ranges::equal(number, form, [](char c, char wanted) {
    switch (wanted) {
      case '9':
        return is_digit(c);
      case 'A':
        return is_capital(c);
      case 'X':
        return is_digit(c) || is_capital(c);
      default:
        return c == wanted;
    }
  });
}

bool has_one_of(std::string_view number, std::string_view forms) {
  while (!forms.empty()) {
    const auto end = std::min(forms.find(' '), forms.size());
    if (has_form(number, forms.substr(0, end))) return true;
    forms.remove_prefix(std::min(end + 1, forms.size()));
  }
  return false;
}

bool is_code(std::string_view code) {
  return !code.empty() && code.size() <= kMaxCode && std::ranges::all_of(code, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
  });
}

}  // namespace

std::span<const Carrier> carriers() noexcept {
  return kCarriers;
}

const Carrier* find_carrier(std::string_view code) noexcept {
  const auto* found = std::ranges::find(kCarriers, code, &Carrier::code);
  return found == kCarriers.end() ? nullptr : found;
}

std::optional<std::string> waybill_of(std::string_view carrier, std::string_view number) {
  if (!is_code(carrier)) return std::nullopt;
  std::string kept;
  for (const char c : number) {
    if (c == ' ' || c == '-') continue;
    kept += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  const bool plain = std::ranges::all_of(kept, [](char c) { return is_digit(c) || is_capital(c); });
  if (!plain || kept.size() < kLeastNumber || kept.size() > kMaxNumber) return std::nullopt;
  const auto* known = find_carrier(carrier);
  if (known != nullptr && !has_one_of(kept, known->forms)) return std::nullopt;
  return kept;
}

}  // namespace dropline::deliveries
