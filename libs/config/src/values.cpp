#include "dropline/config/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "dropline/config/errors.hpp"
#include "text.hpp"

namespace dropline::config {
namespace {

using std::chrono::nanoseconds;

constexpr std::string_view kDurationForm =
    "a duration is whole numbers with us, ms, s, m, h, d or w, such as 250ms, 15m or 1h30m";
constexpr std::string_view kBytesForm =
    "a size is a whole number of bytes, or with KiB, MiB, GiB, TiB (1024) or kB, MB, GB, TB "
    "(1000), "
    "such as 64KiB";

struct Unit {
  std::string_view name;
  std::int64_t size;
};

constexpr std::array<Unit, 7> kDurationUnits{{{"w", 604'800'000'000'000},
                                              {"d", 86'400'000'000'000},
                                              {"h", 3'600'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"s", 1'000'000'000},
                                              {"ms", 1'000'000},
                                              {"us", 1'000}}};

constexpr std::array<Unit, 9> kByteUnits{{{"TiB", 1LL << 40},
                                          {"GiB", 1LL << 30},
                                          {"MiB", 1LL << 20},
                                          {"KiB", 1LL << 10},
                                          {"TB", 1'000'000'000'000},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"kB", 1'000},
                                          {"B", 1}}};

constexpr std::size_t kMaxHostBytes = 253;

Error bad(std::string detail) {
  return error(Errc::bad_value, std::move(detail));
}
Error bad(std::string_view what, std::string_view form) {
  return bad(std::string(what) + "; " + std::string(form));
}

bool digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Takes digits from the front; false on none, or when they exceed what int64 holds.
bool take_number(std::string_view& text, std::int64_t& number) noexcept {
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || text.empty() || !digit(text[0])) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

std::string_view take_letters(std::string_view& text) noexcept {
  const auto end =
      std::find_if(text.begin(), text.end(), [](char c) { return digit(c) || c == ' '; });
  const auto letters = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(letters.size());
  return letters;
}

void skip_spaces(std::string_view& text) noexcept {
  while (!text.empty() && text[0] == ' ')
    text.remove_prefix(1);
}

bool plain_host(std::string_view host) noexcept {
  return !host.empty() && host.size() <= kMaxHostBytes &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
                  c == '-' || c == '_';
         });
}

bool ipv6_host(std::string_view host) noexcept {
  return host.size() >= 2 && host.size() <= 64 && std::count(host.begin(), host.end(), ':') >= 2 &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ':' ||
                  c == '.' || c == '%';
         });
}

bool secret_parameter(std::string_view name) noexcept {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (const std::string_view word : {"password", "passwd", "secret", "token", "key"}) {
    if (lower.find(word) != std::string::npos) return true;
  }
  return false;
}

/// Where user and password stand: [begin, end) before the '@'; empty where there is none.
struct UrlParts {
  std::string_view scheme;
  std::string_view authority;
  std::string_view rest;
};

bool cut_url(std::string_view text, UrlParts& parts) noexcept {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return false;
  parts.scheme = text.substr(0, colon);
  text.remove_prefix(colon + 3);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  parts.authority = text.substr(0, end);
  parts.rest = text.substr(end);
  return true;
}

}  // namespace

Result<nanoseconds> parse_duration(std::string_view text) {
  text = trim(text);
  if (text.empty()) return bad("it is empty", kDurationForm);
  if (text[0] == '-') return bad("it is negative", kDurationForm);
  if (text == "0") return nanoseconds(0);
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    std::int64_t number = 0;
    if (!digit(text[0])) return bad("it is not made of numbers and units", kDurationForm);
    if (!take_number(text, number)) return bad("a number in it is too large", kDurationForm);
    skip_spaces(text);
    const std::string_view name = take_letters(text);
    if (name.empty()) return bad("a number in it has no unit", kDurationForm);
    const auto unit = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                   [&](const Unit& known) { return known.name == name; });
    if (unit == kDurationUnits.end()) {
      return bad("'" + std::string(name) + "' is not a unit of time", kDurationForm);
    }
    const auto index = static_cast<std::size_t>(unit - kDurationUnits.begin());
    if (index < next_unit) return bad("larger units come first, each once", kDurationForm);
    next_unit = index + 1;
    std::int64_t part = 0;
    if (__builtin_mul_overflow(number, unit->size, &part) ||
        __builtin_add_overflow(total, part, &total) || total > kMaxDuration.count()) {
      return bad("it is longer than " + format_duration(kMaxDuration));
    }
    if (!text.empty() && !digit(text[0])) {
      return bad("it is not made of numbers and units", kDurationForm);
    }
  }
  return nanoseconds(total);
}

