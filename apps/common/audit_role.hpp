#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "common/process.hpp"
#include "dropline/audit/watch.hpp"
#include "dropline/config/settings.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::apps {

/// Watches over a shop at work on a thread of its own, from construction to destruction: holds it
/// against its invariants every `audit.interval` (less often where looks would cost more than their
/// share of a core), tells metrics, and logs an error for each check that begins to find something,
/// with its first finding. Never makes the process unready: a shop with a drift goes on selling.
///
/// Of several on one PostgreSQL one is at work, the others stand by. Looking needs every service's
/// tables: until they are there it waits. `audit.interval` of zero: it does nothing.
class AuditRole final {
 public:
  /// All are borrowed and must outlive it. Destruct it before the stream is stopped.
  AuditRole(const config::Settings& settings, Process& process, stream::Stream& stream,
            const store::Database& database);
  ~AuditRole();
  AuditRole(const AuditRole&) = delete;
  AuditRole& operator=(const AuditRole&) = delete;

 private:
  void run();
  void look();
  [[nodiscard]] Status ready_session();
  void tell(const audit::Look& look);
  void tell(const audit::Outcome& outcome);
  void nap(std::chrono::milliseconds length) const;
  [[nodiscard]] bool stopping() const { return stopping_ || process_.stopping(); }

  Process& process_;
  const store::Database& database_;
  std::chrono::milliseconds interval_;
  audit::Watch watch_;
  std::optional<store::Session> session_;
  bool waiting_told_ = false;
  std::int64_t said_ = -1;                              ///< records, at the last look
  Clock::Steady looked_{};                              ///< when that was
  std::array<std::chrono::microseconds, 10> worked_{};  ///< what the last looks took
  std::size_t looks_done_ = 0;
  std::chrono::milliseconds pause_{};  ///< before the next

  struct Alarm {
    telemetry::Gauge violations;
    std::int64_t found = 0;
    Clock::Steady told{};
  };
  std::map<std::string, Alarm> alarms_;
  telemetry::Gauge last_run_;
  telemetry::Gauge duration_;
  telemetry::Gauge behind_;
  telemetry::Gauge unsettled_;
  telemetry::Counter looks_;

  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace dropline::apps
