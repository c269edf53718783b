#pragma once

#include <string>
#include <system_error>

#include "dropline/base/error.hpp"

namespace dropline::stream {

enum class Errc {
  // transient
  queue_full = 1,  ///< too much in flight; nothing was taken; try again later
  unreachable,     ///< no broker answers; the detail names the addresses tried
  timed_out,       ///< no answer within the bound given
  disk_full,       ///< the log cannot grow; nothing was lost
  // permanent
  too_large,      ///< key, value and headers together exceed the record limit
  unknown_topic,  ///< the topic does not exist
  bad_partition,  ///< the partition does not exist
  bad_record,     ///< reserved header name, name too long, …
  // fatal
  wrong_partition_count,  ///< the topic has another number of partitions than configured
  position_lost,          ///< the log no longer holds the position: truncated, or started over
  locked,                 ///< another process writes to this log
  corrupt,                ///< the log's file is damaged or of a version this program does not know
  bad_config,             ///< an unknown or contradictory property
  closed,                 ///< this object was closed
  failed,                 ///< the detail says what
};

[[nodiscard]] const ErrorCategory& category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), category()};
}
[[nodiscard]] inline Error error(Errc code, std::string detail) {
  return {make_error_code(code), std::move(detail)};
}

}  // namespace dropline::stream

template <>
struct std::is_error_code_enum<dropline::stream::Errc> : std::true_type {};
