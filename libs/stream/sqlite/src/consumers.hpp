#pragma once

#include <memory>

#include "database.hpp"
#include "dropline/stream/consumer.hpp"
#include "dropline/stream/sqlite/sqlite_stream.hpp"
#include "inlet.hpp"
#include "log_writer.hpp"
#include "notices.hpp"
#include "shares.hpp"

namespace dropline::stream::sqlite {

/// Reads what was committed, through a read-only connection of its own, and waits for more. Opens
/// a read transaction for each poll and ends it before it returns.
class TailConsumer final : public Consumer {
 public:
  TailConsumer(const SqliteOptions& options, const Inlet& inlet, std::shared_ptr<Waiter> waiter);

  Status assign(std::span<const Position> positions) override;
  Status unassign(std::span<const TopicPartition> partitions) override;
  Result<Batch> poll(std::size_t max, std::chrono::milliseconds wait) override;
  void wake() override { waiter_->wake(); }
  Result<std::vector<Extent>> extents(std::span<const TopicPartition> partitions,
                                      std::chrono::milliseconds limit) override;
  [[nodiscard]] std::string health() const override;

 private:
  Batch read_now(std::size_t max);

  const SqliteOptions& options_;
  const Inlet& inlet_;
  std::shared_ptr<Waiter> waiter_;
  Database database_;
  LogReader reader_;
  Shares shares_;
  Statement begin_;
  Statement end_;
};

/// Reads through the writing connection, and so inside the engine's transaction; never waits.
class EngineConsumer final : public Consumer {
 public:
  /// Told of rollbacks as long as it lives.
  class List final {
   public:
    void add(EngineConsumer* consumer) { consumers_.push_back(consumer); }
    void remove(EngineConsumer* consumer) { std::erase(consumers_, consumer); }
    void rolled_back() const {
      for (auto* consumer : consumers_)
        consumer->rolled_back();
    }

   private:
    std::vector<EngineConsumer*> consumers_;
  };

  EngineConsumer(const SqliteOptions& options, const Database& database, LogWriter& writer,
                 List& list, Inlet& inlet);
  ~EngineConsumer() override;

  Status assign(std::span<const Position> positions) override;
  Status unassign(std::span<const TopicPartition> partitions) override;
  Result<Batch> poll(std::size_t max, std::chrono::milliseconds wait) override;
  void wake() override { inlet_.wake(); }
  Result<std::vector<Extent>> extents(std::span<const TopicPartition> partitions,
                                      std::chrono::milliseconds limit) override;
  [[nodiscard]] std::string health() const override { return {}; }

 private:
  void rolled_back();

  const SqliteOptions& options_;
  LogWriter& writer_;
  List& list_;
  Inlet& inlet_;
  LogReader reader_;
  Shares shares_;
};

/// Extents of partitions by `one`, in the order asked; Errc::unknown_topic or bad_partition where
/// the catalogue has none.
[[nodiscard]] std::vector<Extent> extents_of(const Catalogue& catalogue,
                                             std::span<const TopicPartition> partitions,
                                             const std::function<Extent(Log&)>& one);

}  // namespace dropline::stream::sqlite
