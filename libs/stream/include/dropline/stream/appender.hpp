#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/stream/record.hpp"

namespace dropline::stream {

struct Place {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};

/// Appends inside a database transaction that its caller has open, so that records and rows become
/// visible together or not at all. Only a log that lives in that database can offer it
/// (stream/sqlite). One thread: the one that owns the transaction.
class Appender {
 public:
  virtual ~Appender() = default;

  /// Appends in order; `placed`, where given, receives a place for each draft. After an error the
  /// caller must roll back.
  virtual Status append(std::span<const Draft> drafts, std::vector<Place>* placed = nullptr) = 0;
};

}  // namespace dropline::stream
