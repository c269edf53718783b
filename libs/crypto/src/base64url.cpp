#include "dropline/crypto/base64url.hpp"

#include <array>

namespace dropline::crypto {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNone = 0xFF;

constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

/// Bytes in `length` characters; nullopt where no byte sequence has that length.
constexpr std::optional<std::size_t> decoded_length(std::size_t length) noexcept {
  if (length % 4 == 1) return std::nullopt;
  return length / 4 * 3 + (length % 4 == 0 ? 0 : length % 4 - 1);
}

}  // namespace

std::string base64url_encode(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve(base64url_length(bytes.size()));
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const auto byte : bytes) {
    bits = (bits << 8 | byte) & 0xFFFF;
    for (held += 8; held >= 6;) {
      held -= 6;
      text += kAlphabet[bits >> held & 63];
    }
  }
  if (held > 0) text += kAlphabet[bits << (6 - held) & 63];
  return text;
}

std::string base64url_encode(std::string_view bytes) {
  return base64url_encode(
      std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

bool base64url_decode_into(std::string_view text, std::span<std::uint8_t> out) noexcept {
  if (decoded_length(text.size()) != out.size()) return false;
  std::uint32_t bits = 0;
  unsigned held = 0;
  std::size_t written = 0;
  for (const char c : text) {
    const auto value = kValues[static_cast<unsigned char>(c)];
    if (value == kNone) return false;
    bits = (bits << 6 | value) & 0xFFFF;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[written++] = static_cast<std::uint8_t>(bits >> held);
    }
  }
  return (bits & ((1U << held) - 1)) == 0;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  const auto length = decoded_length(text.size());
  if (!length) return std::nullopt;
  std::string bytes(*length, '\0');
  if (!base64url_decode_into(text, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()}))
    return std::nullopt;
  return bytes;
}

}  // namespace dropline::crypto
