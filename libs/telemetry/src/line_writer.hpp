#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace dropline::telemetry {

/// Writes lines to a descriptor on a thread of its own. push() never waits for the descriptor: when
/// the queue is full the oldest lines go, and are counted. Any thread. Signals are blocked on the
/// writing thread, so that a reader that went away is an error there and not SIGPIPE for everyone.
class LineWriter final {
 public:
  struct Bounds {
    std::size_t lines = 0;
    std::size_t bytes = 0;
  };
  /// What is said in the file where lines are missing; empty says nothing.
  using Notice = std::function<std::string(std::uint64_t dropped)>;
  /// Called on the writing thread when the time set with set_alarm() has come.
  using Alarm = std::function<void()>;

  /// Borrows the descriptor.
  LineWriter(int fd, Bounds bounds, Notice notice = {}, Alarm alarm = {});
  /// As stop() with no time to drain; ensures the thread is gone. In a child made by fork(), where
  /// there is no such thread, do not destroy it: leak it.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// `line` ends with its newline. False, and nothing taken, once it was stopped.
  bool push(std::string& line);
  void set_alarm(std::chrono::steady_clock::time_point at);
  /// False when `limit` passed before everything pushed until now was written or dropped.
  bool flush(std::chrono::milliseconds limit);
  /// Writes what is queued for at most `limit`, then ends the thread.
  void stop(std::chrono::milliseconds limit);

  [[nodiscard]] std::uint64_t written() const noexcept { return written_.load(); }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(); }

  /// Around fork(): a child must not inherit a locked queue.
  void lock_for_fork() { mutex_.lock(); }
  void unlock_after_fork() { mutex_.unlock(); }

 private:
  void run();
  bool write_all(const std::string& bytes);
  bool wait_writable();
  void drop_oldest();
  std::string take_batch(std::uint64_t& lines);

  const int fd_;
  const Bounds bounds_;
  const Notice notice_;
  const Alarm alarm_;
  bool regular_file_ = false;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable progress_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  std::uint64_t pushed_ = 0;
  std::uint64_t done_ = 0;  ///< written, dropped or refused
  std::uint64_t unreported_ = 0;
  std::chrono::steady_clock::time_point alarm_at_ = std::chrono::steady_clock::time_point::max();
  bool stopping_ = false;
  std::atomic<std::chrono::steady_clock::rep> give_up_at_;
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::thread thread_;  // last: it uses all of the above
};

/// Writes at once, on the calling thread; false when the descriptor refuses or stays full for
/// `limit`.
bool write_now(int fd, std::string_view bytes, std::chrono::milliseconds limit);

}  // namespace dropline::telemetry
