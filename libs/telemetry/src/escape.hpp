#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dropline::telemetry {

/// Appends `text` as the inside of a JSON string. What is not UTF-8 becomes U+FFFD, so that the
/// line stays readable by strict parsers.
void append_json_text(std::string& out, std::string_view text);
/// The same with quotes around it.
void append_json_string(std::string& out, std::string_view text);

/// Appends `text` for a terminal: control characters, C1 included, and characters that reorder text
/// are written as escapes, so that a value can neither start a line nor colour the screen.
void append_printable(std::string& out, std::string_view text);
/// The same, in quotes where a bare word could be misread.
void append_printable_value(std::string& out, std::string_view text);

/// Cuts at a character's boundary and says how much is missing.
[[nodiscard]] std::string cut(std::string_view text, std::size_t limit);

/// Shortest form that reads back as the same number; "NaN", "Infinity", "-Infinity".
void append_number(std::string& out, double number);
void append_number(std::string& out, std::int64_t number);
void append_number(std::string& out, std::uint64_t number);

/// "1.234s", "15.3ms", "7us", "250ns": three or four digits, for people.
void append_span(std::string& out, std::chrono::nanoseconds span);

/// Lower case hex digits of bytes.
void append_hex(std::string& out, const std::uint8_t* bytes, std::size_t count);

}  // namespace dropline::telemetry
