#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dropline::crypto {

/// RFC 4648 §5 without padding.
[[nodiscard]] std::string base64url_encode(std::span<const std::uint8_t> bytes);
[[nodiscard]] std::string base64url_encode(std::string_view bytes);

/// Strict: no padding, no white space, no characters of the other alphabet, and unused bits must be
/// zero. So each byte sequence has exactly one text, and a token cannot be varied without changing
/// it.
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);

/// The same, where the length is known; false (and `out` unspecified) unless it fits exactly.
[[nodiscard]] bool base64url_decode_into(std::string_view text,
                                         std::span<std::uint8_t> out) noexcept;

/// Characters that `bytes` bytes take.
[[nodiscard]] constexpr std::size_t base64url_length(std::size_t bytes) noexcept {
  return (bytes * 4 + 2) / 3;
}

}  // namespace dropline::crypto
