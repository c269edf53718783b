#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dropline/base/random.hpp"

namespace dropline::http {

/// W3C Trace Context, level 1: who caused a piece of work. A value.
struct TraceContext {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};  ///< of the sender when parsed, of this side when made
  std::uint8_t flags = 0;

  static constexpr std::uint8_t kSampled = 0x01;
  static constexpr std::size_t kTextLength = 55;

  [[nodiscard]] bool sampled() const noexcept { return (flags & kSampled) != 0; }

  /// A `traceparent` header. Lower-case hex only, ids not all zero, version not ff; a version
  /// above 00 may carry more after the flags. Anything else is nullopt: the trace starts anew.
  [[nodiscard]] static std::optional<TraceContext> parse(std::string_view text) noexcept;

  /// A new, sampled trace.
  [[nodiscard]] static TraceContext generate(Random& random);
  /// The same trace and flags, a new span.
  [[nodiscard]] TraceContext child(Random& random) const;

  /// "00-<32 hex>-<16 hex>-<2 hex>"
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string trace_id_text() const;
  [[nodiscard]] std::string span_id_text() const;

  bool operator==(const TraceContext&) const = default;
};

}  // namespace dropline::http
