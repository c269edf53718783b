#include "dropline/telemetry/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <sstream>
#include <variant>

#include "dropline/base/ensure.hpp"
#include "metrics_state.hpp"

namespace dropline::telemetry {
namespace {

constexpr std::array kLatencyBuckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                     0.25,   0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};
constexpr std::array kCountBuckets{1.0,   2.0,   5.0,    10.0,   20.0,   50.0,   100.0,
                                   200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0};
constexpr std::array kByteBuckets{64.0,    256.0,    1024.0,    4096.0,    16384.0,
                                  65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0};

constexpr std::string_view kStandardPrefix = "process_";

bool label_name_ok(std::string_view name) noexcept {
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' && name != "le" && name != "quantile" &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

LabelSet sorted_labels(Labels labels) {
  LabelSet set;
  set.reserve(labels.size());
  for (const auto& [name, value] : labels) {
    ensure(label_name_ok(name), "a metric's label name is lower case words, not le or quantile");
    set.emplace_back(name, value);
  }
  std::sort(set.begin(), set.end());
  for (std::size_t i = 1; i < set.size(); ++i) {
    ensure(set[i - 1].first != set[i].first, "a metric's label is given once");
  }
  return set;
}

bool same_label_names(const LabelSet& one, const LabelSet& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                    [](const auto& a, const auto& b) { return a.first == b.first; });
}

prometheus::ClientMetric metric_of(const LabelSet& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels)
    metric.label.push_back({name, value});
  return metric;
}

std::uint64_t bucket_total(const detail::HistogramCell& cell) {
  return std::accumulate(cell.buckets.begin(), cell.buckets.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const auto& bucket) {
                           return sum + bucket.load(std::memory_order_relaxed);
                         });
}

// The count is the sum of the buckets as read, so that a scrape never contradicts itself.
void write_histogram(const detail::HistogramCell& cell, prometheus::ClientMetric& metric) {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < cell.buckets.size(); ++i) {
    seen += cell.buckets[i].load(std::memory_order_relaxed);
    const double bound =
        i < cell.bounds.size() ? cell.bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({seen, bound});
  }
  metric.histogram.sample_count = seen;
  metric.histogram.sample_sum = cell.sum.load(std::memory_order_relaxed);
}

prometheus::MetricType type_of(MetricKind kind) noexcept {
  switch (kind) {
    case MetricKind::counter:
      return prometheus::MetricType::Counter;
    case MetricKind::gauge:
      return prometheus::MetricType::Gauge;
    default:
      return prometheus::MetricType::Histogram;
  }
}

prometheus::MetricFamily collect(const std::string& name, const Family& family) {
  prometheus::MetricFamily out{name, family.help, type_of(family.kind), {}};
  for (const auto& [labels, cell] : family.cells) {
    prometheus::ClientMetric metric = metric_of(labels);
    if (const auto* counter = std::get_if<std::unique_ptr<detail::CounterCell>>(&cell)) {
      metric.counter.value = static_cast<double>((*counter)->count.load());
    } else if (const auto* gauge = std::get_if<std::unique_ptr<detail::GaugeCell>>(&cell)) {
      metric.gauge.value = (*gauge)->value.load();
    } else {
      write_histogram(*std::get<std::unique_ptr<detail::HistogramCell>>(cell), metric);
    }
    out.metric.push_back(std::move(metric));
  }
  return out;
}

/// What a sampler gives, one family.
struct Sampled {
  MetricKind kind;
  std::map<LabelSet, double> values;
};

}  // namespace

std::span<const double> latency_buckets() noexcept {
  return kLatencyBuckets;
}
std::span<const double> count_buckets() noexcept {
  return kCountBuckets;
}
std::span<const double> byte_buckets() noexcept {
  return kByteBuckets;
}

std::uint64_t Histogram::count() const noexcept {
  return cell_ ? bucket_total(*cell_) : 0;
}

