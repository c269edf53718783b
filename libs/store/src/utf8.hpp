#pragma once

#include <string_view>

namespace dropline::store {

/// Well-formed UTF-8 (no surrogates, no overlong forms) without NUL: what a text column takes in
/// every dialect.
[[nodiscard]] bool is_plain_text(std::string_view text) noexcept;

}  // namespace dropline::store
