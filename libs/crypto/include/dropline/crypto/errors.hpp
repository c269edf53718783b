#pragma once

#include <string>
#include <system_error>

#include "dropline/base/error.hpp"

namespace dropline::crypto {

/// All permanent: the same input fails every time.
enum class Errc {
  bad_format = 1,  ///< the text is not of the form that it claims
  unknown_key,     ///< sealed or signed with a key that is not at hand
  not_authentic,   ///< altered, or made with another key or for another purpose
  too_large,       ///< longer than the bound
};

[[nodiscard]] const ErrorCategory& category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}
[[nodiscard]] inline Error error(Errc code, std::string detail) {
  return {make_error_code(code), std::move(detail)};
}

}  // namespace dropline::crypto

template <>
struct std::is_error_code_enum<dropline::crypto::Errc> : std::true_type {};
