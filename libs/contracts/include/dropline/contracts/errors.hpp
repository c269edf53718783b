#pragma once

#include <string>
#include <system_error>

#include "dropline/base/error.hpp"

namespace dropline::contracts {

/// What can be wrong with a message. All permanent: the same bytes fail every time, so a worker
/// makes a dead letter of the record and goes on. The code's message is the stable reason in dead
/// letters and problem details ("bad_json", "missing_field", …); the detail names the field as a
/// JSON pointer (RFC 6901).
enum class Errc {
  bad_json = 1,     ///< not JSON, not UTF-8, or a string holds U+0000
  too_large,        ///< longer than kMaxBodyBytes
  too_deep,         ///< nested deeper than kMaxDepth
  duplicate_field,  ///< an object names a field twice
  missing_field,
  wrong_type,       ///< such as text where a number is asked for, or a number that is not whole
  out_of_range,     ///< a number, length or count beyond its bounds
  bad_value,        ///< not of its form: an id, a time, a digest, a name that is not in the list
  contradiction,    ///< each field is right, but not together
  unknown_type,     ///< no message goes by this type here
  bad_envelope,     ///< the CloudEvents attributes are incomplete or malformed
  wrong_key,        ///< the record's key or partition does not fit its content
  forbidden,        ///< a command that needs a signature has none, or not a good one
  wrong_order_id,   ///< the order's id is not the one that member, drop and key give
  wrong_body_hash,  ///< the hash given is not that of the command
};

[[nodiscard]] const ErrorCategory& category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}
[[nodiscard]] inline Error error(Errc code, std::string detail) {
  return {make_error_code(code), std::move(detail)};
}

}  // namespace dropline::contracts

template <>
struct std::is_error_code_enum<dropline::contracts::Errc> : std::true_type {};
