#pragma once

#include <string>
#include <vector>

#include "dropline/base/error.hpp"

namespace dropline::config {

inline constexpr std::size_t kMaxSecretBytes = 64 * 1024;
inline constexpr std::size_t kMaxFileBytes = 1024 * 1024;

/// The whole of a file, at most `limit` bytes.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

/// A secret's text, less one newline at its end; not empty. Adds to `warnings` where others than
/// the owner may read the file.
[[nodiscard]] Result<std::string> read_secret_file(const std::string& path,
                                                   std::vector<std::string>& warnings);

}  // namespace dropline::config
