#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace dropline {

/// UTC, microseconds: what databases keep. Kafka keeps milliseconds.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

[[nodiscard]] constexpr std::int64_t unix_ms(Timestamp at) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
}
[[nodiscard]] constexpr std::int64_t unix_us(Timestamp at) noexcept {
  return at.time_since_epoch().count();
}
[[nodiscard]] constexpr Timestamp from_unix_ms(std::int64_t ms) noexcept {
  return Timestamp(std::chrono::milliseconds(ms));
}
[[nodiscard]] constexpr Timestamp from_unix_us(std::int64_t us) noexcept {
  return Timestamp(std::chrono::microseconds(us));
}

/// RFC 3339 with `Z`: "2026-03-01T09:00:00Z", with milliseconds or microseconds where they are
/// not zero.
[[nodiscard]] std::string rfc3339(Timestamp at);

/// The same without allocating: writes at most kRfc3339Length characters, answers how many. Years
/// 0 to 9999.
inline constexpr std::size_t kRfc3339Length = 27;
std::size_t write_rfc3339(Timestamp at, char* out) noexcept;

/// RFC 3339 with `Z` or an offset, years 1970 to 2200; anything else is nullopt.
[[nodiscard]] std::optional<Timestamp> parse_rfc3339(std::string_view text) noexcept;

}  // namespace dropline
