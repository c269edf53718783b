#include "text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace dropline::config {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

std::string escaped(std::string_view text, bool for_quotes) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (for_quotes && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", byte);
      out += code.data();
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += separator;
    out += parts[i];
  }
  return out;
}

std::string printable(std::string_view text) {
  return escaped(text, false);
}

std::string quoted(std::string_view text) {
  return '"' + escaped(text, true) + '"';
}

std::string wrapped(std::string_view text, std::size_t columns, std::string_view indent) {
  std::string out;
  for (const std::string& paragraph : split(text, '\n')) {
    std::string line;
    for (const std::string& word : split(paragraph, ' ')) {
      if (word.empty()) continue;
      if (!line.empty() && indent.size() + line.size() + 1 + word.size() > columns) {
        out.append(indent).append(line).append("\n");
        line.clear();
      }
      if (!line.empty()) line += ' ';
      line += word;
    }
    if (!line.empty()) out.append(indent).append(line);
    out += '\n';
  }
  return out;
}

std::string padded(std::string text, std::size_t columns) {
  const auto width = static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
  if (width < columns) text.append(columns - width, ' ');
  return text;
}

}  // namespace dropline::config
