#include "line_writer.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

namespace dropline::telemetry {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kBatchBytes = 64 * 1024;
constexpr auto kPollSlice = std::chrono::milliseconds(50);
/// A descriptor that is ready takes this much without blocking.
constexpr std::size_t kSafeChunk = PIPE_BUF;

bool is_regular_file(int fd) noexcept {
  struct stat status {};
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/// Writes a chunk that does not block; -1 when the descriptor refuses it.
ssize_t write_chunk(int fd, const char* bytes, std::size_t size) noexcept {
  while (true) {
    const ssize_t taken = ::write(fd, bytes, size);
    if (taken >= 0) return taken;
    if (errno == EINTR) continue;
    return errno == EAGAIN ? 0 : -1;
  }
}

void block_all_signals() noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

LineWriter::LineWriter(int fd, Bounds bounds, Notice notice, Alarm alarm)
    : fd_(fd),
      bounds_(bounds),
      notice_(std::move(notice)),
      alarm_(std::move(alarm)),
      regular_file_(is_regular_file(fd)),
      give_up_at_(SteadyClock::time_point::max().time_since_epoch().count()),
      thread_([this] { run(); }) {}

LineWriter::~LineWriter() {
  stop(std::chrono::milliseconds(0));
}

bool LineWriter::push(std::string& line) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    ++pushed_;
    queued_bytes_ += line.size();
    queue_.push_back(std::move(line));
    while (queue_.size() > bounds_.lines || (queued_bytes_ > bounds_.bytes && queue_.size() > 1)) {
      drop_oldest();
    }
  }
  wake_.notify_one();
  return true;
}

void LineWriter::drop_oldest() {
  queued_bytes_ -= queue_.front().size();
  queue_.pop_front();
  ++done_;
  ++unreported_;
  ++dropped_;
}

void LineWriter::set_alarm(SteadyClock::time_point at) {
  {
    const std::lock_guard lock(mutex_);
    if (at >= alarm_at_) return;
    alarm_at_ = at;
  }
  wake_.notify_one();
}

bool LineWriter::flush(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = pushed_;
  return progress_.wait_for(lock, limit, [&] { return done_ >= target; });
}

void LineWriter::stop(std::chrono::milliseconds limit) {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    give_up_at_ = (SteadyClock::now() + limit).time_since_epoch().count();
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void LineWriter::run() {
  block_all_signals();
  std::unique_lock lock(mutex_);
  while (true) {
    const auto due = [&] { return stopping_ || !queue_.empty(); };
    if (alarm_at_ == SteadyClock::time_point::max()) {
      wake_.wait(lock, [&] { return due() || alarm_at_ != SteadyClock::time_point::max(); });
    } else {
      const auto until = alarm_at_;
      wake_.wait_until(lock, until, due);
    }
    if (alarm_ && SteadyClock::now() >= alarm_at_) {
      alarm_at_ = SteadyClock::time_point::max();
      lock.unlock();
      alarm_();
      lock.lock();
    }
    if (queue_.empty()) {
      if (stopping_) return;
      continue;
    }
    const std::uint64_t missing = std::exchange(unreported_, 0);
    std::uint64_t lines = 0;
    std::string batch = take_batch(lines);
    lock.unlock();
    // Unlocked: the notice may ask its owner for locks that are held around push().
    if (missing > 0 && notice_) batch.insert(0, notice_(missing));
    const bool whole = write_all(batch);
    lock.lock();
    (whole ? written_ : dropped_) += lines;
    done_ += lines;
    progress_.notify_all();
  }
}

std::string LineWriter::take_batch(std::uint64_t& lines) {
  std::string batch;
  while (!queue_.empty() && (lines == 0 || batch.size() + queue_.front().size() <= kBatchBytes)) {
    batch += queue_.front();
    queued_bytes_ -= queue_.front().size();
    queue_.pop_front();
    ++lines;
  }
  return batch;
}

bool LineWriter::write_all(const std::string& bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::size_t size = bytes.size() - at;
    if (!regular_file_) {
      if (!wait_writable()) return false;
      size = std::min(size, kSafeChunk);
    }
    const ssize_t taken = write_chunk(fd_, bytes.data() + at, size);
    if (taken < 0) return false;
    at += static_cast<std::size_t>(taken);
  }
  return true;
}

// Waits in slices, because stop() must be able to end it while a reader has stalled.
bool LineWriter::wait_writable() {
  while (true) {
    const bool late = SteadyClock::now().time_since_epoch().count() >= give_up_at_;
    pollfd ready{fd_, POLLOUT, 0};
    const int answer = ::poll(&ready, 1, late ? 0 : static_cast<int>(kPollSlice.count()));
    if (answer > 0) return (ready.revents & POLLOUT) != 0;
    if ((answer < 0 && errno != EINTR) || late) return false;
  }
}

bool write_now(int fd, std::string_view bytes, std::chrono::milliseconds limit) {
  const bool regular = is_regular_file(fd);
  const auto until = SteadyClock::now() + limit;
  while (!bytes.empty()) {
    std::size_t size = bytes.size();
    if (!regular) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(until - SteadyClock::now()).count();
      pollfd ready{fd, POLLOUT, 0};
      const int answer = ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
      if (answer < 0 && errno == EINTR) continue;
      if (answer <= 0 || (ready.revents & POLLOUT) == 0) return false;
      size = std::min(size, kSafeChunk);
    }
    const ssize_t taken = write_chunk(fd, bytes.data(), size);
    if (taken < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(taken));
  }
  return true;
}

}  // namespace dropline::telemetry
