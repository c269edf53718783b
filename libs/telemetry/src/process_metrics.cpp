#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "dropline/telemetry/log.hpp"
#include "metrics_state.hpp"

namespace dropline::telemetry {
namespace {

/// What /proc/self/stat says, in the units of the metrics.
struct ProcessStatus {
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double threads = 0;
};

ProcessStatus process_status() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  // The command's name, in brackets, may hold anything.
  const auto bracket = text.rfind(')');
  if (bracket == std::string::npos) throw std::runtime_error("/proc/self/stat is not readable");
  std::istringstream rest(text.substr(bracket + 1));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;)
    fields.push_back(field);
  constexpr std::size_t kThreads = 17;  // counted from the field after the name
  constexpr std::size_t kVirtual = 20;
  constexpr std::size_t kResident = 21;
  if (fields.size() <= kResident) throw std::runtime_error("/proc/self/stat is too short");
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return {std::stod(fields[kResident]) * page, std::stod(fields[kVirtual]),
          std::stod(fields[kThreads])};
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double open_descriptors() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return static_cast<double>(std::distance(begin(all), end(all))) - 1;  // less the one that reads
}

double most_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

void Metrics::add_process_metrics(const Clock& clock, std::string_view program,
                                  std::string_view version) {
  auto& own = state_->own;
  const auto add = [&](MetricKind kind, std::string_view name, std::string_view help,
                       std::function<double()> read) {
    own.push_back(sample(kind, name, help, [read](Sample& out) { out(read()); }));
  };
  constexpr auto kGauge = MetricKind::gauge;
  constexpr auto kCounter = MetricKind::counter;
  add(kGauge, "process_resident_memory_bytes", "Resident memory size in bytes.",
      [] { return process_status().resident_bytes; });
  add(kGauge, "process_virtual_memory_bytes", "Virtual memory size in bytes.",
      [] { return process_status().virtual_bytes; });
  add(kGauge, "process_threads", "Number of threads.", [] { return process_status().threads; });
  add(kCounter, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
      cpu_seconds);
  add(kGauge, "process_open_fds", "Number of open file descriptors.", open_descriptors);
  add(kGauge, "process_max_fds", "Maximum number of open file descriptors.", most_descriptors);
  const double started = static_cast<double>(unix_us(clock.now())) / 1e6;
  add(kGauge, "process_start_time_seconds", "Start time since the Unix epoch in seconds.",
      [started] { return started; });
  add(kGauge, "dropline_uptime_seconds", "Time since the process started.",
      [&clock, start = clock.steady()] {
        return std::chrono::duration<double>(clock.steady() - start).count();
      });
  own.push_back(
      sample(kGauge, "dropline_build_info", "Always 1; the labels say what is running.",
             [program = std::string(program), version = std::string(version)](Sample& out) {
               out({{"program", program}, {"version", version}}, 1);
             }));
  own.push_back(sample(kCounter, "dropline_log_lines_total", "Log lines by what became of them.",
                       [](Sample& out) {
                         const log::Counts counts = log::counts();
                         out({{"outcome", "written"}}, static_cast<double>(counts.written));
                         out({{"outcome", "dropped"}}, static_cast<double>(counts.dropped));
                         out({{"outcome", "suppressed"}}, static_cast<double>(counts.suppressed));
                       }));
  own.push_back(sample(kCounter, "dropline_log_problems_total",
                       "Lines logged as warnings and errors, written or not.", [](Sample& out) {
                         const log::Counts counts = log::counts();
                         out({{"level", "warn"}}, static_cast<double>(counts.warnings));
                         out({{"level", "error"}}, static_cast<double>(counts.errors));
                       }));
}

}  // namespace dropline::telemetry
