#pragma once

#include <string>
#include <system_error>

#include "dropline/base/error.hpp"

namespace dropline::config {

/// All of them permanent: somebody must change a file, a variable or a command.
enum class Errc {
  usage = 1,        ///< the command line itself: unknown command or flag, missing value or argument
  unknown_key,      ///< a key, variable or flag that no option has
  bad_value,        ///< not of the option's type, out of its range, or against a rule
  missing_value,    ///< a required option that nobody gave
  unreadable_file,  ///< a file named by a flag, a variable or a key
  bad_syntax,       ///< not TOML
};

[[nodiscard]] const ErrorCategory& category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}
[[nodiscard]] inline Error error(Errc code, std::string detail) {
  return {make_error_code(code), std::move(detail)};
}

/// The exit code for every error of this room.
inline constexpr int kExitUsage = 2;

}  // namespace dropline::config

template <>
struct std::is_error_code_enum<dropline::config::Errc> : std::true_type {};
