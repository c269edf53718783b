#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dropline::config {

[[nodiscard]] std::string_view trim(std::string_view text) noexcept;
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// With control characters as escapes, for a terminal.
[[nodiscard]] std::string printable(std::string_view text);
/// In quotes, as JSON and TOML both read it.
[[nodiscard]] std::string quoted(std::string_view text);
/// Breaks at spaces so that no line is longer than `columns`; each begins with `indent`.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t columns,
                                  std::string_view indent);
[[nodiscard]] std::string padded(std::string text, std::size_t columns);

}  // namespace dropline::config
