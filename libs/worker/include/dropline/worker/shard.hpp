#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::worker {

/// Partition number p of every topic a service reads: what is owned, fenced and committed as one.
enum class Shard : std::int32_t {};

[[nodiscard]] constexpr std::int32_t number(Shard shard) noexcept {
  return static_cast<std::int32_t>(shard);
}

/// How far one topic of a shard has been read.
struct Progress {
  std::int64_t next = 0;          ///< offset of the next record
  std::uint64_t fingerprint = 0;  ///< of the record before it; 0 where none was read yet

  bool operator==(const Progress&) const = default;
};

/// Tells records apart for the comparison at the next claim: same place, same record, same number.
[[nodiscard]] std::uint64_t fingerprint_of(const stream::Record& record) noexcept;

/// By topic. Topics that this version does not read stay in it, untouched.
using Positions = std::map<std::string, Progress, std::less<>>;

/// The place of a message in what one source has said: batch number and index within the batch.
struct Said {
  std::int64_t seq = 0;
  std::int32_t index = 0;

  auto operator<=>(const Said&) const = default;
};

/// The last message met of each source, by "<topic> <service>/<shard>". What comes again is not
/// above it.
using Watermarks = std::map<std::string, Said, std::less<>>;

/// The texts kept in a shard's row: a line a topic, "orders.commands 12 9f86d081884c7d65", and a
/// line a source, "stock.events stock/3 123-4". Lines stand in order, so equal states are equal
/// texts.
[[nodiscard]] std::string format_positions(const Positions& positions);
[[nodiscard]] std::string format_watermarks(const Watermarks& watermarks);
/// Errc::bad_shard_row where the text is not of that form.
[[nodiscard]] Result<Positions> parse_positions(std::string_view text);
[[nodiscard]] Result<Watermarks> parse_watermarks(std::string_view text);

}  // namespace dropline::worker
