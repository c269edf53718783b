#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <unordered_map>
#include <vector>

#include "catalogue.hpp"
#include "database.hpp"
#include "dropline/stream/consumer.hpp"

namespace dropline::stream::sqlite {

/// The memory of one batch while it is filled.
class BatchBuilder final {
 public:
  BatchBuilder() : memory_(std::make_shared<Memory>()) {}

  [[nodiscard]] std::string_view keep(std::string_view bytes);
  [[nodiscard]] std::pmr::memory_resource& resource() { return memory_->arena; }
  /// The batch's records show the log's topic, so it keeps the log.
  void keep(std::shared_ptr<const Log> log) { memory_->logs.push_back(std::move(log)); }

  [[nodiscard]] Batch build() {
    return {std::move(records), std::move(errors), std::move(memory_)};
  }

  std::vector<Record> records;
  std::vector<PartitionError> errors;

 private:
  struct Memory {
    std::pmr::monotonic_buffer_resource arena{kFirstBlock};
    std::vector<std::shared_ptr<const Log>> logs;
  };
  static constexpr std::size_t kFirstBlock = 4096;

  std::shared_ptr<Memory> memory_;
};

/// What one reading of one log brought.
struct Reading {
  std::int64_t next = 0;  ///< the position after it
  std::size_t records = 0;
  std::size_t bytes = 0;
};

/// Reads logs through one connection. Keeps no transaction open between calls. Members throw
/// ErrorException. One thread.
class LogReader final {
 public:
  explicit LogReader(const Database& database) : database_(database) {}

  /// At most `max` records from `from` on, and no more once `max_bytes` are exceeded; `reading`
  /// says how far it came, also where it throws: Errc::corrupt at a record whose checksum does not
  /// fit, Errc::unknown_topic where the log is gone, Errc::position_lost where it begins after
  /// `from`.
  void read(const std::shared_ptr<Log>& log, std::int64_t from, std::size_t max,
            std::size_t max_bytes, BatchBuilder& into, Reading& reading);

  /// Asked of the file. Throws Errc::unknown_topic.
  [[nodiscard]] Extent extent(const Log& log);

  void forget(const Log& log) { queries_.erase(log.id); }

 private:
  static constexpr std::size_t kMaxQueries = 512;

  const Statement& query_for(const Log& log);
  void read_rows(const Log& log, std::int64_t from, std::size_t max, std::size_t max_bytes,
                 BatchBuilder& into, Reading& reading);
  void add(const Log& log, const Statement& rows, BatchBuilder& into, Reading& reading);
  /// Throws Errc::corrupt where nothing may be missing between the two offsets.
  void check_gap(const Log& log, std::int64_t from, std::int64_t to) const;
  /// How far the log goes, where it has not lost `from`.
  std::int64_t end_beyond(const Log& log, std::int64_t from);

  const Database& database_;
  std::unordered_map<std::int64_t, Statement> queries_;  // by log
};

[[nodiscard]] Error position_lost(const Log& log, std::int64_t position, const Extent& extent);
[[nodiscard]] Error removed(const Log& log);

}  // namespace dropline::stream::sqlite
