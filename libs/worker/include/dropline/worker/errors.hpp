#pragma once

#include <string>
#include <system_error>

#include "dropline/base/error.hpp"

namespace dropline::worker {

enum class Errc {
  // transient
  fenced = 1,     ///< another owner claimed the shard since; claim again if it is still assigned
  clock_skew,     ///< this machine's clock and the database's differ by more than a second
  publish_stuck,  ///< the broker does not take what was committed; the outbox keeps it
  // permanent
  rejected,  ///< a service could not apply a record; the detail says why
  // fatal
  records_lost,   ///< the log no longer holds what the shard has read, or holds something else
  bad_shard_row,  ///< the shard's row was damaged
  bad_frame,      ///< an outbox row cannot be read
};

[[nodiscard]] const ErrorCategory& category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}
[[nodiscard]] inline Error error(Errc code, std::string detail) {
  return {make_error_code(code), std::move(detail)};
}

}  // namespace dropline::worker

template <>
struct std::is_error_code_enum<dropline::worker::Errc> : std::true_type {};
