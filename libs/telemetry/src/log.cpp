#include "dropline/telemetry/log.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <mutex>

#include "dropline/base/clock.hpp"
#include "dropline/base/ensure.hpp"
#include "dropline/telemetry/trace.hpp"
#include "escape.hpp"
#include "line_writer.hpp"
#include "log_line.hpp"
#include "repeat_limit.hpp"

namespace dropline::telemetry::log {

namespace detail {
struct LoggerState {
  std::string name;
  std::atomic<int> threshold{static_cast<int>(Level::info)};
};
}  // namespace detail

struct Capture::State {
  Level level = Level::trace;
  mutable std::mutex mutex;
  std::vector<Line> lines;
};

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kDirectWriteLimit{1000};
/// Room for what cut() adds, so that a kept text is not cut twice.
constexpr std::size_t kCutNoteBytes = 64;

struct Rendering {
  int fd = STDERR_FILENO;
  bool human = false;
  bool colour = false;

  static Rendering of(int fd, Format format, std::optional<bool> colour) {
    const bool terminal = isatty(fd) == 1;
    const char* no_colour = std::getenv("NO_COLOR");
    const bool wanted = terminal && (no_colour == nullptr || *no_colour == '\0');
    return {fd, format == Format::human || (format == Format::automatic && terminal),
            colour.value_or(wanted)};
  }
  [[nodiscard]] std::string render(const Draft& draft) const {
    return human ? render_human(draft, colour) : render_json(draft);
  }
};

/// The process's log. Never destroyed: lines may come from the destructors of statics.
class Core final {
 public:
  static Core& get() {
    static Core* const core = new Core;
    return *core;
  }

  detail::LoggerState* logger(std::string_view name);
  void submit(const detail::LoggerState& logger, Level level, std::string_view message,
              Fields fields);
  void start(const Options& options);
  void stop(std::chrono::milliseconds limit);
  void set_level(std::string_view logger, Level level);
  bool flush(std::chrono::milliseconds limit);
  [[nodiscard]] Counts counts() const noexcept;
  void capture(std::shared_ptr<Capture::State> state);

 private:
  Core();

  void apply_levels();
  void write_closing(const std::vector<Kept>& lines, LineWriter& writer);
  void close_repeats();
  void write_direct(int fd, const std::string& line);
  [[nodiscard]] std::string notice(std::uint64_t dropped) const;
  void before_fork();
  void after_fork(bool child);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<detail::LoggerState>, std::less<>> loggers_;
  Level level_ = Level::info;
  std::map<std::string, Level, std::less<>> levels_;
  std::shared_ptr<LineWriter> writer_;
  std::shared_ptr<LineWriter> forked_writer_;           // held over fork()
  std::vector<std::shared_ptr<LineWriter>> abandoned_;  // of our parent processes
  Rendering rendering_ = Rendering::of(STDERR_FILENO, Format::automatic, {});
  RepeatLimit repeats_{0, std::chrono::milliseconds(0)};
  std::shared_ptr<Capture::State> capture_;
  bool session_ = false;

  std::mutex direct_mutex_;
  std::uint64_t earlier_written_ = 0;  // of sessions that are over
  std::uint64_t earlier_dropped_ = 0;
  std::atomic<std::uint64_t> direct_written_{0};
  std::atomic<std::uint64_t> direct_dropped_{0};
  std::atomic<std::uint64_t> suppressed_{0};
  std::atomic<std::uint64_t> errors_{0};
  std::atomic<std::uint64_t> warnings_{0};
};

Core::Core() {
  pthread_atfork([] { get().before_fork(); }, [] { get().after_fork(false); },
                 [] { get().after_fork(true); });
  std::atexit([] { get().stop(Session::kDrainLimit); });
}

// The child has no writing thread, and what its copy of the queue holds the parent writes.
void Core::before_fork() {
  mutex_.lock();
  direct_mutex_.lock();
  forked_writer_ = writer_;
  if (forked_writer_) forked_writer_->lock_for_fork();
}

void Core::after_fork(bool child) {
  if (forked_writer_) forked_writer_->unlock_after_fork();
  if (child && forked_writer_) {
    // Its condition variables remember a waiter that does not exist here: never destroy it.
    abandoned_.push_back(std::move(writer_));
    writer_.reset();
    repeats_ = RepeatLimit(0, std::chrono::milliseconds(0));
  }
  forked_writer_.reset();
  direct_mutex_.unlock();
  mutex_.unlock();
}

detail::LoggerState* Core::logger(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto found = loggers_.find(name); found != loggers_.end()) return found->second.get();
  auto state = std::make_unique<detail::LoggerState>();
  state->name = name;
  auto* const raw = state.get();
  loggers_.emplace(name, std::move(state));
  apply_levels();
  return raw;
}

