#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpointer.hpp"
#include "consumers.hpp"
#include "dropline/stream/engine_side.hpp"
#include "inlet.hpp"
#include "log_writer.hpp"
#include "maintenance.hpp"
#include "notices.hpp"

namespace dropline::stream::sqlite {

/// EngineSide over a writing connection. The stream's own writer thread drives the same object, so
/// both ways of writing are one.
class Engine final : public EngineSide {
 public:
  Engine(const Database& database, const SqliteOptions& options, const Clock& clock, Inlet& inlet,
         Notices& notices);

  Appender& appender() override { return writer_; }
  Result<std::unique_ptr<Consumer>> consumer() override;
  Result<std::size_t> take_sends(std::size_t max) override;
  [[nodiscard]] std::size_t mark() const override { return writer_.mark(); }
  void rolled_back_to(std::size_t mark) override;
  void committed() override;
  void rolled_back(bool outcome_unknown) override;
  bool wait_for_work(std::chrono::milliseconds max_wait) override;
  void wake() override { inlet_.wake(); }
  Result<bool> maintain() override;
  void stop() override;

  /// As stop(), with a reason of its own; between transactions.
  void stop(const Error& reason);
  [[nodiscard]] LogWriter& writer() { return writer_; }
  /// Makes the catalogue and the ends of logs known after a commit; committed() does it too.
  void publish();

  struct Counters {
    std::atomic<std::uint64_t> commits{0};
    std::atomic<std::uint64_t> appended{0};
    std::atomic<std::uint64_t> compacted{0};
    std::atomic<std::uint64_t> expired{0};
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::size_t wal_bytes() const { return checkpointer_.wal_bytes(); }

 private:
  void run_jobs();
  bool run_job(Job& job);
  std::size_t append_sends(std::size_t max);
  void append_sent(Sent& sent, std::int64_t now_ms);
  void put_right();

  const Database& database_;
  const SqliteOptions& options_;
  Inlet& inlet_;
  Notices& notices_;
  LogWriter writer_;
  Maintenance maintenance_;
  Checkpointer checkpointer_;
  EngineConsumer::List consumers_;
  Counters counters_;
  std::vector<Sent*> taken_;
  std::optional<std::size_t> sends_mark_;   // where in the transaction the sends begin
  std::optional<std::size_t> unread_mark_;  // a rollback whose reloading failed
  bool stopped_ = false;
};

}  // namespace dropline::stream::sqlite
