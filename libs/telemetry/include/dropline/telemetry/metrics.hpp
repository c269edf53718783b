#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/base/clock.hpp"

/// Prometheus metrics. One Metrics object is made by main() and handed to whoever measures. A room
/// resolves its handles once (name, help and labels to a handle) and then updates them from any
/// thread without a lock or an allocation.
///
/// Names are checked where they are resolved (check_metric_name); a wrong name is our own mistake
/// and ends the process, in the first test that reaches it.
namespace dropline::telemetry {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

namespace detail {
inline constexpr std::size_t kCacheLine = 64;

struct alignas(kCacheLine) CounterCell {
  std::atomic<std::uint64_t> count{0};
};
struct alignas(kCacheLine) GaugeCell {
  std::atomic<double> value{0};
};
struct alignas(kCacheLine) HistogramCell {
  explicit HistogramCell(std::span<const double> upper_bounds)
      : bounds(upper_bounds.begin(), upper_bounds.end()), buckets(bounds.size() + 1) {}
  const std::vector<double> bounds;
  std::vector<std::atomic<std::uint64_t>> buckets;
  std::atomic<double> sum{0};
};
}  // namespace detail

/// Counts up. A handle: copy it freely; it must not outlive its Metrics. One made by default counts
/// nothing, so that a room can be built without metrics.
class Counter final {
 public:
  Counter() = default;
  void add(std::uint64_t by = 1) const noexcept {
    if (cell_) cell_->count.fetch_add(by, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return cell_ ? cell_->count.load(std::memory_order_relaxed) : 0;
  }

 private:
  friend class Metrics;
  explicit Counter(detail::CounterCell* cell) : cell_(cell) {}
  detail::CounterCell* cell_ = nullptr;
};

/// Goes up and down. A handle, as Counter is.
class Gauge final {
 public:
  Gauge() = default;
  void set(double value) const noexcept {
    if (cell_) cell_->value.store(value, std::memory_order_relaxed);
  }
  void add(double by) const noexcept {
    if (cell_) cell_->value.fetch_add(by, std::memory_order_relaxed);
  }
  [[nodiscard]] double value() const noexcept {
    return cell_ ? cell_->value.load(std::memory_order_relaxed) : 0;
  }

 private:
  friend class Metrics;
  explicit Gauge(detail::GaugeCell* cell) : cell_(cell) {}
  detail::GaugeCell* cell_ = nullptr;
};

/// Counts observations by size. A handle, as Counter is. NaN is ignored.
class Histogram final {
 public:
  Histogram() = default;
  void observe(double value) const noexcept {
    if (!cell_ || std::isnan(value)) return;
    const auto& bounds = cell_->bounds;
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
    cell_->buckets[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    cell_->sum.fetch_add(value, std::memory_order_relaxed);
  }
  /// In seconds, whatever the unit of the duration.
  template <class Rep, class Period>
  void observe(std::chrono::duration<Rep, Period> span) const noexcept {
    observe(std::chrono::duration<double>(span).count());
  }
  [[nodiscard]] std::uint64_t count() const noexcept;
  [[nodiscard]] double sum() const noexcept {
    return cell_ ? cell_->sum.load(std::memory_order_relaxed) : 0;
  }
  /// The value below which the share `q` (0 to 1) of the observations lies, by linear
  /// interpolation within a bucket, as Prometheus' histogram_quantile; NaN where there are none.
  [[nodiscard]] double quantile(double q) const noexcept;

 private:
  friend class Metrics;
  explicit Histogram(detail::HistogramCell* cell) : cell_(cell) {}
  detail::HistogramCell* cell_ = nullptr;
};

/// From 0.5 ms to 60 s, about 2 to 2.5 times apart: what decisions, requests and commits take.
[[nodiscard]] std::span<const double> latency_buckets() noexcept;
/// From 1 to 10,000, about 2 to 2.5 times apart: records of a batch, rows of a statement.
[[nodiscard]] std::span<const double> count_buckets() noexcept;
/// From 64 B to 16 MiB, four times apart.
[[nodiscard]] std::span<const double> byte_buckets() noexcept;

enum class MetricKind { counter, gauge, histogram };

/// Empty when `name` follows the convention, else what is wrong with it: `dropline_` first, lower
/// case words, counters end in _total and nothing else does, histograms in their unit (_seconds,
/// _bytes, _records, _rows, _attempts), base units only (no _ms, _kb), none of the reserved endings
/// (_sum, _count, _bucket).
[[nodiscard]] std::string check_metric_name(MetricKind kind, std::string_view name);

/// Every metric of a process. Any thread may call any member; it must outlive the handles and
/// registrations it gives.
class Metrics final {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
  /// Label sets of one name. What comes after shares one series whose label values are kOverflow,
  /// so that a label fed from outside cannot grow memory.
  static constexpr std::size_t kMaxSeries = 1000;
  static constexpr std::string_view kOverflow = "_other";

  /// Takes a sampled value back when destroyed; from then on its callback is not running and will
  /// not run. Movable, not copyable.
  class Registration final {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    friend class Metrics;
    Registration(Metrics* metrics, std::uint64_t id) : metrics_(metrics), id_(id) {}
    Metrics* metrics_ = nullptr;
    std::uint64_t id_ = 0;
  };

  /// Gives values of a family while it is sampled.
  class Sample final {
   public:
    void operator()(double value) { (*this)({}, value); }
    void operator()(Labels labels, double value);

   private:
    friend class Metrics;
    explicit Sample(void* family) : family_(family) {}
    void* family_;
  };
  using Sampler = std::function<void(Sample&)>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The same name and labels give the same series, whoever asks. A name keeps its kind, help and
  /// label names; asking for it otherwise ends the process.
  [[nodiscard]] Counter counter(std::string_view name, std::string_view help, Labels labels = {});
  [[nodiscard]] Gauge gauge(std::string_view name, std::string_view help, Labels labels = {});
  [[nodiscard]] Histogram histogram(std::string_view name, std::string_view help,
                                    Labels labels = {},
                                    std::span<const double> buckets = latency_buckets());

  /// A counter or gauge that is read when scraped: queue lengths, lag by partition, totals that
  /// another library counts. The callback runs on the scraping thread, must be quick, and may not
  /// call this object except through its Sample. One that throws is left out of that scrape and
  /// counted in dropline_metrics_sample_failures_total.
  [[nodiscard]] Registration sample(MetricKind kind, std::string_view name, std::string_view help,
                                    Sampler sampler);

  /// process_* as every Prometheus client names them (memory, CPU, descriptors, threads, start),
  /// and dropline_uptime_seconds, dropline_build_info, dropline_log_lines_total,
  /// dropline_log_problems_total. `clock` must outlive
  /// this.
  void add_process_metrics(const Clock& clock, std::string_view program, std::string_view version);

  /// The text exposition format. Series are sorted, so that two scrapes can be compared.
  [[nodiscard]] std::string render() const;

 private:
  void drop_sampler(std::uint64_t id) noexcept;

  struct State;
  std::unique_ptr<State> state_;
};

/// Observes the time between its construction and destruction.
class Stopwatch final {
 public:
  Stopwatch(const Clock& clock, Histogram histogram)
      : clock_(clock), histogram_(histogram), start_(clock.steady()) {}
  ~Stopwatch() { histogram_.observe(clock_.steady() - start_); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  const Clock& clock_;
  Histogram histogram_;
  Clock::Steady start_;
};

}  // namespace dropline::telemetry