void Core::apply_levels() {
  for (const auto& [name, state] : loggers_) {
    const auto own = levels_.find(name);
    Level level = own == levels_.end() ? level_ : own->second;
    if (capture_) level = capture_->level;
    state->threshold.store(static_cast<int>(level), std::memory_order_relaxed);
  }
}

void Core::set_level(std::string_view logger, Level level) {
  const std::lock_guard lock(mutex_);
  if (logger.empty()) {
    level_ = level;
  } else {
    levels_.insert_or_assign(std::string(logger), level);
  }
  apply_levels();
}

void Core::submit(const detail::LoggerState& logger, Level level, std::string_view message,
                  Fields fields) {
  if (level == Level::error) ++errors_;
  if (level == Level::warn) ++warnings_;
  const TraceId trace = TraceScope::current();
  const std::string trace_id = trace.nil() ? std::string() : trace.text();
  const Draft draft{level,    logger.name,         message,
                    trace_id, SystemClock().now(), {fields.begin(), fields.size()},
                    0};
  Rendering rendering;
  std::shared_ptr<LineWriter> writer;
  std::shared_ptr<Capture::State> capture;
  bool admitted = true;
  {
    const std::lock_guard lock(mutex_);
    rendering = rendering_;
    writer = writer_;
    capture = capture_;
    if (!capture && writer) {
      admitted = repeats_.admit(draft, SteadyClock::now());
      if (!admitted) writer->set_alarm(repeats_.next_close());
    }
  }
  if (capture) {
    Line line{level, logger.name,        std::string(message),      trace_id,
              {},    render_json(draft), render_human(draft, false)};
    for (const Field& field : fields) {
      line.fields.emplace_back(field.key, bare_text(field.value));
    }
    const std::lock_guard lock(capture->mutex);
    capture->lines.push_back(std::move(line));
  } else if (!admitted) {
    ++suppressed_;
  } else {
    std::string line = rendering.render(draft);
    if (!writer || !writer->push(line)) write_direct(rendering.fd, line);
  }
}

void Core::write_direct(int fd, const std::string& line) {
  const std::lock_guard lock(direct_mutex_);
  ++(write_now(fd, line, kDirectWriteLimit) ? direct_written_ : direct_dropped_);
}

void Core::start(const Options& options) {
  const std::lock_guard lock(mutex_);
  ensure(!session_, "one log session at a time");
  session_ = true;
  level_ = options.level;
  levels_.clear();
  for (const auto& [name, level] : options.levels)
    levels_.insert_or_assign(name, level);
  rendering_ = Rendering::of(options.fd, options.format, options.colour);
  repeats_ = RepeatLimit(options.repeat_burst, options.repeat_window);
  writer_ = std::make_shared<LineWriter>(
      options.fd, LineWriter::Bounds{options.queue_lines, options.queue_bytes},
      [this](std::uint64_t dropped) { return notice(dropped); }, [this] { close_repeats(); });
  apply_levels();
}

std::string Core::notice(std::uint64_t dropped) const {
  Rendering rendering;
  {
    const std::lock_guard lock(mutex_);
    rendering = rendering_;
  }
  const std::array<Field, 1> fields{Field{"dropped", dropped}};
  return rendering.render({Level::warn, "log", "log lines dropped, the reader is too slow", "",
                           SystemClock().now(), fields, 0});
}

void Core::write_closing(const std::vector<Kept>& lines, LineWriter& writer) {
  Rendering rendering;
  {
    const std::lock_guard lock(mutex_);
    rendering = rendering_;
  }
  for (const Kept& kept : lines) {
    kept.with_draft([&](const Draft& draft) {
      std::string line = rendering.render(draft);
      writer.push(line);
    });
  }
}

