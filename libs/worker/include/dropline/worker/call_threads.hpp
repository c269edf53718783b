#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dropline/worker/calls.hpp"

namespace dropline::worker {

/// Where calls go: an adapter of somebody else's API.
class CallTarget {
 public:
  virtual ~CallTarget() = default;

  /// Makes the call and waits for its answer, no longer than the deadline that the adapter was made
  /// with. Any thread, several at once. An error means that the outcome is not known, or that the
  /// other side would not say: the call is made again. What it answered for good, refusals
  /// included, is a body.
  [[nodiscard]] virtual Result<std::string> call(const Call& call) = 0;
};

struct CallThreadsOptions {
  std::size_t threads = 4;      ///< calls at once
  std::size_t max_queue = 256;  ///< calls that wait for a thread
  /// So many errors in a row open the circuit: for `rest`, doubled up to `rest_max`, no call is
  /// begun; then one at a time until one is answered.
  int errors_to_break = 5;
  std::chrono::milliseconds rest{1'000};
  std::chrono::milliseconds rest_max{30'000};
};

/// Makes calls on threads of its own. What is queued when it is destroyed is not made: its rows
/// are due again. The destructor waits for calls under way, that is for their deadline at most.
///
/// Threads: see Caller; on_change() and health() from any.
class CallThreads final : public Caller {
 public:
  CallThreads(CallTarget& target, const Clock& clock, CallThreadsOptions options = {});
  ~CallThreads() override;
  CallThreads(const CallThreads&) = delete;
  CallThreads& operator=(const CallThreads&) = delete;

  /// Called from a thread of its own whenever a call is over: to wake the loop. Empty: nobody is.
  void on_change(std::function<void()> wake);
  void report_to(telemetry::Metrics& metrics, std::string_view target);
  /// Empty while calls are answered, else why they are not made.
  [[nodiscard]] std::string health() const;

  [[nodiscard]] std::size_t room() const override;
  void start(Call call) override;
  [[nodiscard]] std::vector<Answer> take() override;
  [[nodiscard]] bool has_answers() const override { return answered_ > 0; }

 private:
  void run();
  void finish(const Call& call, Result<std::string> body, Clock::Steady began);
  [[nodiscard]] bool resting(Clock::Steady now) const { return rest_until_ > now; }

  CallTarget& target_;
  const Clock& clock_;
  const CallThreadsOptions options_;

  mutable std::mutex lock_;
  std::condition_variable work_;
  std::deque<Call> queue_;
  std::vector<Answer> answers_;
  std::atomic<std::size_t> answered_{0};
  std::size_t under_way_ = 0;
  int errors_ = 0;  ///< in a row
  Clock::Steady rest_until_{};
  std::chrono::milliseconds rest_;
  std::string trouble_;
  bool stopping_ = false;

  std::mutex wake_lock_;
  std::function<void()> wake_;
  telemetry::Counter answers_count_;
  telemetry::Counter errors_count_;
  telemetry::Gauge under_way_gauge_;
  telemetry::Gauge queue_gauge_;
  telemetry::Gauge open_gauge_;
  telemetry::Histogram seconds_;
  std::vector<std::thread> threads_;
};

}  // namespace dropline::worker
