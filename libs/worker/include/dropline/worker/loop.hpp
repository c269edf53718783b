#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/random.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/consumer.hpp"
#include "dropline/stream/membership.hpp"
#include "dropline/telemetry/metrics.hpp"
#include "dropline/telemetry/trace.hpp"
#include "dropline/worker/service.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::worker {

/// Where a batch's messages go within its transaction: into outbox rows, or straight into the log.
class Outlet {
 public:
  virtual ~Outlet() = default;

  /// What one shard's batch says. `frames` is an outbox row's bytes.
  struct Parcel {
    Shard shard{};
    std::int64_t seq = 0;
    std::string frames;
  };

  /// In the open transaction.
  virtual Status put(store::Session& session, std::span<const Parcel> parcels) = 0;
  /// In the open transaction of a claim: takes over what an earlier owner left.
  virtual Status take_over(store::Session& session, std::span<const Shard> shards) = 0;
  /// The transaction committed, or did not.
  virtual void committed() = 0;
  virtual void rolled_back() = 0;
  /// The shard is no longer ours.
  virtual void forget(Shard shard) = 0;
  /// False: read nothing more for now.
  [[nodiscard]] virtual bool has_room() const = 0;
  /// Whether an earlier owner's messages of that shard are still on their way; the shard's next
  /// records wait for them.
  [[nodiscard]] virtual bool settling(Shard shard) const = 0;
};

struct LoopOptions {
  std::string topic_prefix;
  /// Of every topic. A record that does not lie where its key belongs is a dead letter (wrong_key).
  std::int32_t partitions = 16;
  /// Records of one batch at most.
  std::size_t max_records = 2'000;
  /// A shard that was fenced while still assigned, or whose claim failed, tries again after this,
  /// doubled each time up to the second figure.
  std::chrono::milliseconds claim_pause{100};
  std::chrono::milliseconds claim_pause_max{5'000};
  /// How often an operator's word on held records is looked for.
  std::chrono::milliseconds held_interval{1'000};
  /// Undo a failing record with savepoints from the start: where they cost nothing (SQLite). Else
  /// the batch is rolled back and repeated with savepoints.
  bool savepoints_always = false;
  /// Where the steps of traced orders are told; must outlive the loop. Null: nowhere.
  telemetry::Tracer* tracer = nullptr;
};

/// Counts of one service's loop; handles cost nothing when default-made.
struct LoopMetrics {
  LoopMetrics() = default;
  LoopMetrics(telemetry::Metrics& metrics, std::string_view service);

  telemetry::Counter records;      ///< given to the service
  telemetry::Counter duplicates;   ///< recognised by their source's watermark
  telemetry::Counter passed_over;  ///< of types the service does not read
  telemetry::Counter dead_letters;
  telemetry::Counter held;
  telemetry::Counter messages;  ///< emitted
  telemetry::Counter rollbacks;
  telemetry::Counter fenced;
  telemetry::Histogram batch;        ///< records of a transaction
  telemetry::Histogram transaction;  ///< seconds
  telemetry::Gauge shards;           ///< owned and running
  telemetry::Gauge backlog;          ///< records committed but not yet known to be in the log
  telemetry::Gauge stopped;          ///< owned, but their log lost records
};

/// How a shard stands, for /readyz and tests.
enum class ShardState {
  claiming,  ///< assigned; its row is not ours yet
  placing,   ///< claimed; its place in the log is being looked up and compared
  running,
  stopped,  ///< records were lost; an operator must look
};

struct ShardReport {
  Shard shard{};
  ShardState state = ShardState::claiming;
  std::int64_t epoch = 0;
  bool caught_up = false;  ///< has read to the ends it saw when it was claimed
  std::string reason;      ///< why it is not running
};

/// The one consumer loop, without its transaction: what happens before, in and after it are
/// separate calls, so that a worker process can give each service its own transaction, the embedded
/// engine can put all services into one, and a test can stop between any two.
///
///     loop.gather(wait);            // membership, then records; no database
///     if (loop.has_work()) {
///       <begin>; status = loop.apply(session); <commit or roll back>
///       loop.committed(); or loop.rolled_back(error);
///     }
///
/// Threads: one. Owns nothing it is handed; all of it must outlive the loop.
class Loop final {
 public:
  struct Ports {
    Service& service;
    stream::Membership& membership;
    stream::Consumer& consumer;
    Outlet& outlet;
    const Clock& clock;
    Random& random;                      ///< for span ids only
    const contracts::CommandKeys& keys;  ///< signs and checks what only services may say
  };

  Loop(Ports ports, LoopOptions options, LoopMetrics metrics = {});
  ~Loop();

  /// Takes in membership changes, places claimed shards, and polls for records where nothing is at
  /// hand; waits up to `wait` for the first, unless there is other work. Errors here are the
  /// stream's and are transient: they are remembered for health() and tried again by the next call.
  /// Without `may_work`, because the database is away, work at hand does not cut the wait short.
  Status gather(std::chrono::milliseconds wait, bool may_work = true);

  /// The last gather() read records, though none of them may be work.
  [[nodiscard]] bool read() const;

  /// Claims, records, ticks or operators' words wait for a transaction.
  [[nodiscard]] bool has_work() const;

  /// One transaction's worth of work, in a transaction that the caller has begun. After an error
  /// the caller rolls back and calls rolled_back(); has_work() may then still be true.
  Status apply(store::Session& session);

  void committed();
  void rolled_back(const Error& error);

  /// How long until a tick or another timed thing is due; what gather() may wait at most.
  [[nodiscard]] std::chrono::milliseconds until_due() const;

  /// How far each topic partition is read, for the group's lag.
  [[nodiscard]] std::vector<stream::Position> positions() const;
  [[nodiscard]] std::vector<ShardReport> shards() const;
  /// Empty while all is well.
  [[nodiscard]] std::string health() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace dropline::worker
