#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dropline/base/error.hpp"
#include "dropline/base/ids.hpp"
#include "dropline/base/time.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::contracts {

/// The headers of a record of ours: CloudEvents 1.0 in Kafka's binary mode.
namespace header {
inline constexpr std::string_view kSpecVersion = "ce_specversion";
inline constexpr std::string_view kId = "ce_id";
inline constexpr std::string_view kSource = "ce_source";
inline constexpr std::string_view kType = "ce_type";
inline constexpr std::string_view kSubject = "ce_subject";
inline constexpr std::string_view kTime = "ce_time";
inline constexpr std::string_view kContentType = "content-type";
inline constexpr std::string_view kTraceParent = "traceparent";
inline constexpr std::string_view kCorrelation = "ce_correlationid";
inline constexpr std::string_view kCausation = "ce_causationid";
inline constexpr std::string_view kSignature = "dropline-signature";
}  // namespace header

/// Longest value of any of them.
inline constexpr std::size_t kMaxAttributeBytes = 256;

/// `ce_source` of what a service's shard writes: "stock/3".
struct Source {
  std::string_view service;
  std::int32_t shard = 0;

  /// A name (a-z, then a-z 0-9 _), a slash, a number without leading zeros; nothing else. The
  /// service is a view into `text`.
  [[nodiscard]] static std::optional<Source> parse(std::string_view text) noexcept;
  [[nodiscard]] std::string text() const;
  bool operator==(const Source&) const = default;
};

/// `ce_id` of what a service's shard writes: "123-4", the number of the shard's batch and the
/// message's place in it. Unique within a source and ordered as written; the watermarks that tell
/// duplicates are kept in it.
struct Sequence {
  std::int64_t seq = 0;
  std::int32_t index = 0;

  [[nodiscard]] static std::optional<Sequence> parse(std::string_view text) noexcept;
  [[nodiscard]] std::string text() const;
  auto operator<=>(const Sequence&) const = default;
};

/// What a record says about itself. Views into the record (or into `storage`, where the record was
/// in structured mode and held escapes): lives no longer than the batch it came in. A value; any
/// thread.
struct Envelope {
  std::string_view id;
  std::string_view source;
  std::string_view type;
  std::string_view subject;      ///< empty where absent, as all that follow
  std::string_view correlation;  ///< the order's id
  std::string_view causation;    ///< "<source>#<id>" of the message answered
  std::string_view traceparent;
  std::string_view signature;
  std::optional<Timestamp> time;  ///< what the producer says; rules use the log's append time
  std::string_view body;          ///< the JSON text; in structured mode that of `data`
  std::shared_ptr<const std::string> storage;

  /// Set where a shard of a service wrote the record.
  [[nodiscard]] std::optional<Source> shard() const noexcept { return Source::parse(source); }
  [[nodiscard]] std::optional<Sequence> sequence() const noexcept { return Sequence::parse(id); }
  [[nodiscard]] std::optional<OrderId> order() const noexcept {
    return OrderId::parse(correlation);
  }
};

/// Reads the headers (binary mode), or on a topic that ends in ".commands" also an
/// `application/cloudevents+json` value (structured mode). Strict about what it names: a header
/// that comes twice, is longer than kMaxAttributeBytes or not printable text is Errc::bad_envelope,
/// as is a record without a value (test for tombstones first). Headers it does not know are
/// ignored, and so is a traceparent that is not one. Binary mode allocates nothing.
[[nodiscard]] Result<Envelope> parse_envelope(const stream::Record& record);

/// The type by header alone, for readers that want few of a topic's messages: empty in structured
/// mode and where there is no such header.
[[nodiscard]] std::string_view type_header(const stream::Record& record) noexcept;

/// Could parse_envelope() give this type? False only where the header says otherwise.
[[nodiscard]] bool may_be(const stream::Record& record, std::string_view type) noexcept;

/// A version 00 traceparent (W3C Trace Context).
[[nodiscard]] bool valid_traceparent(std::string_view text) noexcept;

/// What an envelope is written from. Views; only `id`, `source`, `type` and `time` are required,
/// and all must be printable and within kMaxAttributeBytes.
struct Attributes {
  std::string_view id;
  std::string_view source;
  std::string_view type;
  std::string_view subject = {};
  std::string_view correlation = {};
  std::string_view causation = {};
  std::string_view traceparent = {};
  std::string_view signature = {};
  Timestamp time;
};

/// The header list of one record, for stream::Draft. Holds the few bytes that are not views itself,
/// so it allocates nothing, cannot be copied, and must live until the draft was taken, as must what
/// the attributes show.
class EnvelopeHeaders final {
 public:
  explicit EnvelopeHeaders(const Attributes& attributes) noexcept;
  EnvelopeHeaders(const EnvelopeHeaders&) = delete;
  EnvelopeHeaders& operator=(const EnvelopeHeaders&) = delete;

  [[nodiscard]] std::span<const stream::Header> list() const noexcept {
    return {headers_.data(), count_};
  }

 private:
  void add(std::string_view name, std::string_view value) noexcept {
    headers_[count_++] = {name, value};
  }

  static constexpr std::size_t kMaxHeaders = 11;
  std::array<stream::Header, kMaxHeaders> headers_;
  std::size_t count_ = 0;
  std::array<char, kRfc3339Length> time_;
};

}  // namespace dropline::contracts
