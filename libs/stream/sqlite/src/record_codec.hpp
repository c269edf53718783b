#pragma once

#include <cstdint>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dropline/stream/record.hpp"

// How a record's parts stand in a row; FORMAT.md describes it.
namespace dropline::stream::sqlite {

/// Appends the headers' encoding; nothing for no headers.
void encode_headers(std::span<const Header> headers, std::string& out);

/// Views into `bytes`; the array lies in `memory`. Nullopt where `bytes` is not an encoding.
[[nodiscard]] std::optional<std::span<const Header>> decode_headers(
    std::string_view bytes, std::pmr::memory_resource& memory);

/// What a row holds beside its checksum. `headers` is the encoding.
struct Row {
  std::int64_t offset = 0;
  std::int64_t append_time_ms = 0;
  std::string_view key;
  std::optional<std::string_view> value;
  std::string_view headers;
};

/// Covers the log's number too, so that a row that strayed into another log shows.
[[nodiscard]] std::uint32_t checksum_of(std::int64_t log, const Row& row) noexcept;

}  // namespace dropline::stream::sqlite
