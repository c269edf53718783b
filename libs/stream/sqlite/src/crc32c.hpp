#pragma once

#include <cstdint>
#include <string_view>

namespace dropline::stream::sqlite {

/// CRC-32C (Castagnoli), continued from `crc`; start with 0.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) noexcept;

/// The same by table, whatever the processor offers: the reference that tests compare with.
[[nodiscard]] std::uint32_t crc32c_by_table(std::uint32_t crc, std::string_view bytes) noexcept;

}  // namespace dropline::stream::sqlite
