#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "database.hpp"

namespace dropline::stream::sqlite {

/// Copies the write-ahead log into the file, on a thread and connection of its own, so that the
/// writer does not wait for it; only a writer that is far ahead does the copying itself, which lets
/// the log begin anew. Constructed and destroyed by the writing thread, which also calls
/// committed().
class Checkpointer final {
 public:
  /// Takes over the writer's write-ahead-log hook.
  Checkpointer(const Database& writer, std::size_t background_bytes, std::size_t inline_bytes);
  ~Checkpointer();

  /// After a commit, outside a transaction.
  void committed();
  [[nodiscard]] std::size_t wal_bytes() const { return wal_pages_.load() * page_bytes_; }

 private:
  static int on_commit(void* self, sqlite3* handle, const char* database, int pages);
  void copy_all();
  void run();

  const Database& writer_;
  const std::size_t page_bytes_;
  const std::size_t background_bytes_;
  const std::size_t inline_bytes_;
  const int busy_timeout_ms_;  // the writer's own
  std::atomic<std::size_t> wal_pages_{0};
  std::size_t asked_at_ = 0;      // bytes at which the thread was last asked
  std::size_t inline_after_ = 0;  // bytes before which no inline copying is tried again

  std::mutex copying_;  // one copies at a time: SQLite would send the second one away
  std::mutex mutex_;
  std::condition_variable condition_;
  bool asked_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dropline::stream::sqlite
