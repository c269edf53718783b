#include <algorithm>

#include "dropline/telemetry/trace.hpp"
#include "escape.hpp"

namespace dropline::telemetry {
namespace {

thread_local TraceId current_trace;

/// Lower case only, as W3C Trace Context has it.
int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

template <std::size_t N>
bool read_hex(std::string_view text, std::array<std::uint8_t, N>& out) noexcept {
  if (text.size() != 2 * N) return false;
  for (std::size_t i = 0; i < N; ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

template <class Bytes>
void fill_not_nil(Random& random, Bytes& bytes) {
  do {
    random.fill(bytes);
  } while (bytes == Bytes{});
}

}  // namespace

std::optional<TraceId> TraceId::parse(std::string_view text) noexcept {
  TraceId id;
  if (!read_hex(text, id.bytes) || id.nil()) return std::nullopt;
  return id;
}

std::string TraceId::text() const {
  std::string out;
  append_hex(out, bytes.data(), bytes.size());
  return out;
}

std::string SpanId::text() const {
  std::string out;
  append_hex(out, bytes.data(), bytes.size());
  return out;
}

std::optional<TraceContext> TraceContext::parse(std::string_view traceparent) noexcept {
  constexpr std::size_t kTraceAt = 3;
  constexpr std::size_t kSpanAt = 36;
  constexpr std::size_t kFlagsAt = 53;
  if (traceparent.size() < kTextLength) return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  TraceContext context;
  if (traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-' ||
      !read_hex(traceparent.substr(0, 2), version) ||
      !read_hex(traceparent.substr(kTraceAt, 32), context.trace.bytes) ||
      !read_hex(traceparent.substr(kSpanAt, 16), context.span.bytes) ||
      !read_hex(traceparent.substr(kFlagsAt, 2), flags)) {
    return std::nullopt;
  }
  if (version[0] == 0xFF || context.trace.nil() || context.span.nil()) return std::nullopt;
  if (version[0] == 0 && traceparent.size() != kTextLength) return std::nullopt;
  if (traceparent.size() > kTextLength && traceparent[kTextLength] != '-') return std::nullopt;
  context.sampled = (flags[0] & 1) != 0;
  return context;
}

TraceContext TraceContext::start(Random& random, bool sampled) {
  TraceContext context;
  fill_not_nil(random, context.trace.bytes);
  fill_not_nil(random, context.span.bytes);
  context.sampled = sampled;
  return context;
}

TraceContext TraceContext::child(Random& random) const {
  TraceContext context(*this);
  fill_not_nil(random, context.span.bytes);
  return context;
}

std::string TraceContext::text() const {
  std::string out;
  out.reserve(kTextLength);
  out += "00-";
  append_hex(out, trace.bytes.data(), trace.bytes.size());
  out += '-';
  append_hex(out, span.bytes.data(), span.bytes.size());
  out += sampled ? "-01" : "-00";
  return out;
}

TraceScope::TraceScope(const TraceId& trace) noexcept : outer_(current_trace) {
  current_trace = trace;
}

TraceScope::~TraceScope() {
  current_trace = outer_;
}

const TraceId& TraceScope::current() noexcept {
  return current_trace;
}

}  // namespace dropline::telemetry
