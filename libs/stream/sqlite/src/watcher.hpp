#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "database.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "inlet.hpp"
#include "log_writer.hpp"
#include "notices.hpp"

namespace dropline::stream::sqlite {

/// Stands in for the writer where another process writes: looks every so often whether the file
/// changed, and makes known what it finds. Has a thread and a connection of its own.
class Watcher final {
 public:
  /// Reads the catalogue before it returns; throws ErrorException.
  Watcher(const SqliteOptions& options, Inlet& inlet, Notices& notices);
  ~Watcher();

 private:
  void run();
  void look();
  /// Brings the log up to date; true when it had changed.
  bool update(Log& log, const LogState& row);

  const SqliteOptions& options_;
  Inlet& inlet_;
  Notices& notices_;
  Database database_;
  Statement version_;
  LogRegistry registry_;
  std::vector<std::shared_ptr<Log>> logs_;
  std::unordered_map<std::int64_t, Statement> last_offsets_;  // by log
  std::int64_t seen_version_ = -1;
  std::mutex mutex_;
  std::condition_variable condition_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dropline::stream::sqlite