std::string format_duration(nanoseconds span) {
  std::string out;
  std::int64_t left = span.count();
  if (left < 0) {
    out = "-";
    left = left == std::numeric_limits<std::int64_t>::min()
               ? std::numeric_limits<std::int64_t>::max()
               : -left;
  }
  bool any = false;
  for (const auto& [name, size] : kDurationUnits) {
    if (name == "w" && left % size != 0) continue;  // 10d, not 1w3d
    if (left < size) continue;
    out += std::to_string(left / size);
    out += name;
    left %= size;
    any = true;
  }
  return any ? out : "0s";
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  text = trim(text);
  if (text.empty()) return bad("it is empty", kBytesForm);
  if (text[0] == '-') return bad("it is negative", kBytesForm);
  std::int64_t number = 0;
  if (!digit(text[0])) return bad("it does not begin with a number", kBytesForm);
  if (!take_number(text, number)) return bad("it is larger than 8388607TiB");
  skip_spaces(text);
  if (text.empty()) return number;
  const auto unit = std::find_if(kByteUnits.begin(), kByteUnits.end(),
                                 [&](const Unit& known) { return known.name == text; });
  if (unit == kByteUnits.end()) {
    return bad("'" + std::string(text) + "' is not a unit of size", kBytesForm);
  }
  if (__builtin_mul_overflow(number, unit->size, &number)) {
    return bad("it is larger than 8388607TiB");
  }
  return number;
}

std::string format_bytes(std::int64_t bytes) {
  if (bytes == 0) return "0B";
  for (const auto& [name, size] : kByteUnits) {
    if (name.size() == 2) continue;  // 1000 B is rather not written as 1 kB
    if (bytes % size == 0) return std::to_string(bytes / size) + std::string(name);
  }
  return std::to_string(bytes) + "B";
}

Result<std::int64_t> parse_integer(std::string_view text) {
  text = trim(text);
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc::result_out_of_range) {
    return bad(
        "it does not fit 64 bits; whole numbers go from -9223372036854775808 to "
        "9223372036854775807");
  }
  if (failure != std::errc() || end != text.data() + text.size()) {
    return bad("it is not a whole number");
  }
  return number;
}

Result<double> parse_number(std::string_view text) {
  text = trim(text);
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) {
    return bad("it is not a decimal number");
  }
  return number;
}

Result<bool> parse_boolean(std::string_view text) {
  std::string word(trim(text));
  std::transform(word.begin(), word.end(), word.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  return bad("it is neither true nor false");
}

std::string Address::text() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Address> parse_address(std::string_view text) {
  constexpr std::string_view kForm =
      "an address is HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or broker-1:9092";
  text = trim(text);
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("it has no port", kForm);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (host.empty()) {
    return bad("it has no host (0.0.0.0 or [::] listens on every address)", kForm);
  }
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
    if (!ipv6_host(host)) return bad("what is in brackets is not an IPv6 address", kForm);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address is written in brackets, with a port behind", kForm);
  } else if (!plain_host(host)) {
    return bad("its host is not a name or an IP address", kForm);
  }
  if (port.empty() || port.size() > 5 || !std::all_of(port.begin(), port.end(), digit)) {
    return bad("its port is not a number from 0 to 65535", kForm);
  }
  int number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  if (number > 65535) return bad("its port is not a number from 0 to 65535", kForm);
  return Address{std::string(host), static_cast<std::uint16_t>(number)};
}

Status check_url(std::string_view text) {
  constexpr std::string_view kForm = "a URL is scheme://host[:port][/path]";
  UrlParts parts;
  if (!cut_url(text, parts)) return bad("it has no scheme", kForm);
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (parts.scheme.empty() || !letter(parts.scheme[0]) ||
      !std::all_of(parts.scheme.begin(), parts.scheme.end(), [&](char c) {
        return letter(c) || digit(c) || c == '+' || c == '-' || c == '.';
      })) {
    return bad("its scheme is not a word", kForm);
  }
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; })) {
    return bad("it contains a space or a control character", kForm);
  }
  std::string_view host = parts.authority;
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  if (host.empty() || host.front() == ':') return bad("it has no host", kForm);
  const auto bracket = host.rfind(']');
  const auto colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return {};
  if (const auto address = parse_address(host); !address) {
    // Several hosts, as PostgreSQL has them, are each with a port of their own.
    if (host.find(',') == std::string_view::npos) return address.error();
  }
  return {};
}

std::string redact_url(std::string_view text) {
  UrlParts parts;
  if (!cut_url(text, parts)) return std::string(text);
  std::string out(parts.scheme);
  out += "://";
  const auto at = parts.authority.rfind('@');
  const auto colon = parts.authority.find(':');
  if (at != std::string_view::npos && colon < at) {
    out += parts.authority.substr(0, colon + 1);
    out += "(hidden)";
    out += parts.authority.substr(at);
  } else {
    out += parts.authority;
  }
  const auto query = std::min(parts.rest.find('?'), parts.rest.size());
  out += parts.rest.substr(0, query);
  if (query == parts.rest.size()) return out;
  char separator = '?';
  for (const std::string& parameter : split(parts.rest.substr(query + 1), '&')) {
    out += separator;
    separator = '&';
    const auto equals = parameter.find('=');
    if (equals != std::string::npos && secret_parameter(parameter.substr(0, equals))) {
      out += parameter.substr(0, equals + 1) + "(hidden)";
    } else {
      out += parameter;
    }
  }
  return out;
}

}  // namespace dropline::config
