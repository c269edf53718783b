#include "dropline/crypto/hex.hpp"

namespace dropline::crypto {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

/// By character; upper case is told apart by kUpper.
constexpr std::int8_t kUpper = 0x10;
constexpr auto kValues = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 10; ++i)
    values[static_cast<std::size_t>('0' + i)] = static_cast<std::int8_t>(i);
  for (int i = 0; i < 6; ++i) {
    values[static_cast<std::size_t>('a' + i)] = static_cast<std::int8_t>(10 + i);
    values[static_cast<std::size_t>('A' + i)] = static_cast<std::int8_t>(kUpper | (10 + i));
  }
  return values;
}();

constexpr int digit(char c, bool either_case) noexcept {
  const int value{kValues[static_cast<unsigned char>(c)]};  // NOLINT: -1 means none
  if (value < kUpper) return value;
  return either_case ? value & 0x0F : -1;
}

}  // namespace

std::string hex_encode(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i], true);
    const int low = digit(text[i + 1], true);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::optional<Digest> parse_digest(std::string_view text) noexcept {
  Digest digest;
  if (text.size() != digest.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = digit(text[2 * i], false);
    const int low = digit(text[2 * i + 1], false);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return digest;
}

void write_digest(const Digest& digest, char* out64) noexcept {
  for (const auto byte : digest) {
    *out64++ = kDigits[byte >> 4];
    *out64++ = kDigits[byte & 15];
  }
}

}  // namespace dropline::crypto
