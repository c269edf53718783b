#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/base/random.hpp"
#include "dropline/telemetry/log.hpp"

namespace dropline::telemetry {

/// Names one request on its whole way; never all zeros where it comes from parse() or a Tracer.
struct TraceId {
  std::array<std::uint8_t, 16> bytes{};

  /// 32 lower case hex digits, not all zero; anything else is nullopt.
  [[nodiscard]] static std::optional<TraceId> parse(std::string_view text) noexcept;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool nil() const noexcept { return bytes == decltype(bytes){}; }
  auto operator<=>(const TraceId&) const = default;
};

/// Names one step of it.
struct SpanId {
  std::array<std::uint8_t, 8> bytes{};

  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool nil() const noexcept { return bytes == decltype(bytes){}; }
  auto operator<=>(const SpanId&) const = default;
};

/// What crosses a hop as W3C `traceparent`: in HTTP a header, in a message a record header. A
/// value; `tracestate` is not carried (nobody here reads or writes it).
struct TraceContext {
  static constexpr std::size_t kTextLength = 55;

  TraceId trace;
  SpanId span;
  bool sampled = false;

  /// By W3C Trace Context: lower case hex, no all-zero ids, version ff refused; of later versions
  /// the part that version 00 knows. What does not parse is as good as absent: start a new trace.
  [[nodiscard]] static std::optional<TraceContext> parse(std::string_view traceparent) noexcept;
  /// A new trace with its first span.
  [[nodiscard]] static TraceContext start(Random& random, bool sampled);
  /// The same trace, a new span.
  [[nodiscard]] TraceContext child(Random& random) const;
  /// "00-<trace>-<span>-01"
  [[nodiscard]] std::string text() const;

  bool operator==(const TraceContext&) const = default;
};

/// While one lives, lines logged by this thread carry the trace's id. Scopes nest.
class TraceScope final {
 public:
  explicit TraceScope(const TraceId& trace) noexcept;
  explicit TraceScope(const TraceContext& context) noexcept : TraceScope(context.trace) {}
  ~TraceScope();
  TraceScope(const TraceScope&) = delete;
  TraceScope& operator=(const TraceScope&) = delete;

  /// The innermost scope's trace, nil outside of any.
  [[nodiscard]] static const TraceId& current() noexcept;

 private:
  TraceId outer_;
};

/// A step that is over.
struct SpanRecord {
  TraceContext context;
  SpanId parent;  ///< nil for the first of a trace
  std::string name;
  Timestamp start;
  std::chrono::nanoseconds duration{0};
  bool failed = false;
  std::vector<std::pair<std::string, std::string>> attributes;
};

class Tracer;

/// A step that is going on; recorded when it ends or is destroyed. One thread at a time. Of a trace
/// that is not sampled it costs nothing and hands on its parent's context.
class Span final {
 public:
  static constexpr std::size_t kMaxAttributes = 16;

  Span() = default;
  Span(Span&& other) noexcept;
  Span& operator=(Span&& other) noexcept;
  ~Span() { end(); }

  /// What to send along to the next hop.
  [[nodiscard]] const TraceContext& context() const noexcept { return record_.context; }
  void set(std::string_view key, const log::Value& value);
  /// Marks the step as failed, for the reason given.
  void fail(std::string_view reason);
  void end();

 private:
  friend class Tracer;
  Tracer* tracer_ = nullptr;
  Clock::Steady began_{};
  SpanRecord record_;
};

struct TracerOptions {
  /// Of traces that start here, the share that is recorded, 0 to 1. Decided by the trace's id, so
  /// that it needs no memory. Contexts that come from outside decide for themselves.
  double sample = 1.0;
  /// The last spans kept in memory for recent().
  std::size_t keep = 16'384;
  /// Appends each span as a JSON line; empty: none. Written by a thread of its own from a bounded
  /// queue (kQueueBytes); when it is full the oldest lines are dropped and counted.
  std::string file = {};
};

/// Makes spans and keeps the recent ones. Any thread; must outlive its spans. `random` is used
/// under the tracer's own lock: hand in one that nobody else uses, or one for any thread.
class Tracer final {
 public:
  static constexpr std::size_t kQueueBytes = 4 * 1024 * 1024;
  static constexpr std::size_t kQueueLines = 16'384;

  /// Throws ErrorException when the file cannot be opened.
  Tracer(const Clock& clock, Random& random, TracerOptions options = {});
  /// Writes what is queued, waiting at most two seconds.
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// A span below `parent`; without one, the first of a new trace.
  [[nodiscard]] Span start(std::string_view name, const std::optional<TraceContext>& parent = {});
  /// A span below what a header carried: an empty or invalid one starts a new trace.
  [[nodiscard]] Span start_from(std::string_view name, std::string_view traceparent);
  /// A span that was measured by other means, such as one record's part of a batch. Gives the
  /// context for what follows from it. Records nothing when `parent` is not sampled.
  TraceContext record(std::string_view name, const TraceContext& parent, Timestamp start,
                      std::chrono::nanoseconds duration, log::Fields attributes = {});

  /// The same, of a step whose context was made elsewhere and handed on already; `parent` is nil
  /// where the trace began with it.
  void record_as(std::string_view name, const TraceContext& own, const SpanId& parent,
                 Timestamp start, std::chrono::nanoseconds duration, log::Fields attributes = {});

  /// What is still kept of a trace, by start.
  [[nodiscard]] std::vector<SpanRecord> recent(const TraceId& trace) const;
  /// The same as a tree for people: one line a span, indented below its parent, with the time since
  /// the trace began and the duration. Empty when nothing is kept of it.
  [[nodiscard]] std::string show(const TraceId& trace) const;

  /// Waits until the file holds every span ended before the call; false when `limit` passed first.
  bool flush(std::chrono::milliseconds limit);
  /// Lines dropped because the file could not keep up, or refused them.
  [[nodiscard]] std::uint64_t dropped() const noexcept;

 private:
  friend class Span;
  void finish(SpanRecord record);
  [[nodiscard]] TraceContext new_root();
  [[nodiscard]] SpanId new_span_id();

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dropline::telemetry
