#include "common/process.hpp"

#include <csignal>

#include "common/options.hpp"
#include "common/process_clock.hpp"
#include "dropline/telemetry/health_metrics.hpp"

namespace dropline::apps {
namespace {

/// What the watcher is woken by when the process ends by itself.
constexpr int kQuit = SIGUSR2;
/// And when it cannot go on.
constexpr int kGiveUp = SIGUSR1;

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, kQuit, kGiveUp})
    sigaddset(&set, signal);
  return set;
}

/// Before any thread is made, so that all inherit it and only the watcher takes these signals.
log::Options block_signals(log::Options options) {
  const auto set = watched_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return options;
}

telemetry::TracerOptions tracer_options(const config::Settings& settings) {
  telemetry::TracerOptions options;
  if (settings.has("trace.file")) options.file = settings.text("trace.file");
  return options;
}

}  // namespace

Process::Process(const config::Settings& settings, std::string_view program)
    : clock(process_clock()),
      logs(block_signals(log_options(settings))),
      health(clock),
      tracer(clock, random, tracer_options(settings)),
      tracing(settings.has("trace.file") ? &tracer : nullptr),
      watcher_([this] { watch(); }) {
  metrics.add_process_metrics(clock, program, kVersion);
  readiness_ = telemetry::measure_health(metrics, health);
  for (const auto& warning : settings.warnings())
    log::warn("configuration", {{"text", warning}});
}

Process::~Process() {
  pthread_kill(watcher_.native_handle(), kQuit);
  watcher_.join();
}

void Process::on_stop(std::function<void()> wake) {
  const std::lock_guard guard(lock_);
  wake_ = std::move(wake);
  if (stopping_ && wake_) wake_();
}

void Process::give_up(const Error& error) {
  if (gave_up_.exchange(true)) return;
  log::error("cannot go on", {{"error", error.text()}});
  // To the watcher: raise() would leave it pending on this thread, which blocks it as all do.
  pthread_kill(watcher_.native_handle(), kGiveUp);
}

void Process::watch() {
  const auto set = watched_signals();
  while (true) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (signal == kQuit) return;
    if (signal == kGiveUp && stopping_) continue;
    if (stopping_) {
      log::warn("stopped twice: ending at once");
      log::flush(std::chrono::milliseconds(500));
      std::_Exit(128 + signal);
    }
    log::info("stopping", {{"cause", signal == SIGTERM  ? "SIGTERM"
                                     : signal == SIGINT ? "SIGINT"
                                                        : "failure"}});
    health.drain();
    const std::lock_guard guard(lock_);
    stopping_ = true;
    stopping_.notify_all();
    if (wake_) wake_();
  }
}

}  // namespace dropline::apps
