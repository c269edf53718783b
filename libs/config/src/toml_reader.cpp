#include "toml_reader.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "dropline/config/errors.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

using Kind = TomlNode::Kind;

std::string number_text(double number) {
  std::array<char, 40> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

void fill_list(const toml::array& array, TomlNode& node) {
  node.kind = Kind::list;
  for (const toml::node& item : array) {
    if (const auto* text = item.as_string()) {
      node.items.push_back(text->get());
    } else {
      node.kind = Kind::mixed_list;
    }
  }
}

// The parser bounds how deep tables nest.
void fill(const toml::node& from, TomlNode& node) {
  if (const auto* table = from.as_table()) {
    node.kind = Kind::table;
    for (const auto& [key, value] : *table) {
      TomlNode child;
      child.key = std::string(key.str());
      child.line = key.source().begin.line;
      fill(value, child);
      node.children.push_back(std::move(child));
    }
    std::stable_sort(node.children.begin(), node.children.end(),
                     [](const TomlNode& a, const TomlNode& b) { return a.line < b.line; });
  } else if (const auto* array = from.as_array()) {
    fill_list(*array, node);
  } else if (const auto* text = from.as_string()) {
    node.kind = Kind::text;
    node.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.kind = Kind::integer;
    node.text = std::to_string(integer->get());
  } else if (const auto* number = from.as_floating_point()) {
    node.kind = Kind::number;
    node.text = number_text(number->get());
  } else if (const auto* truth = from.as_boolean()) {
    node.kind = Kind::boolean;
    node.text = truth->get() ? "true" : "false";
  } else {
    node.kind = Kind::date;
  }
}

/// The first line with more dots outside of quotes than any of our keys has; 0 for none. Each dot
/// of a key makes a table in a table, and the parser bounds only brackets.
std::uint32_t too_deep_line(const std::string& text) noexcept {
  constexpr int kMaxDots = 128;
  std::uint32_t line = 1;
  int dots = 0;
  char quote = 0;
  for (const char c : text) {
    if (c == '\n') {
      ++line;
      dots = 0;
      quote = 0;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '.' && ++dots > kMaxDots) {
      return line;
    }
  }
  return 0;
}

}  // namespace

Result<TomlNode> read_toml(const std::string& text, const std::string& path) {
  if (const std::uint32_t line = too_deep_line(text); line > 0) {
    return error(Errc::bad_syntax,
                 path + ":" + std::to_string(line) + ": keys are nested too deep");
  }
  try {
    const toml::table table = toml::parse(text, path);
    TomlNode root;
    fill(table, root);
    return root;
  } catch (const toml::parse_error& failure) {
    return error(Errc::bad_syntax, path + ":" + std::to_string(failure.source().begin.line) + ": " +
                                       printable(failure.description()));
  }
}

std::string kind_text(Kind kind) {
  switch (kind) {
    case Kind::table:
      return "a table";
    case Kind::text:
      return "a text";
    case Kind::integer:
      return "a whole number";
    case Kind::number:
      return "a decimal number";
    case Kind::boolean:
      return "true or false";
    case Kind::list:
      return "a list of texts";
    case Kind::mixed_list:
      return "a list of other things than texts";
    case Kind::date:
      return "a date or time";
  }
  return {};
}

}  // namespace dropline::config
