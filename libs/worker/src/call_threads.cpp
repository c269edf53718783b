#include "dropline/worker/call_threads.hpp"

#include <algorithm>
#include <utility>

#include "dropline/telemetry/log.hpp"

namespace dropline::worker {
namespace {
const log::Logger kLog("calls");
}

CallThreads::CallThreads(CallTarget& target, const Clock& clock, CallThreadsOptions options)
    : target_(target), clock_(clock), options_(options), rest_(options.rest) {
  for (std::size_t i = 0; i < options_.threads; ++i)
    threads_.emplace_back([this] { run(); });
}

CallThreads::~CallThreads() {
  {
    const std::lock_guard guard(lock_);
    stopping_ = true;
    queue_.clear();
  }
  work_.notify_all();
  for (auto& thread : threads_)
    thread.join();
}

void CallThreads::on_change(std::function<void()> wake) {
  const std::lock_guard guard(wake_lock_);
  wake_ = std::move(wake);
}

void CallThreads::report_to(telemetry::Metrics& metrics, std::string_view target) {
  const std::string name(target);
  answers_count_ = metrics.counter("dropline_calls_answered_total", "Calls out that were answered",
                                   {{"target", name}});
  errors_count_ =
      metrics.counter("dropline_calls_unanswered_total",
                      "Calls out whose outcome is not known; made again", {{"target", name}});
  under_way_gauge_ =
      metrics.gauge("dropline_calls_under_way", "Calls out under way", {{"target", name}});
  queue_gauge_ = metrics.gauge("dropline_calls_queued", "Calls out that wait for a thread",
                               {{"target", name}});
  open_gauge_ = metrics.gauge("dropline_calls_circuit_open",
                              "1 while no calls are made since they fail", {{"target", name}});
  seconds_ = metrics.histogram("dropline_call_seconds", "A call out, from begin to end",
                               {{"target", name}});
}

std::string CallThreads::health() const {
  const std::lock_guard guard(lock_);
  return errors_ >= options_.errors_to_break ? trouble_ : std::string();
}

/// While the circuit is half open one call is let through to see how the other side is.
std::size_t CallThreads::room() const {
  const std::lock_guard guard(lock_);
  if (resting(clock_.steady())) return 0;
  const auto taken = queue_.size() + under_way_;
  if (errors_ >= options_.errors_to_break) return taken == 0 ? 1 : 0;
  const auto most = options_.max_queue + options_.threads;
  return most - std::min(taken, most);
}

void CallThreads::start(Call call) {
  {
    const std::lock_guard guard(lock_);
    queue_.push_back(std::move(call));
    queue_gauge_.set(static_cast<double>(queue_.size()));
  }
  work_.notify_one();
}

std::vector<Answer> CallThreads::take() {
  const std::lock_guard guard(lock_);
  answered_ = 0;
  return std::exchange(answers_, {});
}

void CallThreads::run() {
  std::unique_lock guard(lock_);
  while (true) {
    work_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const auto call = std::move(queue_.front());
    queue_.pop_front();
    queue_gauge_.set(static_cast<double>(queue_.size()));
    // Queued before the circuit opened: its row falls due again.
    if (resting(clock_.steady())) continue;
    under_way_gauge_.set(static_cast<double>(++under_way_));
    guard.unlock();
    const auto began = clock_.steady();
    finish(call, target_.call(call), began);
    {
      const std::lock_guard waking(wake_lock_);
      if (wake_) wake_();
    }
    guard.lock();
  }
}

void CallThreads::finish(const Call& call, Result<std::string> body, Clock::Steady began) {
  const std::lock_guard guard(lock_);
  const auto now = clock_.steady();
  seconds_.observe(now - began);
  under_way_gauge_.set(static_cast<double>(--under_way_));
  if (body) {
    answers_count_.add();
    errors_ = 0;
    rest_ = options_.rest;
    open_gauge_.set(0);
    answers_.push_back({call.id, call.shard, call.kind, call.request, std::move(*body)});
    ++answered_;
    return;
  }
  errors_count_.add();
  trouble_ = body.error().text();
  kLog.warn("a call has no answer and is made again", {{"call", call.id.text()},
                                                       {"kind", call.kind},
                                                       {"attempt", call.attempts + 1},
                                                       {"error", trouble_}});
  if (++errors_ < options_.errors_to_break || resting(now)) return;
  rest_until_ = now + rest_;
  open_gauge_.set(1);
  kLog.warn("no calls are made for a while", {{"rest", rest_}, {"errors", errors_}});
  rest_ = std::min(rest_ * 2, options_.rest_max);
}

}  // namespace dropline::worker
