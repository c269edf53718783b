#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dropline {

/// An ISO 4217 code: three capital letters.
class Currency final {
 public:
  constexpr Currency() = default;
  [[nodiscard]] static std::optional<Currency> parse(std::string_view text) noexcept;

  [[nodiscard]] std::string_view text() const noexcept { return {letters_.data(), 3}; }
  /// Digits after the decimal point of the major unit: 0 for KRW, 2 for USD.
  [[nodiscard]] int minor_digits() const noexcept;
  auto operator<=>(const Currency&) const = default;

 private:
  std::array<char, 3> letters_{'K', 'R', 'W'};
};

/// An amount in minor units. Arithmetic is checked: what overflows or mixes currencies is nullopt,
/// never a wrong amount.
struct Money {
  std::int64_t minor = 0;
  Currency currency;

  [[nodiscard]] std::optional<Money> plus(const Money& other) const noexcept;
  [[nodiscard]] std::optional<Money> minus(const Money& other) const noexcept;
  [[nodiscard]] std::optional<Money> times(std::int64_t factor) const noexcept;

  bool operator==(const Money&) const = default;
};

}  // namespace dropline
