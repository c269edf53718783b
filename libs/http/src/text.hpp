#pragma once

#include <cstddef>
#include <string_view>

namespace dropline::http {

/// tchar of RFC 9110.
[[nodiscard]] bool is_token_char(char c) noexcept;
[[nodiscard]] bool is_token(std::string_view text) noexcept;

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
[[nodiscard]] bool iequals(std::string_view a, std::string_view b) noexcept;
/// Without spaces and tabs around it.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// Bytes of the UTF-8 character at the start of `text`; 0 when there is none that is well formed
/// (surrogates, overlong forms and what lies beyond U+10FFFF are not).
[[nodiscard]] std::size_t utf8_size(std::string_view text) noexcept;
/// Well-formed UTF-8 without control characters.
[[nodiscard]] bool printable_utf8(std::string_view text) noexcept;

/// 0 to 15, or -1.
[[nodiscard]] constexpr int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The next element of a comma-separated list, trimmed; commas within quoted strings do not count.
/// Takes it off `rest`; false at the end.
[[nodiscard]] bool next_element(std::string_view& rest, std::string_view& element) noexcept;

}  // namespace dropline::http
