#include <array>
#include <string>

#include "dropline/telemetry/log.hpp"

namespace dropline::telemetry::log {
namespace {

constexpr std::array<std::string_view, 6> kNames{"trace", "debug", "info", "warn", "error", "off"};

class LevelsCategory final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "log"; }
  [[nodiscard]] std::string message(int) const override { return "bad log level"; }
  [[nodiscard]] Severity severity(int) const noexcept override { return Severity::permanent; }
};

Error bad_level(std::string_view part) {
  static const LevelsCategory kCategory;
  return {std::error_code(1, kCategory),
          "'" + std::string(part) +
              "' is not a log level: use trace, debug, info, warn, error or off, alone or as "
              "logger=level, separated by commas"};
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view text(Level level) noexcept {
  return kNames[static_cast<std::size_t>(level) % kNames.size()];
}

std::optional<Level> parse_level(std::string_view text) noexcept {
  if (text == "warning") return Level::warn;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<Level>(i);
  }
  return std::nullopt;
}

Result<Levels> parse_levels(std::string_view text) {
  Levels levels;
  while (true) {
    const auto comma = text.find(',');
    const std::string_view part = trim(text.substr(0, comma));
    const auto equals = part.find('=');
    const auto level =
        parse_level(trim(equals == std::string_view::npos ? part : part.substr(equals + 1)));
    if (!level || equals == 0) return bad_level(part);
    if (equals == std::string_view::npos) {
      levels.level = *level;
    } else {
      levels.levels.emplace_back(trim(part.substr(0, equals)), *level);
    }
    if (comma == std::string_view::npos) return levels;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace dropline::telemetry::log
