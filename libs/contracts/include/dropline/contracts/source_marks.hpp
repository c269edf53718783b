#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "dropline/contracts/envelope.hpp"

namespace dropline::contracts {

/// The last message met of each source in each partition of a topic, for who reads a log again: it
/// tells what a service that keeps watermarks passed over. For sources that are certain only.
class SourceMarks final {
 public:
  /// A service's message that was met before, or that a later one of its has overtaken; any other
  /// is noted.
  [[nodiscard]] bool said_before(std::int32_t partition, const Envelope& envelope) {
    const auto sequence = envelope.sequence();
    if (!envelope.shard() || !sequence) return false;
    const auto [mark, fresh] =
        marks_.try_emplace({partition, std::string(envelope.source)}, *sequence);
    if (fresh) return false;
    if (*sequence <= mark->second) return true;
    mark->second = *sequence;
    return false;
  }

 private:
  std::map<std::pair<std::int32_t, std::string>, Sequence> marks_;
};

}  // namespace dropline::contracts
