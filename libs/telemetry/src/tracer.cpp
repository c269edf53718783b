#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "dropline/base/ensure.hpp"
#include "dropline/telemetry/trace.hpp"
#include "escape.hpp"
#include "line_writer.hpp"
#include "log_line.hpp"

namespace dropline::telemetry {
namespace {

constexpr std::chrono::seconds kDrainLimit{2};

class TraceCategory final : public ErrorCategory {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "trace"; }
  [[nodiscard]] std::string message(int code) const override {
    return std::generic_category().message(code);
  }
  [[nodiscard]] Severity severity(int) const noexcept override { return Severity::fatal; }
};

/// A descriptor of ours.
class File final {
 public:
  explicit File(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640)) {
    static const TraceCategory kCategory;
    if (fd_ >= 0) return;
    const int code = errno;
    throw ErrorException({std::error_code(code, kCategory),
                          "cannot open the trace file " + path + ": " + std::strerror(code)});
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

std::string json_line(const SpanRecord& span) {
  std::string out;
  out.reserve(300);
  out += R"({"trace_id":")" + span.context.trace.text();
  out += R"(","span_id":")" + span.context.span.text() + '"';
  if (!span.parent.nil()) out += R"(,"parent_id":")" + span.parent.text() + '"';
  out += R"(,"name":)";
  append_json_string(out, span.name);
  out += R"(,"start":")" + rfc3339(span.start);
  out += R"(","duration_us":)";
  append_number(out, static_cast<double>(span.duration.count()) / 1e3);
  if (span.failed) out += R"(,"failed":true)";
  if (!span.attributes.empty()) {
    out += R"(,"attributes":{)";
    bool first = true;
    for (const auto& [key, value] : span.attributes) {
      if (!std::exchange(first, false)) out += ',';
      append_json_string(out, key);
      out += ':';
      append_json_string(out, value);
    }
    out += '}';
  }
  out += "}\n";
  return out;
}

/// The share of ids below it is sampled; ids that others made are as good, by their last 7 bytes.
bool within_share(const TraceId& trace, double share) noexcept {
  if (share >= 1) return true;
  std::uint64_t tail = 0;
  for (std::size_t i = 9; i < 16; ++i)
    tail = tail << 8 | trace.bytes[i];
  return static_cast<double>(tail) < share * std::ldexp(1.0, 56);
}

}  // namespace

struct Tracer::State {
  State(const Clock& clock_in, Random& random_in, TracerOptions options_in)
      : clock(clock_in), random(random_in), options(std::move(options_in)) {
    ensure(options.sample >= 0 && options.sample <= 1, "a share is from 0 to 1");
    if (options.file.empty()) return;
    file = std::make_unique<File>(options.file);
    writer = std::make_unique<LineWriter>(file->fd(), LineWriter::Bounds{kQueueLines, kQueueBytes});
  }

  const Clock& clock;
  Random& random;
  const TracerOptions options;
  std::unique_ptr<File> file;
  std::unique_ptr<LineWriter> writer;

  std::mutex random_mutex;
  mutable std::mutex mutex;
  std::vector<SpanRecord> ring;  // grows to options.keep, then goes round
  std::size_t next = 0;
};

Tracer::Tracer(const Clock& clock, Random& random, TracerOptions options)
    : state_(std::make_unique<State>(clock, random, std::move(options))) {}

Tracer::~Tracer() {
  if (state_->writer) state_->writer->stop(kDrainLimit);
}

TraceContext Tracer::new_root() {
  const std::lock_guard lock(state_->random_mutex);
  TraceContext context = TraceContext::start(state_->random, false);
  context.sampled = within_share(context.trace, state_->options.sample);
  return context;
}

SpanId Tracer::new_span_id() {
  const std::lock_guard lock(state_->random_mutex);
  return TraceContext{}.child(state_->random).span;
}

Span Tracer::start(std::string_view name, const std::optional<TraceContext>& parent) {
  Span span;
  span.record_.context = parent ? *parent : new_root();
  if (!span.record_.context.sampled) return span;
  if (parent) {
    span.record_.parent = parent->span;
    span.record_.context.span = new_span_id();
  }
  span.tracer_ = this;
  span.record_.name = name;
  span.record_.start = state_->clock.now();
  span.began_ = state_->clock.steady();
  return span;
}

Span Tracer::start_from(std::string_view name, std::string_view traceparent) {
  return start(name, TraceContext::parse(traceparent));
}

