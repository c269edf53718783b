#include "escape.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace dropline::telemetry {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  ///< 0: not UTF-8
};

/// The first character, strictly: no overlong forms, no surrogates, nothing past U+10FFFF.
Character first_character(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = 0;
  std::uint32_t code = 0;
  std::uint32_t least = 0;
  if ((lead & 0xE0) == 0xC0) {
    length = 2, code = lead & 0x1F, least = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3, code = lead & 0x0F, least = 0x800;
  } else if ((lead & 0xF8) == 0xF0) {
    length = 4, code = lead & 0x07, least = 0x10000;
  }
  if (length == 0 || text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (at(i) & 0x3F);
  }
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length};
}

void append_unicode_escape(std::string& out, std::uint32_t code) {
  std::array<char, 12> text{};
  const int size = std::snprintf(text.data(), text.size(), "\\u%04x", code);
  out.append(text.data(), static_cast<std::size_t>(size));
}

void append_ascii_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      append_unicode_escape(out, static_cast<unsigned char>(c));
  }
}

/// Marks that change the direction of what follows, and characters without a shape of their own.
bool unprintable(std::uint32_t code) noexcept {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || (code >= 0x200B && code <= 0x200F) ||
         (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size());
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F) {
      append_ascii_escape(out, text[0]);
      text.remove_prefix(1);
      continue;
    }
    const Character next = first_character(text);
    if (next.bytes == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    out.append(text.substr(0, next.bytes));
    text.remove_prefix(next.bytes);
  }
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_json_text(out, text);
  out += '"';
}

void append_printable(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const Character next = first_character(text);
    if (next.bytes == 0) {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", static_cast<unsigned char>(text[0]));
      out += hex.data();
      text.remove_prefix(1);
      continue;
    }
    if (!unprintable(next.code)) {
      out.append(text.substr(0, next.bytes));
    } else if (next.code < 0x80) {
      append_ascii_escape(out, text[0]);
    } else {
      append_unicode_escape(out, next.code);
    }
    text.remove_prefix(next.bytes);
  }
}

void append_printable_value(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(" \"=") == std::string_view::npos) {
    append_printable(out, text);
    return;
  }
  std::string escaped;
  append_printable(escaped, text);
  out += '"';
  for (const char c : escaped) {
    if (c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

std::string cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  std::size_t keep = limit;
  while (keep > 0 && (static_cast<unsigned char>(text[keep]) & 0xC0) == 0x80)
    --keep;
  if (limit - keep > 3) keep = limit;  // not UTF-8 anyway
  std::string out(text.substr(0, keep));
  out += "… (" + std::to_string(text.size() - keep) + " bytes more)";
  return out;
}

void append_number(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
    return;
  }
  if (std::isinf(number)) {
    out += number < 0 ? "-Infinity" : "Infinity";
    return;
  }
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 24> text{};
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 24> text{};
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

void append_span(std::string& out, std::chrono::nanoseconds span) {
  const double ns = static_cast<double>(span.count());
  const double size = std::abs(ns);
  std::array<char, 40> text{};
  if (size < 1e3) {
    std::snprintf(text.data(), text.size(), "%.0fns", ns);
  } else if (size < 1e6) {
    std::snprintf(text.data(), text.size(), "%.4gus", ns / 1e3);
  } else if (size < 1e9) {
    std::snprintf(text.data(), text.size(), "%.4gms", ns / 1e6);
  } else if (size < 1e13) {
    std::snprintf(text.data(), text.size(), "%.4gs", ns / 1e9);
  } else {
    std::snprintf(text.data(), text.size(), "%.0fs", ns / 1e9);
  }
  out += text.data();
}

void append_hex(std::string& out, const std::uint8_t* bytes, std::size_t count) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (std::size_t i = 0; i < count; ++i) {
    out += kDigits[bytes[i] >> 4];
    out += kDigits[bytes[i] & 15];
  }
}

}  // namespace dropline::telemetry
