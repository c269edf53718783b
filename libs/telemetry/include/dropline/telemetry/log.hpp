#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/base/time.hpp"
#include "dropline/telemetry/secret.hpp"

/// Structured logs: a constant sentence and fields.
///
///   const log::Logger kLog("ordering");
///   kLog.info("order placed", {{"order", id}, {"partition", 3}, {"took", elapsed}});
///
/// Keep the message constant and put what varies into fields: messages are told apart, counted and
/// limited by their text. A line written at a level that is off costs one relaxed load.
///
/// The log is the process's, like stderr. Until a Session starts, and after it ends, lines are
/// written at once by the caller, so that nothing is lost at the edges of main().
namespace dropline::telemetry::log {

enum class Level : int { trace, debug, info, warn, error, off };

[[nodiscard]] std::string_view text(Level level) noexcept;
/// "trace", "debug", "info", "warn" ("warning"), "error", "off"; lower case.
[[nodiscard]] std::optional<Level> parse_level(std::string_view text) noexcept;

template <class T>
concept HasText = requires(const T& value) {
  { value.text() } -> std::convertible_to<std::string_view>;
};

/// What a field may hold. Text is borrowed until the logging call returns.
class Value final {
 public:
  using Held = std::variant<std::string_view, std::string, std::int64_t, std::uint64_t, double,
                            bool, std::chrono::nanoseconds>;

  Value(std::string_view text) : held_(text) {}                      // NOLINT: implicit by design
  Value(const std::string& text) : held_(std::string_view(text)) {}  // NOLINT
  Value(const char* text) : held_(std::string_view(text ? text : "")) {}  // NOLINT
  Value(bool truth) : held_(truth) {}                                     // NOLINT
  template <std::signed_integral T>
  Value(T number) : held_(static_cast<std::int64_t>(number)) {}  // NOLINT
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) explicit(false) Value(T number)
      : held_(static_cast<std::uint64_t>(number)) {}
  template <std::floating_point T>
  Value(T number) : held_(static_cast<double>(number)) {}  // NOLINT
  template <class Rep, class Period>
  Value(std::chrono::duration<Rep, Period> span)  // NOLINT
      : held_(std::chrono::duration_cast<std::chrono::nanoseconds>(span)) {}
  Value(Timestamp at) : held_(rfc3339(at)) {}                    // NOLINT
  Value(const std::error_code& code) : held_(code.message()) {}  // NOLINT
  Value(const Secret&) : held_(Secret::kHidden) {}               // NOLINT
  /// Ids, UUIDs, SKUs, errors: whatever has a text().
  template <HasText T>
  Value(const T& thing) : held_(std::string(thing.text())) {}  // NOLINT

  [[nodiscard]] const Held& held() const noexcept { return held_; }
  /// The same, borrowing nothing.
  [[nodiscard]] Value owned() const;

 private:
  Held held_;
};

struct Field {
  std::string_view key;
  Value value;
};

using Fields = std::initializer_list<Field>;

/// Fields beyond this number are left out, and said so in the line.
inline constexpr std::size_t kMaxFields = 32;
/// Longer texts (message, field) are cut there, and say how much was cut.
inline constexpr std::size_t kMaxTextBytes = 8 * 1024;

namespace detail {
struct LoggerState;
}

/// A name under which a room writes, and the level in force for it. Cheap to copy; make one static
/// for a source file. Any thread.
class Logger final {
 public:
  /// The same name always gives the same logger.
  explicit Logger(std::string_view name);

