#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "dropline/base/error.hpp"

/// How values are written, in files, variables and flags alike. Pure. An error's detail says what
/// is wrong with the text and what is allowed; it does not name the option.
namespace dropline::config {

/// "15m", "250ms", "3d", "1h30m": whole numbers with us, ms, s, m, h, d or w, larger units first,
/// each once; or a bare 0. Spaces around the text and before a unit are ignored. Not negative; up
/// to kMaxDuration.
inline constexpr std::chrono::nanoseconds kMaxDuration = std::chrono::hours(24 * 36'500);
[[nodiscard]] Result<std::chrono::nanoseconds> parse_duration(std::string_view text);
/// The shortest form that parse_duration reads back: "1h30m", "250ms", "0s". Below a microsecond
/// is cut off.
[[nodiscard]] std::string format_duration(std::chrono::nanoseconds span);

/// "64KiB", "10 MB", "512": whole numbers of bytes, or with B, KiB, MiB, GiB, TiB (1024) or kB,
/// MB, GB, TB (1000). Not negative, up to 2^63-1.
[[nodiscard]] Result<std::int64_t> parse_bytes(std::string_view text);
/// The largest unit that keeps the number whole: "64KiB", "1000B".
[[nodiscard]] std::string format_bytes(std::int64_t bytes);

/// Decimal digits with an optional minus; '_' or ',' are not taken.
[[nodiscard]] Result<std::int64_t> parse_integer(std::string_view text);
/// A finite decimal number.
[[nodiscard]] Result<double> parse_number(std::string_view text);
/// "true", "yes", "on", "1"; "false", "no", "off", "0"; either case.
[[nodiscard]] Result<bool> parse_boolean(std::string_view text);

/// A host and a port, to listen on or to connect to. IPv6 hosts are written in brackets and kept
/// without.
struct Address {
  std::string host;
  std::uint16_t port = 0;

  [[nodiscard]] std::string text() const;
  bool operator==(const Address&) const = default;
};

/// "127.0.0.1:8080", "[::1]:8080", "broker-1:9092". A host and a port are both needed; port 0 is
/// read (whether an option takes it is its range).
[[nodiscard]] Result<Address> parse_address(std::string_view text);

/// "scheme://[user[:password]@]host[:port][/…]"; checked for form only.
[[nodiscard]] Status check_url(std::string_view text);
/// The URL with passwords (in the authority, or as a query parameter named like one) hidden.
[[nodiscard]] std::string redact_url(std::string_view text);

}  // namespace dropline::config
