#include "dropline/base/money.hpp"

#include <algorithm>

namespace dropline {

std::optional<Currency> Currency::parse(std::string_view text) noexcept {
  if (text.size() != 3 || !std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; }))
    return std::nullopt;
  Currency currency;
  std::ranges::copy(text, currency.letters_.begin());
  return currency;
}

int Currency::minor_digits() const noexcept {
  constexpr std::string_view kNone[] = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY",
                                        "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
                                        "VND", "VUV", "XAF", "XOF", "XPF"};
  constexpr std::string_view kThree[] = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"};
  if (std::ranges::find(kNone, text()) != std::end(kNone)) return 0;
  if (std::ranges::find(kThree, text()) != std::end(kThree)) return 3;
  return 2;
}

std::optional<Money> Money::plus(const Money& other) const noexcept {
  Money sum{0, currency};
  if (currency != other.currency || __builtin_add_overflow(minor, other.minor, &sum.minor))
    return std::nullopt;
  return sum;
}

std::optional<Money> Money::minus(const Money& other) const noexcept {
  Money difference{0, currency};
  if (currency != other.currency || __builtin_sub_overflow(minor, other.minor, &difference.minor))
    return std::nullopt;
  return difference;
}

std::optional<Money> Money::times(std::int64_t factor) const noexcept {
  Money product{0, currency};
  if (__builtin_mul_overflow(minor, factor, &product.minor)) return std::nullopt;
  return product;
}

}  // namespace dropline
