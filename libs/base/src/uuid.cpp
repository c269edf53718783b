#include "dropline/base/uuid.hpp"

namespace dropline {
namespace {

/// By character; a table, because ids are read for every message and branches on random digits are
/// mispredicted half the time.
constexpr auto kDigitValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i)
    values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(10 + i);
  }
  return values;
}();

constexpr int hex_digit(char c) noexcept {
  return kDigitValues[static_cast<unsigned char>(c)];
}

constexpr bool dash_at(std::size_t i) noexcept {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

}  // namespace

std::optional<Uuid> Uuid::parse(std::string_view text) noexcept {
  if (text.size() != kTextLength) return std::nullopt;
  Uuid id;
  std::size_t byte = 0;
  for (std::size_t i = 0; i < kTextLength;) {
    if (dash_at(i)) {
      if (text[i] != '-') return std::nullopt;
      ++i;
      continue;
    }
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[byte++] = static_cast<std::uint8_t>(high << 4 | low);
    i += 2;
  }
  return id;
}

void Uuid::write_text(char* out36) const noexcept {
  constexpr char kDigits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *out36++ = '-';
    *out36++ = kDigits[bytes[i] >> 4];
    *out36++ = kDigits[bytes[i] & 15];
  }
}

std::string Uuid::text() const {
  std::string out(kTextLength, '\0');
  write_text(out.data());
  return out;
}

std::uint64_t Uuid::unix_ms() const noexcept {
  std::uint64_t ms = 0;
  for (int i = 0; i < 6; ++i)
    ms = ms << 8 | bytes[static_cast<std::size_t>(i)];
  return ms;
}

}  // namespace dropline