  [[nodiscard]] bool enabled(Level level) const noexcept {
    return static_cast<int>(level) >= threshold_->load(std::memory_order_relaxed);
  }
  void trace(std::string_view message, Fields fields = {}) const {
    write(Level::trace, message, fields);
  }
  void debug(std::string_view message, Fields fields = {}) const {
    write(Level::debug, message, fields);
  }
  void info(std::string_view message, Fields fields = {}) const {
    write(Level::info, message, fields);
  }
  void warn(std::string_view message, Fields fields = {}) const {
    write(Level::warn, message, fields);
  }
  void error(std::string_view message, Fields fields = {}) const {
    write(Level::error, message, fields);
  }
  void write(Level level, std::string_view message, Fields fields = {}) const {
    if (enabled(level)) [[unlikely]]
      submit(level, message, fields);
  }

 private:
  void submit(Level level, std::string_view message, Fields fields) const;

  detail::LoggerState* state_;
  const std::atomic<int>* threshold_;
};

/// The logger "dropline", for mains.
void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

enum class Format {
  automatic,  ///< human on a terminal, JSON lines otherwise
  human,
  json,
};

struct Options {
  Level level = Level::info;
  /// Levels of single loggers, which win over `level`.
  std::vector<std::pair<std::string, Level>> levels = {};
  Format format = Format::automatic;
  /// Colour in the human format; absent: on a terminal, unless NO_COLOR is set.
  std::optional<bool> colour = {};
  /// Where lines go; borrowed, not closed.
  int fd = 2;
  /// What waits to be written; beyond either bound the oldest line is dropped and counted.
  std::size_t queue_lines = 8192;
  std::size_t queue_bytes = 4 * 1024 * 1024;
  /// Of one message (logger, level and text; fields do not count) at `info` and above, this many
  /// are written in a window; the rest are counted, and the window ends with one line that carries
  /// the last one's fields and the count. 0: no limit.
  std::uint32_t repeat_burst = 100;
  std::chrono::milliseconds repeat_window{10'000};
};

/// From construction to destruction lines are written by a thread of its own: a caller formats its
/// line, appends it to a bounded queue and never waits for the descriptor. Start one in main()
/// before other threads; one at a time. Destruction writes what is queued, waiting at most
/// kDrainLimit. exit() without destruction drains too; after fork() the child starts with an empty
/// queue and writes directly.
class Session final {
 public:
  static constexpr std::chrono::seconds kDrainLimit{2};

  explicit Session(Options options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

/// Changes levels while running. An empty name sets the default and keeps single loggers' levels.
void set_level(std::string_view logger, Level level);

/// "info", or "warn,http=debug,store=trace": the default, then single loggers. As the option
/// `log.level` has it; the error names the part that is wrong.
struct Levels {
  Level level = Level::info;
  std::vector<std::pair<std::string, Level>> levels = {};
};
[[nodiscard]] Result<Levels> parse_levels(std::string_view text);

/// Waits until what was logged before the call is written; false when `limit` passed first.
bool flush(std::chrono::milliseconds limit);

struct Counts {
  std::uint64_t written = 0;
  std::uint64_t dropped = 0;     ///< pushed out of a full queue, or refused by the descriptor
  std::uint64_t suppressed = 0;  ///< repeats that were only counted
  std::uint64_t errors = 0;      ///< logged at `error`, written or not
  std::uint64_t warnings = 0;
};
[[nodiscard]] Counts counts() noexcept;

/// A line as a test sees it.
struct Line {
  Level level = Level::info;
  std::string logger;
  std::string message;
  std::string trace_id;
  std::vector<std::pair<std::string, std::string>> fields;
  /// Both renderings, as they would have been written.
  std::string json;
  std::string human;

  /// A field's text, empty where there is none.
  [[nodiscard]] std::string field(std::string_view key) const;
};

/// While one lives, lines at `level` and above, of every thread, come here and nowhere else;
/// repeats are not limited. For tests; one at a time. Any thread may read.
class Capture final {
 public:
  explicit Capture(Level level = Level::trace);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  [[nodiscard]] std::vector<Line> lines() const;
  /// The lines with that message.
  [[nodiscard]] std::vector<Line> lines(std::string_view message) const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace dropline::telemetry::log

namespace dropline {
namespace log = telemetry::log;
}
