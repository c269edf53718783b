#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dropline/worker/loop.hpp"
#include "dropline/worker/shard_ledger.hpp"
#include "intake.hpp"
#include "speech.hpp"

namespace dropline::worker {

/// A shard assigned to this loop. `row` is what the database holds as far as we know; positions,
/// watermarks and seq run ahead of it within a transaction.
struct Owned {
  Shard shard{};
  ShardState state = ShardState::claiming;
  std::string reason;
  ShardRow row;
  Positions positions;
  Watermarks watermarks;
  std::int64_t seq = 0;

  std::map<std::size_t, std::int64_t> ends;  ///< by topic, as seen when placed; gone once reached
  std::set<std::size_t>
      unchecked;  ///< topics whose first record must be the one before the position
  std::map<std::string, std::int64_t, std::less<>> held;  ///< by order: the last place taken
  bool spoken_for = false;  ///< an operator asked something of a held record
  Clock::Steady retry_at{};
  std::chrono::milliseconds pause{0};
  Clock::Steady tick_at{};

  [[nodiscard]] bool caught_up() const { return state == ShardState::running && ends.empty(); }
};

/// How a transaction changed a shard's watermarks, to be taken back.
struct MarkChange {
  Shard shard{};
  std::string source;
  std::optional<Said> before;
};

class Loop::State final : public Unit {
 public:
  State(Ports ports, LoopOptions options, LoopMetrics metrics);

  // Loop's own calls, see there.
  Status gather(std::chrono::milliseconds wait, bool may_work);
  /// Shows in the metrics how many shards run and how many have stopped.
  void count_shards();
  [[nodiscard]] bool read() const { return read_; }
  [[nodiscard]] bool has_work() const;
  Status apply(store::Session& session);
  void committed();
  void rolled_back(const Error& error);
  [[nodiscard]] std::chrono::milliseconds until_due() const;
  [[nodiscard]] std::vector<stream::Position> positions() const;
  [[nodiscard]] std::vector<ShardReport> shards() const;
  [[nodiscard]] std::string health() const;

  // Unit
  store::Session& session() override;
  Timestamp now() const override { return now_; }
  [[nodiscard]] std::int64_t next_offset(Shard shard, std::string_view topic) const override;
  void emit(Shard from, const Emission& emission, const Incoming* cause) override;
  void dead_letter(const Incoming& incoming, std::string_view reason,
                   std::string_view detail) override;

 private:
  // Ownership (ownership.cpp)
  void take_in(const stream::MembershipChange& change);
  void let_go(Shard shard);
  Status claim_due(store::Session& session);
  Status adopt(const ShardRow& row, std::span<const HeldRecord> held);
  Status place_claimed();
  void place(Owned& owned, std::span<const stream::Extent> extents,
             std::vector<stream::Position>& places);
  void stop(Owned& owned, std::string reason);
  void lose(Owned& owned);
  [[nodiscard]] bool claims_due() const;
  [[nodiscard]] std::string full_name(std::size_t topic) const;

  // Reading (loop.cpp)
  [[nodiscard]] bool reads_on() const;
  void sort(stream::Batch batch);
  void sort_record(const stream::Record& record);
  void note_ends();
  bool expected(Owned& owned, std::size_t topic, const Prepared& prepared);
  [[nodiscard]] std::optional<std::size_t> topic_index(std::string_view name) const;
  void seek_back();

  // Applying (apply.cpp)
  Status apply_work();
  Status lock_rows();
  Status apply_records();
  bool consume(Prepared& prepared, std::vector<Incoming>& deliver, Status& status);
  Status deliver(std::span<const Incoming> range);
  Status call(const std::function<Status()>& body);
  Status set_aside(const Incoming& incoming, const Error& why);
  Status hold(const Incoming& incoming, std::string_view reason);
  Status heed_operators();
  Status redrive(Owned& owned, std::span<const HeldRecord> records);
  Status apply_ticks();
  Status finish();
  void mark_said(Owned& owned, const Prepared& prepared);
  [[nodiscard]] std::vector<Shard> ticking() const;
  [[nodiscard]] bool ticks_due() const;
  [[nodiscard]] Owned* find(Shard shard);

  Ports ports_;
  LoopOptions options_;
  LoopMetrics metrics_;
  const ServiceSpec& spec_;
  std::vector<std::string> topic_names_;  ///< with the prefix
  ShardLedger ledger_;
  Intake intake_;
  Speech speech_;

  std::map<Shard, Owned> owned_;
  stream::Batch batch_;  ///< owns what prepared_ shows
  std::vector<Prepared> prepared_;
  std::set<std::pair<Shard, std::size_t>> states_waiting_;  ///< topics with records in prepared_
  Clock::Steady held_check_at_{};
  bool savepoints_ = false;
  bool read_ = false;
  std::string trouble_;

  // Of the transaction under way
  store::Session* session_ = nullptr;
  Timestamp now_;
  Clock::Steady began_{};
  std::set<Shard> touched_;
  std::vector<MarkChange> mark_changes_;
  std::vector<ShardRow> rows_to_be_;
  std::vector<Shard> claiming_;
  std::vector<std::pair<Shard, std::string>> newly_held_;
  std::size_t delivered_ = 0;
  bool fenced_ = false;
};

}  // namespace dropline::worker
