#include "checkpointer.hpp"

#include <algorithm>
#include <optional>

namespace dropline::stream::sqlite {
namespace {

/// How long a writer that is far ahead waits for readers to let go of the log.
constexpr int kReadersPatienceMs = 100;

}  // namespace

Checkpointer::Checkpointer(const Database& writer, std::size_t background_bytes,
                           std::size_t inline_bytes)
    : writer_(writer),
      page_bytes_(
          static_cast<std::size_t>(writer.query_integer("PRAGMA page_size").value_or(4096))),
      background_bytes_(background_bytes),
      inline_bytes_(std::max(inline_bytes, background_bytes)),
      busy_timeout_ms_(static_cast<int>(writer.query_integer("PRAGMA busy_timeout").value_or(0))) {
  sqlite3_wal_hook(writer_.raw(), &Checkpointer::on_commit, this);
  thread_ = std::thread([this] { run(); });
}

Checkpointer::~Checkpointer() {
  sqlite3_wal_hook(writer_.raw(), nullptr, nullptr);
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  condition_.notify_all();
  thread_.join();
}

int Checkpointer::on_commit(void* self, sqlite3*, const char*, int pages) {
  static_cast<Checkpointer*>(self)->wal_pages_ = static_cast<std::size_t>(pages);
  return SQLITE_OK;
}

void Checkpointer::committed() {
  const std::size_t bytes = wal_bytes();
  if (bytes < asked_at_) {
    // The log began anew.
    asked_at_ = 0;
    inline_after_ = 0;
  }
  if (bytes >= inline_bytes_ && bytes >= inline_after_) {
    copy_all();
    inline_after_ = bytes + background_bytes_;
    asked_at_ = bytes;
  } else if (bytes >= asked_at_ + background_bytes_) {
    asked_at_ = bytes;
    {
      const std::lock_guard guard(mutex_);
      asked_ = true;
    }
    condition_.notify_all();
  }
}

/// Nobody writes meanwhile, so it reaches the end; then it waits for readers to have read what they
/// began, so that the next commit starts the log anew. A foreign reader may hold on for longer:
/// then it is not tried again before the log has grown.
void Checkpointer::copy_all() {
  const std::lock_guard guard(copying_);
  sqlite3_busy_timeout(writer_.raw(), kReadersPatienceMs);
  sqlite3_wal_checkpoint_v2(writer_.raw(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  sqlite3_busy_timeout(writer_.raw(), busy_timeout_ms_);
}

void Checkpointer::run() {
  std::optional<Database> database;
  std::unique_lock lock(mutex_);
  while (true) {
    condition_.wait(lock, [this] { return asked_ || stopping_; });
    if (stopping_) return;
    asked_ = false;
    lock.unlock();
    // What fails here (a full disk, say) fails for the writer too, who reports it; the copying is
    // asked for again when the log has grown further.
    try {
      if (!database) database.emplace(writer_.file(), Database::Mode::write);
      const std::lock_guard guard(copying_);
      sqlite3_wal_checkpoint_v2(database->raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                nullptr);
    } catch (const ErrorException&) {
      database.reset();
    }
    lock.lock();
  }
}

}  // namespace dropline::stream::sqlite