TraceContext Tracer::record(std::string_view name, const TraceContext& parent, Timestamp start,
                            std::chrono::nanoseconds duration, log::Fields attributes) {
  if (!parent.sampled) return parent;
  TraceContext own = parent;
  own.span = new_span_id();
  record_as(name, own, parent.span, start, duration, attributes);
  return own;
}

void Tracer::record_as(std::string_view name, const TraceContext& own, const SpanId& parent,
                       Timestamp start, std::chrono::nanoseconds duration, log::Fields attributes) {
  if (!own.sampled) return;
  SpanRecord record;
  record.context = own;
  record.parent = parent;
  record.name = name;
  record.start = start;
  record.duration = duration;
  for (const log::Field& field : attributes) {
    if (record.attributes.size() == Span::kMaxAttributes) break;
    record.attributes.emplace_back(field.key, log::bare_text(field.value));
  }
  finish(std::move(record));
}

void Tracer::finish(SpanRecord record) {
  if (state_->writer) {
    std::string line = json_line(record);
    state_->writer->push(line);
  }
  const std::lock_guard lock(state_->mutex);
  auto& ring = state_->ring;
  if (ring.size() < state_->options.keep) {
    ring.push_back(std::move(record));
  } else if (!ring.empty()) {
    ring[state_->next] = std::move(record);
    state_->next = (state_->next + 1) % ring.size();
  }
}

std::vector<SpanRecord> Tracer::recent(const TraceId& trace) const {
  std::vector<SpanRecord> found;
  {
    const std::lock_guard lock(state_->mutex);
    for (const SpanRecord& record : state_->ring) {
      if (record.context.trace == trace) found.push_back(record);
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const SpanRecord& a, const SpanRecord& b) { return a.start < b.start; });
  return found;
}

std::string Tracer::show(const TraceId& trace) const {
  const std::vector<SpanRecord> spans = recent(trace);
  if (spans.empty()) return {};
  std::map<SpanId, std::size_t> depth;
  std::string out = "trace " + trace.text() + "\n";
  // A parent starts no later than its child, but for the clocks of other machines: those whose
  // parent is not here, or comes later, stand at the margin.
  for (const SpanRecord& span : spans) {
    const auto parent = depth.find(span.parent);
    const std::size_t level = parent == depth.end() ? 0 : parent->second + 1;
    depth.emplace(span.context.span, level);
    std::string line(2 + 2 * level, ' ');
    line += '+';
    append_span(line, span.start - spans.front().start);
    line += "  ";
    append_printable(line, span.name);
    line += "  ";
    append_span(line, span.duration);
    if (span.failed) line += "  FAILED";
    for (const auto& [key, value] : span.attributes) {
      line += ' ';
      append_printable(line, key);
      line += '=';
      append_printable_value(line, value);
    }
    out += line + "\n";
  }
  return out;
}

bool Tracer::flush(std::chrono::milliseconds limit) {
  return !state_->writer || state_->writer->flush(limit);
}

std::uint64_t Tracer::dropped() const noexcept {
  return state_->writer ? state_->writer->dropped() : 0;
}

Span::Span(Span&& other) noexcept
    : tracer_(std::exchange(other.tracer_, nullptr)),
      began_(other.began_),
      record_(std::move(other.record_)) {}

Span& Span::operator=(Span&& other) noexcept {
  if (this == &other) return *this;
  end();
  tracer_ = std::exchange(other.tracer_, nullptr);
  began_ = other.began_;
  record_ = std::move(other.record_);
  return *this;
}

void Span::set(std::string_view key, const log::Value& value) {
  if (!tracer_) return;
  auto& attributes = record_.attributes;
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const auto& entry) { return entry.first == key; });
  if (found != attributes.end()) {
    found->second = log::bare_text(value);
  } else if (attributes.size() < kMaxAttributes) {
    attributes.emplace_back(key, log::bare_text(value));
  }
}

void Span::fail(std::string_view reason) {
  if (!tracer_) return;
  record_.failed = true;
  set("reason", reason);
}

void Span::end() {
  Tracer* const tracer = std::exchange(tracer_, nullptr);
  if (!tracer) return;
  record_.duration = tracer->state_->clock.steady() - began_;
  const TraceContext context = record_.context;
  tracer->finish(std::move(record_));
  record_ = SpanRecord{};
  record_.context = context;
}

}  // namespace dropline::telemetry
