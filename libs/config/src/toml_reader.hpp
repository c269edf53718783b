#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "dropline/base/error.hpp"

namespace dropline::config {

/// A TOML file as the loader needs it: keys, kinds, texts and lines.
struct TomlNode {
  enum class Kind { table, text, integer, number, boolean, list, mixed_list, date };

  std::string key;
  std::uint32_t line = 0;
  Kind kind = Kind::table;
  std::string text;                ///< of text, integer, number, boolean: as it is read back
  std::vector<std::string> items;  ///< of a list of texts
  std::vector<TomlNode> children;  ///< of a table, in the file's order
};

/// Reads `text`, which came from `path`; the error names the line.
[[nodiscard]] Result<TomlNode> read_toml(const std::string& text, const std::string& path);

/// The kind for people: "a whole number".
[[nodiscard]] std::string kind_text(TomlNode::Kind kind);

}  // namespace dropline::config
