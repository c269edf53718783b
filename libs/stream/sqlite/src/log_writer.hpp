#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "catalogue.hpp"
#include "database.hpp"
#include "dropline/base/clock.hpp"
#include "dropline/stream/appender.hpp"
#include "record_codec.hpp"
#include "schema.hpp"

namespace dropline::stream::sqlite {

/// The Log objects of a process, by id. One thread.
class LogRegistry final {
 public:
  /// Topics as the rows say, each log the same object as ever.
  [[nodiscard]] Catalogue build(const std::vector<TopicRow>& rows);

 private:
  std::unordered_map<std::int64_t, std::shared_ptr<Log>> logs_;
  std::size_t next_slot_ = 0;
};

/// A log as the writing thread sees it: with what the open transaction has done to it.
struct WriterLog {
  std::shared_ptr<Log> log;
  Cleanup cleanup = Cleanup::retain;
  std::optional<std::chrono::milliseconds> retention;
  LogState state;
  bool gone = false;             ///< removed, perhaps in the open transaction
  std::uint64_t touched_in = 0;  ///< generation in which it was last noted as touched
  Statement insert;
};

/// Appends, truncates, and makes and removes topics, in the transaction that its caller has open;
/// keeps next offsets in memory and puts them right after a rollback. Members throw
/// ErrorException where they do not return a Status. One thread: the connection's.
class LogWriter final : public Appender {
 public:
  LogWriter(const Database& database, const Clock& clock);

  Status append(std::span<const Draft> drafts, std::vector<Place>* placed) override;

  /// Appends to a log of the catalogue; the row's offset and time are set here.
  void insert(WriterLog& log, std::int64_t now_ms, Row& row);
  [[nodiscard]] std::int64_t now_ms() const { return unix_ms(clock_.now()); }

  void ensure_topics(std::span<const TopicSpec> topics);
  void remove_topics(std::span<const std::string> topics);
  void truncate(const TopicPartition& at, std::int64_t offset);

  /// Notes that the log is about to change, so that a rollback puts it right.
  void touch(WriterLog& log);
  /// See EngineSide.
  [[nodiscard]] std::size_t mark() const;
  void rolled_back_to(std::size_t mark);
  void rolled_back();

  struct Published {
    std::vector<std::shared_ptr<Log>> changed;
    std::shared_ptr<const Catalogue> catalogue;  ///< null: as before
    std::uint64_t appended = 0;
  };
  /// After the commit: lets everyone see what the transaction did.
  [[nodiscard]] Published publish();

  [[nodiscard]] const std::shared_ptr<const Catalogue>& catalogue() const { return catalogue_; }
  [[nodiscard]] WriterLog& at(const Log& log) { return *logs_[log.slot]; }
  [[nodiscard]] std::span<const std::unique_ptr<WriterLog>> logs() const { return logs_; }
  /// Null where there is none.
  [[nodiscard]] WriterLog* find(std::string_view topic, std::int32_t partition);

 private:
  static constexpr std::size_t kMark = static_cast<std::size_t>(-1);

  void reload_catalogue();
  void catalogue_changed();
  [[nodiscard]] WriterLog& target_of(const Draft& draft);

  const Database& database_;
  const Clock& clock_;
  LogRegistry registry_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::vector<std::unique_ptr<WriterLog>> logs_;  // by slot
  // Slots, in the order of first change, with kMark where a mark was made: no two marks are equal
  // while anything happened between them.
  mutable std::vector<std::size_t> touched_;
  bool catalogue_changed_ = false;  // in the open transaction
  mutable std::uint64_t generation_ = 1;
  std::string headers_;
};

}  // namespace dropline::stream::sqlite
