#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dropline/crypto/sha256.hpp"

namespace dropline::crypto {

/// Lower case, two digits a byte.
[[nodiscard]] std::string hex_encode(std::span<const std::uint8_t> bytes);

/// Either case, an even number of digits and nothing else.
[[nodiscard]] std::optional<std::string> hex_decode(std::string_view text);

/// 64 lower-case digits exactly: a digest has one text only, so texts can be compared.
[[nodiscard]] std::optional<Digest> parse_digest(std::string_view text) noexcept;
/// Writes 64 characters.
void write_digest(const Digest& digest, char* out64) noexcept;

}  // namespace dropline::crypto
