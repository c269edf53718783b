#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::audit {

/// No record for so long, where there must be more: the log cannot be read.
inline constexpr std::chrono::seconds kReadLimit{30};
/// The same of a compacted topic, whose last records may be gone.
inline constexpr std::chrono::seconds kCompactedLimit{2};

/// A topic, or one partition of it, and how it is read.
struct Reading {
  std::string topic;  ///< the log's name
  std::vector<std::int32_t> partitions;
  bool compacted = false;
};

/// Hands each record from the start up to where the log ended when it was asked, those of a
/// partition in order. Gives where each partition began and ended.
[[nodiscard]] Result<std::vector<stream::Extent>> read_topic(
    stream::Stream& stream, const Clock& clock, const Reading& reading,
    const std::function<void(const stream::Record&)>& take);

}  // namespace dropline::audit
