#include "log_line.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "escape.hpp"

namespace dropline::telemetry::log {
namespace {

constexpr std::size_t kLoggerWidth = 10;
constexpr std::size_t kMessageWidth = 32;
constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kDim = "\x1b[2m";

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

/// Keys that the line itself has.
bool reserved(std::string_view key) noexcept {
  return key == "ts" || key == "level" || key == "logger" || key == "msg" || key == "trace_id" ||
         key == "repeated";
}

void append_json_value(std::string& out, const Value& value) {
  std::visit(
      Overloaded{
          [&](std::string_view text) { append_json_string(out, cut(text, kMaxTextBytes)); },
          [&](const std::string& text) { append_json_string(out, cut(text, kMaxTextBytes)); },
          [&](bool truth) { out += truth ? "true" : "false"; },
          [&](std::chrono::nanoseconds span) {
            append_number(out, std::chrono::duration<double>(span).count());
          },
          [&](double number) {
            // JSON has no word for these.
            if (std::isfinite(number)) return append_number(out, number);
            out += '"';
            append_number(out, number);
            out += '"';
          },
          [&](auto number) { append_number(out, number); },
      },
      value.held());
}

void append_human_value(std::string& out, const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value.held())) {
    append_printable_value(out, cut(*text, kMaxTextBytes));
  } else if (const auto* owned = std::get_if<std::string>(&value.held())) {
    append_printable_value(out, cut(*owned, kMaxTextBytes));
  } else {
    out += bare_text(value);
  }
}

std::string_view colour_of(Level level) noexcept {
  switch (level) {
    case Level::error:
      return "\x1b[1;31m";
    case Level::warn:
      return "\x1b[33m";
    case Level::info:
      return "\x1b[32m";
    default:
      return "\x1b[36m";
  }
}

std::string_view capitals(Level level) noexcept {
  switch (level) {
    case Level::trace:
      return "TRACE";
    case Level::debug:
      return "DEBUG";
    case Level::info:
      return "INFO ";
    case Level::warn:
      return "WARN ";
    default:
      return "ERROR";
  }
}

void append_clock_time(std::string& out, Timestamp at) {
  const auto in_day = at - std::chrono::floor<std::chrono::days>(at);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::milliseconds>(in_day));
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%03d",
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  out += text.data();
}

/// Columns that text takes, near enough: characters, not bytes.
std::size_t width(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

void pad(std::string& out, std::string_view text, std::size_t columns) {
  const std::size_t taken = width(text);
  if (taken < columns) out.append(columns - taken, ' ');
}

/// Always milliseconds or microseconds, so that lines sort as text.
void append_timestamp(std::string& out, Timestamp at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  out += text.data();
}

}  // namespace

std::string bare_text(const Value& value) {
  std::string out;
  std::visit(Overloaded{
                 [&](std::string_view text) { out += cut(text, kMaxTextBytes); },
                 [&](const std::string& text) { out += cut(text, kMaxTextBytes); },
                 [&](bool truth) { out += truth ? "true" : "false"; },
                 [&](std::chrono::nanoseconds span) { append_span(out, span); },
                 [&](auto number) { append_number(out, number); },
             },
             value.held());
  return out;
}

std::string render_json(const Draft& draft) {
  std::string out;
  out.reserve(256);
  out += R"({"ts":")";
  append_timestamp(out, draft.at);
  out += R"(","level":")";
  out += text(draft.level);
  out += R"(","logger":)";
  append_json_string(out, draft.logger);
  out += R"(,"msg":)";
  append_json_string(out, cut(draft.message, kMaxTextBytes));
  if (draft.repeated > 0) {
    out += R"(,"repeated":)";
    append_number(out, draft.repeated);
  }
  const std::size_t count = std::min(draft.fields.size(), kMaxFields);
  for (const Field& field : draft.fields.first(count)) {
    out += ",\"";
    append_json_text(out, cut(field.key, kMaxTextBytes));
    if (reserved(field.key)) out += '_';
    out += "\":";
    append_json_value(out, field.value);
  }
  if (count < draft.fields.size()) {
    out += R"(,"fields_left_out":)";
    append_number(out, static_cast<std::uint64_t>(draft.fields.size() - count));
  }
  if (!draft.trace_id.empty()) {
    out += R"(,"trace_id":)";
    append_json_string(out, draft.trace_id);
  }
  out += "}\n";
  return out;
}

std::string render_human(const Draft& draft, bool colour) {
  const std::string_view dim = colour ? kDim : "";
  const std::string_view reset = colour ? kReset : "";
  std::string out;
  out.reserve(160);
  out += dim;
  append_clock_time(out, draft.at);
  out += reset;
  out += ' ';
  if (colour) out += colour_of(draft.level);
  out += capitals(draft.level);
  out += reset;
  out += ' ';
  append_printable(out, draft.logger);
  pad(out, draft.logger, kLoggerWidth);
  out += ' ';
  std::string message;
  append_printable(message, cut(draft.message, kMaxTextBytes));
  out += message;
  if (draft.repeated > 0) {
    out += " … repeated " + std::to_string(draft.repeated) + " times";
  } else if (!draft.fields.empty() || !draft.trace_id.empty()) {
    pad(out, message, kMessageWidth);
  }
  const std::size_t count = std::min(draft.fields.size(), kMaxFields);
  const auto key = [&](std::string_view name) {
    out += ' ';
    out += dim;
    append_printable(out, cut(name, kMaxTextBytes));
    out += '=';
    out += reset;
  };
  for (const Field& field : draft.fields.first(count)) {
    key(field.key);
    append_human_value(out, field.value);
  }
  if (count < draft.fields.size()) {
    out += " … " + std::to_string(draft.fields.size() - count) + " fields left out";
  }
  if (!draft.trace_id.empty()) {
    key("trace");
    append_printable(out, draft.trace_id);
  }
  out += '\n';
  return out;
}

}  // namespace dropline::telemetry::log
