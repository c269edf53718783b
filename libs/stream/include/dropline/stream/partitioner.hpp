#pragma once

#include <cstdint>
#include <string_view>

namespace dropline::stream {

/// Kafka's murmur2, as its Java client computes it.
[[nodiscard]] std::uint32_t murmur2(std::string_view key) noexcept;

/// The partition a key belongs to: the same number as Java's default partitioner and librdkafka's
/// `murmur2_random` give for a key that is not null. `partitions` > 0.
[[nodiscard]] std::int32_t partition_of(std::string_view key, std::int32_t partitions) noexcept;

}  // namespace dropline::stream