double Histogram::quantile(double q) const noexcept {
  const std::uint64_t total = count();
  if (total == 0 || std::isnan(q)) return std::numeric_limits<double>::quiet_NaN();
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  double seen = 0;
  for (std::size_t i = 0; i < cell_->bounds.size(); ++i) {
    const auto here = static_cast<double>(cell_->buckets[i].load(std::memory_order_relaxed));
    if (here > 0 && seen + here >= rank) {
      const double low = i == 0 ? std::min(0.0, cell_->bounds[0]) : cell_->bounds[i - 1];
      return low + (cell_->bounds[i] - low) * std::max(0.0, rank - seen) / here;
    }
    seen += here;
  }
  return cell_->bounds.empty() ? std::numeric_limits<double>::quiet_NaN() : cell_->bounds.back();
}

Metrics::Metrics() : state_(std::make_unique<State>()) {
  state_->overflows = counter("dropline_metrics_overflow_total",
                              "Label sets beyond a metric's bound, kept as one series.");
  state_->sample_failures = counter("dropline_metrics_sample_failures_total",
                                    "Sampled metrics left out of a scrape because they failed.");
}

Metrics::~Metrics() {
  state_->own.clear();
}

Family& Metrics::State::family(MetricKind kind, std::string_view name, std::string_view help,
                               const LabelSet& labels) {
  auto found = families.find(name);
  if (found == families.end()) {
    const std::string problem = check_metric_name(kind, name);
    if (!problem.empty()) {
      const std::string message = "a metric's name " + problem + ": " + std::string(name);
      ensure(false, message.c_str());
    }
    ensure(!help.empty(), "a metric has a help text");
    ensure(!sampled_names.contains(name), "a metric is either updated or sampled");
    found = families.emplace(name, Family{kind, std::string(help), {}}).first;
  }
  Family& family = found->second;
  ensure(family.kind == kind, "a metric keeps its kind");
  ensure(family.help == help, "a metric keeps its help text");
  ensure(family.cells.empty() || same_label_names(family.cells.begin()->first, labels),
         "a metric keeps its label names");
  return family;
}

template <class Cell, class Make>
Cell* Metrics::State::cell(MetricKind kind, std::string_view name, std::string_view help,
                           Labels labels, Make make) {
  LabelSet set = sorted_labels(labels);
  const std::lock_guard lock(mutex);
  Family& its = family(kind, name, help, set);
  auto found = its.cells.find(set);
  if (found == its.cells.end() && its.cells.size() >= kMaxSeries) {
    for (auto& [label, value] : set)
      value = kOverflow;
    overflows.add();
    found = its.cells.find(set);
  }
  if (found == its.cells.end()) found = its.cells.emplace(std::move(set), make()).first;
  return std::get<std::unique_ptr<Cell>>(found->second).get();
}

Counter Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  using Cell = detail::CounterCell;
  return Counter(state_->cell<Cell>(MetricKind::counter, name, help, labels,
                                    [] { return std::make_unique<Cell>(); }));
}

Gauge Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  using Cell = detail::GaugeCell;
  return Gauge(state_->cell<Cell>(MetricKind::gauge, name, help, labels,
                                  [] { return std::make_unique<Cell>(); }));
}

Histogram Metrics::histogram(std::string_view name, std::string_view help, Labels labels,
                             std::span<const double> buckets) {
  using Cell = detail::HistogramCell;
  ensure(!buckets.empty() && std::is_sorted(buckets.begin(), buckets.end(), std::less_equal<>()) &&
             std::isfinite(buckets.back()),
         "a histogram's buckets rise and are finite");
  auto* const cell = state_->cell<Cell>(MetricKind::histogram, name, help, labels,
                                        [&] { return std::make_unique<Cell>(buckets); });
  ensure(std::equal(cell->bounds.begin(), cell->bounds.end(), buckets.begin(), buckets.end()),
         "a histogram keeps its buckets");
  return Histogram(cell);
}

