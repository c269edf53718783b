#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/base/time.hpp"

namespace dropline::stream {

/// Largest record: key, value and headers together. The same for every adapter.
inline constexpr std::size_t kMaxRecordBytes = 256 * 1024;
inline constexpr std::size_t kMaxHeaders = 64;
inline constexpr std::size_t kMaxHeaderNameBytes = 256;

/// A header's value may be absent (Kafka's null), which is not the same as empty.
struct Header {
  std::string_view name;
  std::optional<std::string_view> value;

  bool operator==(const Header&) const = default;
};

/// The value of the first header of that name; absent where there is none or it is null.
[[nodiscard]] std::optional<std::string_view> find_header(std::span<const Header> headers,
                                                          std::string_view name) noexcept;

/// A record that has no place in the log yet. Views only: whoever takes a draft copies what it
/// keeps before it returns.
struct Draft {
  std::string_view topic;
  std::string_view key;                        ///< never null; may be empty
  std::optional<std::string_view> value = {};  ///< absent: a tombstone
  std::span<const Header> headers = {};
  /// Absent: chosen from the key (see partitioner.hpp).
  std::optional<std::int32_t> partition = {};
};

/// Bytes of key, value, header names and header values together: what kMaxRecordBytes limits.
[[nodiscard]] std::size_t record_bytes(const Draft& draft) noexcept;

/// What every adapter refuses before it takes a draft: Errc::too_large beyond kMaxRecordBytes;
/// Errc::bad_record beyond kMaxHeaders, or for a header name that is empty or longer than
/// kMaxHeaderNameBytes. Knows nothing of topics.
[[nodiscard]] Status check(const Draft& draft);

struct TopicPartition {
  std::string topic;
  std::int32_t partition = 0;

  auto operator<=>(const TopicPartition&) const = default;
};

/// A record read from the log. Views into the Batch it came in.
struct Record {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  Timestamp append_time;  ///< LogAppendTime where the topic keeps it, else the producer's
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::span<const Header> headers;

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept {
    return find_header(headers, name);
  }
};

/// Something a partition has to say instead of records: its log was truncated below the reader's
/// position, it does not exist, reading it failed for good. The partition stays silent until it is
/// assigned again or sought.
struct PartitionError {
  TopicPartition at;
  Error error;
};

/// What one poll brought. Owns the memory that its records show; move-only; any one thread.
/// Records of one partition stand in offset order.
class Batch final {
 public:
  Batch() = default;
  /// `owner` keeps alive whatever the views point to.
  Batch(std::vector<Record> records, std::vector<PartitionError> errors,
        std::shared_ptr<const void> owner)
      : records_(std::move(records)), errors_(std::move(errors)), owner_(std::move(owner)) {}
  Batch(Batch&&) = default;
  Batch& operator=(Batch&&) = default;

  [[nodiscard]] std::span<const Record> records() const noexcept { return records_; }
  [[nodiscard]] std::span<const PartitionError> errors() const noexcept { return errors_; }
  [[nodiscard]] bool empty() const noexcept { return records_.empty() && errors_.empty(); }

 private:
  std::vector<Record> records_;
  std::vector<PartitionError> errors_;
  std::shared_ptr<const void> owner_;
};

}  // namespace dropline::stream
