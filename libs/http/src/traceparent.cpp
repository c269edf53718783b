#include "dropline/http/traceparent.hpp"

#include <algorithm>
#include <span>

namespace dropline::http {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void append_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  for (const auto byte : bytes) {
    out += kHex[byte >> 4];
    out += kHex[byte & 0x0F];
  }
}

/// Lower case only, as the recommendation demands.
bool read_hex(std::string_view text, std::span<std::uint8_t> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = kHex.find(text[2 * i]);
    const auto low = kHex.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

bool all_zero(std::span<const std::uint8_t> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

void fill_id(Random& random, std::span<std::uint8_t> id) {
  random.fill(id);
  if (all_zero(id)) id.back() = 1;
}

}  // namespace

std::optional<TraceContext> TraceContext::parse(std::string_view text) noexcept {
  if (text.size() < kTextLength) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  std::uint8_t version = 0;
  TraceContext trace;
  if (!read_hex(text.substr(0, 2), {&version, 1}) ||
      !read_hex(text.substr(3, 32), trace.trace_id) ||
      !read_hex(text.substr(36, 16), trace.span_id) ||
      !read_hex(text.substr(53, 2), {&trace.flags, 1}))
    return std::nullopt;
  if (version == 0xFF || all_zero(trace.trace_id) || all_zero(trace.span_id)) return std::nullopt;
  const bool longer = text.size() > kTextLength;
  if (longer && (version == 0 || text[kTextLength] != '-')) return std::nullopt;
  trace.flags &= kSampled;
  return trace;
}

TraceContext TraceContext::generate(Random& random) {
  TraceContext trace;
  fill_id(random, trace.trace_id);
  fill_id(random, trace.span_id);
  trace.flags = kSampled;
  return trace;
}

TraceContext TraceContext::child(Random& random) const {
  TraceContext trace = *this;
  fill_id(random, trace.span_id);
  return trace;
}

std::string TraceContext::text() const {
  std::string text = "00-";
  text.reserve(kTextLength);
  append_hex(text, trace_id);
  text += '-';
  append_hex(text, span_id);
  text += '-';
  append_hex(text, {&flags, 1});
  return text;
}

std::string TraceContext::trace_id_text() const {
  std::string text;
  append_hex(text, trace_id);
  return text;
}

std::string TraceContext::span_id_text() const {
  std::string text;
  append_hex(text, span_id);
  return text;
}

}  // namespace dropline::http