void Metrics::Sample::operator()(Labels labels, double value) {
  auto& sampled = *static_cast<Sampled*>(family_);
  LabelSet set = sorted_labels(labels);
  if (!sampled.values.contains(set) && sampled.values.size() >= kMaxSeries) {
    for (auto& [label, text] : set)
      text = kOverflow;
    sampled.values[set] += value;
    return;
  }
  sampled.values[std::move(set)] = value;
}

Metrics::Registration Metrics::sample(MetricKind kind, std::string_view name, std::string_view help,
                                      Sampler sampler) {
  ensure(kind != MetricKind::histogram, "histograms are observed, not sampled");
  ensure(static_cast<bool>(sampler) && !help.empty(), "a sampled metric has help and a callback");
  if (!name.starts_with(kStandardPrefix)) {
    const std::string problem = check_metric_name(kind, name);
    const std::string message = "a metric's name " + problem + ": " + std::string(name);
    ensure(problem.empty(), message.c_str());
  }
  {
    const std::lock_guard lock(state_->mutex);
    ensure(!state_->families.contains(name), "a metric is either updated or sampled");
    state_->sampled_names.emplace(name);
  }
  const std::lock_guard lock(state_->samplers_mutex);
  for (const auto& [id, other] : state_->samplers) {
    ensure(other.name != name || (other.kind == kind && other.help == help),
           "a metric keeps its kind and help text");
  }
  const std::uint64_t id = ++state_->last_sampler;
  state_->samplers.emplace(
      id, SampledFamily{kind, std::string(name), std::string(help), std::move(sampler)});
  return Registration(this, id);
}

// Waits for a scrape that is under way, and with it for the callback.
void Metrics::drop_sampler(std::uint64_t id) noexcept {
  const std::lock_guard lock(state_->samplers_mutex);
  state_->samplers.erase(id);
}

Metrics::Registration::Registration(Registration&& other) noexcept
    : metrics_(std::exchange(other.metrics_, nullptr)), id_(other.id_) {}

Metrics::Registration& Metrics::Registration::operator=(Registration&& other) noexcept {
  if (this == &other) return *this;
  if (metrics_) metrics_->drop_sampler(id_);
  metrics_ = std::exchange(other.metrics_, nullptr);
  id_ = other.id_;
  return *this;
}

Metrics::Registration::~Registration() {
  if (metrics_) metrics_->drop_sampler(id_);
}

std::string Metrics::render() const {
  std::map<std::string, prometheus::MetricFamily> families;
  {
    const std::lock_guard lock(state_->samplers_mutex);
    std::map<std::string, std::pair<const SampledFamily*, Sampled>> sampled;
    for (const auto& [id, family] : state_->samplers) {
      auto& [first, values] = sampled.try_emplace(family.name).first->second;
      first = &family;
      Sampled own{family.kind, {}};
      Sample sample(&own);
      try {
        family.sampler(sample);
      } catch (...) {
        state_->sample_failures.add();
        continue;
      }
      values.values.merge(own.values);
    }
    for (const auto& [name, entry] : sampled) {
      const auto& [family, values] = entry;
      prometheus::MetricFamily out{name, family->help, type_of(family->kind), {}};
      for (const auto& [labels, value] : values.values) {
        out.metric.push_back(metric_of(labels));
        out.metric.back().counter.value = value;
        out.metric.back().gauge.value = value;
      }
      if (!out.metric.empty()) families.emplace(name, std::move(out));
    }
  }
  {
    const std::lock_guard lock(state_->mutex);
    for (const auto& [name, family] : state_->families) {
      families.emplace(name, collect(name, family));
    }
  }
  std::vector<prometheus::MetricFamily> ordered;
  ordered.reserve(families.size());
  for (auto& [name, family] : families)
    ordered.push_back(std::move(family));
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, ordered);
  return std::move(out).str();
}

}  // namespace dropline::telemetry
