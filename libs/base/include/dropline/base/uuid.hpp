#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace dropline {

/// 128 bits in RFC 9562 byte order; ordering is byte order, so version 7 and our version 8 ids
/// sort by time.
struct Uuid {
  static constexpr std::size_t kTextLength = 36;

  std::array<std::uint8_t, 16> bytes{};

  /// Accepts exactly the 36-character form, either case; nothing else.
  [[nodiscard]] static std::optional<Uuid> parse(std::string_view text) noexcept;

  /// Lower case, 36 characters.
  [[nodiscard]] std::string text() const;
  void write_text(char* out36) const noexcept;

  [[nodiscard]] int version() const noexcept { return bytes[6] >> 4; }
  [[nodiscard]] bool nil() const noexcept { return bytes == decltype(bytes){}; }
  /// The 48-bit millisecond time of a version 7 id (meaningless for others).
  [[nodiscard]] std::uint64_t unix_ms() const noexcept;

  auto operator<=>(const Uuid&) const = default;
};

}  // namespace dropline

template <>
struct std::hash<dropline::Uuid> {
  std::size_t operator()(const dropline::Uuid& id) const noexcept {
    std::uint64_t high;
    std::uint64_t low;
    std::memcpy(&high, id.bytes.data(), 8);
    std::memcpy(&low, id.bytes.data() + 8, 8);
    return static_cast<std::size_t>(high * 0x9E3779B97F4A7C15ULL ^ low);
  }
};
