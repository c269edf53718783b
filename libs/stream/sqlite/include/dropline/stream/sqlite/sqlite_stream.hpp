#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/stream/engine_side.hpp"
#include "dropline/stream/sqlite/writer_lock.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::stream {

struct SqliteOptions {
  std::filesystem::path file;

  /// Where append times come from, and what retention is measured against; must outlive the stream.
  /// Null: the machine's clock.
  const Clock* clock = nullptr;

  /// What producers together may have in flight: queued, or in a transaction not yet committed.
  /// Beyond either, send() answers Errc::queue_full. Also the bound of the memory they hold.
  std::size_t max_in_flight_records = 100'000;
  std::size_t max_in_flight_bytes = 64U << 20U;

  /// The most bytes of records that one poll gathers (always at least one record).
  std::size_t max_poll_bytes = 4U << 20U;

  /// How often a reader in another process looks for what the writer has committed.
  std::chrono::milliseconds foreign_poll_interval{10};

  /// The write-ahead log is copied into the file when it passes the first figure; a writer that
  /// gets ahead of the copying waits for it at the second.
  std::size_t checkpoint_bytes = 16U << 20U;
  std::size_t max_wal_bytes = 128U << 20U;

  /// Retention and compaction are looked at this often, and then done in steps of at most
  /// `maintenance_records` records between two commits.
  std::chrono::milliseconds maintenance_interval{1000};
  std::size_t maintenance_records = 2'000;
  /// A compacted log is cleaned when this many records came since it last was.
  std::int64_t compact_after_records = 1'000;
  /// How long the tombstone of a key stays readable after it was appended, at least.
  std::chrono::milliseconds tombstone_retention{std::chrono::hours(24)};
};

/// What an operator's gauge may show. A snapshot; any thread.
struct SqliteFigures {
  std::size_t in_flight_records = 0;
  std::size_t in_flight_bytes = 0;
  std::size_t wal_bytes = 0;
  std::uint64_t commits = 0;
  std::uint64_t appended = 0;   ///< records committed
  std::uint64_t compacted = 0;  ///< records removed by compaction
  std::uint64_t expired = 0;    ///< records removed by retention
  std::string trouble;          ///< empty while all is well, else the last write's error
};

/// The stream kept in one SQLite file; the format is written down in FORMAT.md. One process writes
/// (see WriterLock); readers, in this process and others, have connections of their own and never
/// block the writer, nor it them (write-ahead log, synchronous=FULL: what is acknowledged survives
/// loss of power).
///
/// Three ways to open it:
/// - open(): the stream owns its writing connection and a thread that appends what producers send,
///   as many in one commit as have come meanwhile. For tests, tools, and a log without an engine.
/// - attach(): the caller owns the writing connection and its transactions; see EngineSide. This is
///   the embedded mode, where services' tables lie in the same file.
/// - open_read_only(): for operators, while another process writes or none does. producer() and
///   admin() changes answer Errc::locked; consumers look for news every `foreign_poll_interval`.
///
/// Producers made here are bounded together (SqliteOptions). Consumers hold no read transaction
/// between polls, so they never keep the write-ahead log from being reset. A consumer that waits is
/// woken by the commit that brings what it waits for. Groups divide among the members of this
/// process.
///
/// A full disk: writing pauses and is tried again every `kDiskRetry`; nothing taken is lost. Once a
/// few rounds in a row have failed send() answers timed_out, at once and having taken nothing; all
/// goes on by itself when there is space.
/// A file that is damaged, or of a format this program does not know: Errc::corrupt, which names
/// the file and the cure, from opening or from whatever met the damage.
///
/// Threads: members from any, unless said otherwise. Everything handed out must be gone before the
/// stream is; an attached stream is destroyed on the engine's thread, before its connection closes.
class SqliteStream final : public Stream {
 public:
  static constexpr std::chrono::milliseconds kDiskRetry{100};
  static constexpr std::int64_t kFormatVersion = 1;

  [[nodiscard]] static Result<std::unique_ptr<SqliteStream>> open(SqliteOptions options);

  [[nodiscard]] static Result<std::unique_ptr<SqliteStream>> open_read_only(SqliteOptions options);

  /// `sqlite_handle` is a `sqlite3*` open for writing on `options.file`, without a transaction; it
  /// must outlive the stream. Sets journal_mode=WAL, synchronous=FULL and the connection's
  /// write-ahead-log hook (so leave wal_autocheckpoint alone), and makes the tables that are
  /// missing. `lock` is the lock the caller took before it opened the file; without one it is taken
  /// here. Call on the engine's thread.
  [[nodiscard]] static Result<std::unique_ptr<SqliteStream>> attach(
      void* sqlite_handle, SqliteOptions options, std::optional<WriterLock> lock = std::nullopt);

  ~SqliteStream() override;

  /// Only of an attached stream.
  [[nodiscard]] EngineSide& engine();

  [[nodiscard]] Result<std::unique_ptr<Producer>> producer(DeliveryHandler on_delivery) override;
  [[nodiscard]] Result<std::unique_ptr<Consumer>> consumer() override;
  [[nodiscard]] Result<std::unique_ptr<Membership>> join(const std::string& group,
                                                         const std::string& anchor_topic,
                                                         const std::string& member) override;
  /// Of an attached stream: changes are made by the engine in its next round and answered after its
  /// commit, so calls from the engine's own thread would wait for themselves: use
  /// ensure_topics_now() there.
  [[nodiscard]] Result<std::unique_ptr<Admin>> admin(std::chrono::milliseconds limit) override;

  /// Attached only, on the engine's thread and outside a transaction (before the engine's loop
  /// starts): creates what is missing in a transaction of its own. Errors as
  /// Admin::ensure_topics().
  [[nodiscard]] Status ensure_topics_now(std::span<const TopicSpec> topics);

  /// Every topic in the file, by name.
  [[nodiscard]] Result<std::vector<TopicSpec>> topics();

  [[nodiscard]] SqliteFigures figures() const;

 private:
  class Core;
  explicit SqliteStream(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace dropline::stream
