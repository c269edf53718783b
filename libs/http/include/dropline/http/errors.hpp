#pragma once

#include <string>
#include <system_error>

#include "dropline/base/error.hpp"

namespace dropline::http {

enum class Errc {
  // transient
  timed_out = 1,  ///< the peer did not answer within the bound given
  unreachable,    ///< no connection to the peer
  closed,         ///< the peer closed the connection before the answer was whole
  // permanent: tokens (the code's text is stable and safe to show)
  token_malformed,    ///< not three base64url parts of JSON, too long, or claims missing
  token_algorithm,    ///< `alg` is anything but EdDSA
  token_unknown_key,  ///< no key of that `kid`
  token_signature,    ///< the signature does not fit
  token_expired,      ///< `exp` has passed
  token_not_yet,      ///< `nbf` or `iat` lies ahead
  token_issuer,       ///< another issuer's
  token_audience,     ///< meant for somebody else
  // permanent
  bad_response,  ///< the peer's answer is not HTTP, or larger than the bound
  // fatal
  address_in_use,  ///< something else listens there; the detail names address, port and cure
  bad_address,     ///< not an IP address of this machine
  not_permitted,   ///< the port needs a privilege that this process lacks
  bad_options,     ///< the options contradict themselves; the detail says which
  failed,          ///< the detail says what
};

[[nodiscard]] const ErrorCategory& category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}
[[nodiscard]] inline Error error(Errc code, std::string detail) {
  return {make_error_code(code), std::move(detail)};
}

}  // namespace dropline::http

template <>
struct std::is_error_code_enum<dropline::http::Errc> : std::true_type {};
