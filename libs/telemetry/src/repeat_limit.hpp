#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "log_line.hpp"

namespace dropline::telemetry::log {

/// A line that owns its text: the last of a window's repeats.
struct Kept {
  Level level = Level::info;
  std::string logger;
  std::string message;
  std::string trace_id;
  Timestamp at;
  std::vector<std::pair<std::string, Value>> fields;
  std::uint64_t repeated = 0;

  static Kept of(const Draft& draft);
  /// Calls `use` with a draft that borrows from this.
  template <class Use>
  void with_draft(Use use) const {
    std::vector<Field> borrowed;
    borrowed.reserve(fields.size());
    for (const auto& [key, value] : fields)
      borrowed.push_back(Field{key, value});
    use(Draft{level, logger, message, trace_id, at, borrowed, repeated});
  }
};

/// Counts what is logged over and over instead of writing it. Not for several threads at once.
class RepeatLimit final {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// Messages told apart at a time; more than that are written unlimited.
  static constexpr std::size_t kMaxWindows = 512;

  RepeatLimit(std::uint32_t burst, std::chrono::milliseconds window)
      : burst_(burst), window_(window) {}

  /// Whether to write the line. One that is not written is remembered as its window's last.
  bool admit(const Draft& draft, Time now);
  /// Takes out the windows that are over (all of them at Time::max()), and gives a closing line for
  /// each that held lines back.
  std::vector<Kept> close(Time now);
  /// When close() will next have something to give; Time::max() for never.
  [[nodiscard]] Time next_close() const noexcept;

 private:
  struct Window {
    Time ends;
    std::uint32_t written = 0;
    Kept last;
  };

  std::uint32_t burst_;
  std::chrono::milliseconds window_;
  std::unordered_map<std::string, Window> windows_;
};

}  // namespace dropline::telemetry::log
