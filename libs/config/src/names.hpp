#pragma once

#include <string>
#include <string_view>

namespace dropline::config {

/// Words of a-z, 0-9 and '_' that begin with a letter, joined by dots.
[[nodiscard]] bool good_name(std::string_view name) noexcept;
/// Whether a free key's value is to be hidden.
[[nodiscard]] bool looks_secret(std::string_view key);

inline constexpr std::string_view kVariablePrefix = "DROPLINE_";
inline constexpr std::string_view kConfigVariable = "DROPLINE_CONFIG";
inline constexpr std::string_view kFileSuffix = "_file";

}  // namespace dropline::config
