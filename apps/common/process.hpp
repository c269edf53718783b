#pragma once

#include <atomic>
#include <functional>

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/random.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/telemetry/health.hpp"
#include "dropline/telemetry/log.hpp"
#include "dropline/telemetry/metrics.hpp"
#include "dropline/telemetry/trace.hpp"

namespace dropline::apps {

/// Within this a process has finished after SIGTERM, so that whoever stops it need not kill it.
inline constexpr std::chrono::seconds kDrainLimit{10};

/// What every process has: clock, randomness, logs, metrics, traces, readiness, and an end. Made
/// first in main(), before any thread: it takes SIGTERM and SIGINT for itself.
class Process final {
 public:
  Process(const config::Settings& settings, std::string_view program);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Set by SIGTERM or SIGINT; a second one ends the process at once.
  [[nodiscard]] const std::atomic<bool>& stopping() const noexcept { return stopping_; }
  /// Called when it is set, on a thread of its own; at once where it is already.
  void on_stop(std::function<void()> wake);
  void wait_for_stop() const { stopping_.wait(false); }

  /// Ends the process as SIGTERM does, with the reason told and exit_code() 1: for what is found
  /// after the start and does not pass by itself. Any thread; the first reason counts.
  void give_up(const Error& error);
  [[nodiscard]] int exit_code() const noexcept { return gave_up_ ? 1 : 0; }

  const Clock& clock;
  SystemRandom random;
  log::Session logs;
  telemetry::Metrics metrics;
  telemetry::Health health;
  telemetry::Tracer tracer;
  /// Null where no steps are to be kept (trace.file): then they cost nothing.
  telemetry::Tracer* const tracing;

 private:
  void watch();

  std::vector<telemetry::Metrics::Registration> readiness_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> gave_up_{false};
  std::mutex lock_;
  std::function<void()> wake_;
  std::thread watcher_;
};

}  // namespace dropline::apps
