#include "common/audit_role.hpp"

#include <algorithm>

#include "dropline/store/errors.hpp"
#include "dropline/store/table.hpp"
#include "dropline/telemetry/log.hpp"

namespace dropline::apps {
namespace {

const log::Logger kLog("audit");
constexpr std::chrono::milliseconds kNap{50};
constexpr std::chrono::seconds kRetry{2};
/// An alarm that lasts is told again after this.
constexpr std::chrono::minutes kReminder{1};
constexpr std::chrono::seconds kStatementLimit{60};

audit::WatchOptions watch_options(const config::Settings& settings) {
  audit::WatchOptions options;
  options.partitions = static_cast<std::int32_t>(settings.integer("topics.partitions"));
  options.topic_prefix = settings.text("topics.prefix");
  return options;
}

/// "drop" and "line": the number of the lock that says who audits this database.
constexpr store::Statement kSeat{"audit seat", "stock",
                                 "SELECT pg_try_advisory_lock(CAST(7236834 AS bigint))"};

}  // namespace

AuditRole::AuditRole(const config::Settings& settings, Process& process, stream::Stream& stream,
                     const store::Database& database)
    : process_(process),
      database_(database),
      interval_(settings.duration<std::chrono::milliseconds>("audit.interval")),
      watch_(stream, process.clock, watch_options(settings)) {
  if (interval_ == std::chrono::milliseconds::zero()) return;
  auto& metrics = process.metrics;
  last_run_ = metrics.gauge("dropline_audit_last_run_seconds",
                            "When a look at the shop's invariants ended, in seconds since 1970.");
  duration_ = metrics.gauge("dropline_audit_duration_seconds",
                            "What the last look took, waiting left out.");
  behind_ = metrics.gauge("dropline_audit_behind_records",
                          "Records that services had to read at the last look.");
  unsettled_ = metrics.gauge("dropline_audit_unsettled",
                             "1 where the shop did not come to rest, so that what services say "
                             "of each other could not be told.");
  looks_ = metrics.counter("dropline_audit_looks_total", "Looks that were finished.");
  thread_ = std::thread([this] { run(); });
}

AuditRole::~AuditRole() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void AuditRole::nap(std::chrono::milliseconds length) const {
  const auto until = process_.clock.steady() + length;
  while (!stopping() && process_.clock.steady() < until)
    std::this_thread::sleep_for(std::min(kNap, length));
}

void AuditRole::run() {
  while (!stopping()) {
    pause_ = kRetry;
    look();
    nap(pause_);
  }
}

/// A session that holds the seat; an error, with the reason, while another has it.
Status AuditRole::ready_session() {
  if (session_ && !session_->broken()) return {};
  session_.reset();
  auto session = database_.open(
      {.application = "dropline audit", .statement_limit = kStatementLimit, .read_only = true});
  if (!session) return session.error();
  if (session->dialect() == store::Dialect::postgresql) {
    auto seat = store::query(*session, kSeat, {}, {store::Type::boolean});
    if (!seat) return seat.error();
    if (!seat->front().boolean(0)) return store::error(store::Errc::busy, "another audits it");
  }
  session_.emplace(std::move(*session));
  return {};
}

void AuditRole::look() {
  auto ready = ready_session();
  auto seen =
      ready ? watch_.look(*session_, stopping_, [this](const audit::Outcome& one) { tell(one); })
            : Result<audit::Look>(ready.error());
  if (!seen) {
    if (!std::exchange(waiting_told_, true))
      kLog.info("cannot look yet", {{"cause", seen.error().text()}});
    return;
  }
  if (stopping()) return;
  if (std::exchange(waiting_told_, false)) kLog.info("looks again");
  const auto now = process_.clock.steady();
  const auto seconds = std::chrono::duration<double>(now - looked_).count();
  const auto rate =
      said_ < 0 || seconds <= 0 ? 0.0 : static_cast<double>(seen->said - said_) / seconds;
  said_ = seen->said;
  looked_ = now;
  // The quickest of the last ones: the others waited for a processor that somebody else had.
  worked_[looks_done_++ % worked_.size()] = seen->worked;
  const auto looks = std::min(looks_done_, worked_.size());
  const auto quickest =
      *std::min_element(worked_.begin(), worked_.begin() + static_cast<std::ptrdiff_t>(looks));
  pause_ = audit::pause_after(quickest, seen->said, rate, interval_);
  tell(*seen);
}

void AuditRole::tell(const audit::Look& look) {
  for (const auto& outcome : look.outcomes)
    tell(outcome);
  last_run_.set(static_cast<double>(unix_ms(process_.clock.now())) / 1'000);
  duration_.set(std::chrono::duration<double>(look.worked).count());
  behind_.set(static_cast<double>(look.behind));
  unsettled_.set(look.unsettled.empty() ? 0 : 1);
  looks_.add();
}

/// What is unsettled is neither an alarm nor the end of one.
void AuditRole::tell(const audit::Outcome& outcome) {
  if (outcome.unsettled) return;
  auto found = alarms_.find(outcome.code);
  if (found == alarms_.end()) {
    Alarm alarm;
    alarm.violations = process_.metrics.gauge(
        "dropline_audit_violations", "Rows that break an invariant of the shop, at the last look.",
        {{"check", outcome.code}});
    found = alarms_.emplace(outcome.code, alarm).first;
  }
  auto& alarm = found->second;
  const auto now = process_.clock.steady();
  const bool more = outcome.found > alarm.found;
  if (outcome.found > 0 && (more || now - alarm.told >= kReminder)) {
    alarm.told = now;
    const auto& first = outcome.findings.front();
    kLog.error("an invariant is broken", {{"check", outcome.code},
                                          {"must_hold", outcome.about},
                                          {"violations", outcome.found},
                                          {"where", first.where},
                                          {"what", first.what}});
  } else if (outcome.found == 0 && alarm.found > 0) {
    kLog.info("an invariant holds again", {{"check", outcome.code}});
  }
  alarm.found = outcome.found;
  alarm.violations.set(static_cast<double>(outcome.found));
}

}  // namespace dropline::apps
