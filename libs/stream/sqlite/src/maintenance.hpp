#pragma once

#include <chrono>
#include <cstdint>

#include "database.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "log_writer.hpp"

namespace dropline::stream::sqlite {

/// Retention and compaction, in bounded steps inside the writing transaction. Every so often all
/// logs are looked at, one after another; what a log has too much is removed step by step, and how
/// far it came is written in the same transaction, so a crash between steps costs nothing.
/// Throws ErrorException. One thread.
class Maintenance final {
 public:
  Maintenance(const Database& database, LogWriter& writer, const SqliteOptions& options,
              const Clock& clock);

  /// One step where one is due. True when another is due at once.
  bool step();

  struct Removed {
    std::uint64_t compacted = 0;
    std::uint64_t expired = 0;
  };
  /// What steps removed since the last call; for after the commit.
  [[nodiscard]] Removed take_removed();
  void rolled_back();

 private:
  bool work_on(WriterLog& log);
  bool expire(WriterLog& log);
  bool compact(WriterLog& log);
  bool bury(WriterLog& log);
  void remove_older_copies(WriterLog& log, std::int64_t up_to);

  const Database& database_;
  LogWriter& writer_;
  const SqliteOptions& options_;
  const Clock& clock_;
  Clock::Steady next_look_;
  bool looking_ = false;
  std::size_t slot_ = 0;          // of the log being worked on
  std::int64_t compact_to_ = -1;  // where this log's compaction ends; -1: not begun
  Removed removed_;
};

}  // namespace dropline::stream::sqlite