// Runs on the writing thread.
void Core::close_repeats() {
  std::vector<Kept> closing;
  std::shared_ptr<LineWriter> writer;
  {
    const std::lock_guard lock(mutex_);
    writer = writer_;
    if (!writer) return;
    closing = repeats_.close(SteadyClock::now());
    const auto next = repeats_.next_close();
    if (next != RepeatLimit::Time::max()) writer->set_alarm(next);
  }
  write_closing(closing, *writer);
}

void Core::stop(std::chrono::milliseconds limit) {
  std::shared_ptr<LineWriter> writer;
  std::vector<Kept> closing;
  {
    const std::lock_guard lock(mutex_);
    session_ = false;
    if (!writer_) return;
    writer = std::move(writer_);
    writer_.reset();
    closing = repeats_.close(RepeatLimit::Time::max());
  }
  write_closing(closing, *writer);
  writer->stop(limit);
  const std::lock_guard lock(mutex_);
  earlier_written_ += writer->written();
  earlier_dropped_ += writer->dropped();
  rendering_.fd = STDERR_FILENO;  // the session's was borrowed
}

bool Core::flush(std::chrono::milliseconds limit) {
  std::shared_ptr<LineWriter> writer;
  {
    const std::lock_guard lock(mutex_);
    writer = writer_;
  }
  return !writer || writer->flush(limit);
}

Counts Core::counts() const noexcept {
  const std::lock_guard lock(mutex_);
  Counts counts;
  counts.written = earlier_written_ + direct_written_ + (writer_ ? writer_->written() : 0);
  counts.dropped = earlier_dropped_ + direct_dropped_ + (writer_ ? writer_->dropped() : 0);
  counts.suppressed = suppressed_;
  counts.errors = errors_;
  counts.warnings = warnings_;
  return counts;
}

void Core::capture(std::shared_ptr<Capture::State> state) {
  const std::lock_guard lock(mutex_);
  ensure(!state || !capture_, "one log capture at a time");
  capture_ = std::move(state);
  apply_levels();
}

const Logger& main_logger() {
  static const Logger logger("dropline");
  return logger;
}

}  // namespace

Value Value::owned() const {
  Value copy(*this);
  if (const auto* text = std::get_if<std::string_view>(&held_)) {
    copy.held_ = cut(*text, kMaxTextBytes - kCutNoteBytes);
  }
  return copy;
}

Logger::Logger(std::string_view name)
    : state_(Core::get().logger(name)), threshold_(&state_->threshold) {}

void Logger::submit(Level level, std::string_view message, Fields fields) const {
  Core::get().submit(*state_, level, message, fields);
}

void debug(std::string_view message, Fields fields) {
  main_logger().debug(message, fields);
}
void info(std::string_view message, Fields fields) {
  main_logger().info(message, fields);
}
void warn(std::string_view message, Fields fields) {
  main_logger().warn(message, fields);
}
void error(std::string_view message, Fields fields) {
  main_logger().error(message, fields);
}

Session::Session(Options options) {
  Core::get().start(options);
}
Session::~Session() {
  Core::get().stop(kDrainLimit);
}

void set_level(std::string_view logger, Level level) {
  Core::get().set_level(logger, level);
}
bool flush(std::chrono::milliseconds limit) {
  return Core::get().flush(limit);
}
Counts counts() noexcept {
  return Core::get().counts();
}

std::string Line::field(std::string_view key) const {
  for (const auto& [name, value] : fields) {
    if (name == key) return value;
  }
  return {};
}

Capture::Capture(Level level) : state_(std::make_shared<State>()) {
  state_->level = level;
  Core::get().capture(state_);
}

Capture::~Capture() {
  Core::get().capture(nullptr);
}

std::vector<Line> Capture::lines() const {
  const std::lock_guard lock(state_->mutex);
  return state_->lines;
}

std::vector<Line> Capture::lines(std::string_view message) const {
  std::vector<Line> found = lines();
  std::erase_if(found, [&](const Line& line) { return line.message != message; });
  return found;
}

}  // namespace dropline::telemetry::log
