#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dropline/telemetry/metrics.hpp"

namespace dropline::telemetry {

using LabelSet = std::vector<std::pair<std::string, std::string>>;
using Cell = std::variant<std::unique_ptr<detail::CounterCell>, std::unique_ptr<detail::GaugeCell>,
                          std::unique_ptr<detail::HistogramCell>>;

struct Family {
  MetricKind kind;
  std::string help;
  std::map<LabelSet, Cell> cells;
};

struct SampledFamily {
  MetricKind kind;
  std::string name;
  std::string help;
  Metrics::Sampler sampler;
};

/// Two locks, never held together: resolving a handle does not wait for a scrape's callbacks.
struct Metrics::State {
  std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;
  std::set<std::string, std::less<>> sampled_names;
  Counter overflows;
  Counter sample_failures;

  std::mutex samplers_mutex;
  std::map<std::uint64_t, SampledFamily> samplers;
  std::uint64_t last_sampler = 0;
  std::vector<Registration> own;

  Family& family(MetricKind kind, std::string_view name, std::string_view help,
                 const LabelSet& labels);
  template <class CellType, class Make>
  CellType* cell(MetricKind kind, std::string_view name, std::string_view help, Labels labels,
                 Make make);
};

}  // namespace dropline::telemetry
