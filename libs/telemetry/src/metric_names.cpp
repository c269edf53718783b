#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "dropline/telemetry/metrics.hpp"

namespace dropline::telemetry {
namespace {

constexpr std::string_view kPrefix = "dropline_";
constexpr std::size_t kMaxNameBytes = 100;

constexpr std::array<std::string_view, 5> kHistogramUnits{"_seconds", "_bytes", "_records", "_rows",
                                                          "_attempts"};
constexpr std::array<std::string_view, 3> kReserved{"_sum", "_count", "_bucket"};
/// Words that mean another unit than the base one.
constexpr std::array<std::string_view, 16> kOddUnits{
    "ms", "milliseconds", "us", "microseconds", "ns", "nanoseconds", "minutes", "hours",
    "kb", "kib",          "mb", "mib",          "gb", "megabytes",   "percent", "pct"};

bool word_of_lower_case(std::string_view word) noexcept {
  return !word.empty() && word[0] >= 'a' && word[0] <= 'z' &&
         std::all_of(word.begin(), word.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

std::string check_words(std::string_view name) {
  while (true) {
    const auto end = name.find('_');
    const std::string_view word = name.substr(0, end);
    if (!word_of_lower_case(word)) {
      return "is made of lower case words joined by single underscores";
    }
    if (std::find(kOddUnits.begin(), kOddUnits.end(), word) != kOddUnits.end()) {
      return "uses base units (seconds, bytes, ratio), not '" + std::string(word) + "'";
    }
    if (end == std::string_view::npos) return {};
    name.remove_prefix(end + 1);
  }
}

bool ends_in(std::string_view name, std::string_view ending) noexcept {
  return name.size() > ending.size() && name.ends_with(ending);
}

}  // namespace

std::string check_metric_name(MetricKind kind, std::string_view name) {
  if (!name.starts_with(kPrefix)) return "begins with dropline_";
  if (name.size() > kMaxNameBytes) return "has at most 100 characters";
  if (std::string problem = check_words(name); !problem.empty()) return problem;
  // What the name is about stands between the prefix and the ending.
  const std::string_view rest = name.substr(kPrefix.size());
  for (const std::string_view ending : kReserved) {
    if (ends_in(rest, ending)) return "does not end in " + std::string(ending);
  }
  const bool total = ends_in(rest, "_total");
  if (kind == MetricKind::counter && !total) return "ends in _total, being a counter";
  if (kind != MetricKind::counter && total) return "ends in _total only as a counter";
  if (kind == MetricKind::histogram &&
      std::none_of(kHistogramUnits.begin(), kHistogramUnits.end(),
                   [&](std::string_view unit) { return ends_in(rest, unit); })) {
    return "ends in its unit (_seconds, _bytes, _records, _rows, _attempts), being a histogram";
  }
  return {};
}

}  // namespace dropline::telemetry
