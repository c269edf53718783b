#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dropline/base/time.hpp"
#include "dropline/telemetry/log.hpp"

namespace dropline::telemetry::log {

/// A line before it is rendered; borrows everything.
struct Draft {
  Level level = Level::info;
  std::string_view logger;
  std::string_view message;
  std::string_view trace_id;
  Timestamp at;
  std::span<const Field> fields;
  std::uint64_t repeated = 0;  ///< of a line that closes a window of repeats: how many were counted
};

/// One JSON object and a newline.
[[nodiscard]] std::string render_json(const Draft& draft);
/// One line for people and a newline.
[[nodiscard]] std::string render_human(const Draft& draft, bool colour);
/// A field's value as bare text.
[[nodiscard]] std::string bare_text(const Value& value);

}  // namespace dropline::telemetry::log
