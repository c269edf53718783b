#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/base/time.hpp"
#include "dropline/base/uuid.hpp"
#include "dropline/store/database.hpp"
#include "dropline/telemetry/metrics.hpp"
#include "dropline/worker/service.hpp"

/// Calls out of the system. A handler never makes one: it writes a row, and the shard's owner makes
/// the call after the commit, on other threads, with the row's id as the idempotency key.
///
///     apply():  desk.add(...)          the row, in the handler's transaction
///     tick():   desk.tick(...)         rows that are due are leased; answers become records
///     committed(): desk.committed()    only now do leased calls start
///
/// A call that brought no answer is due again when its lease ends, by then by whoever owns the
/// shard: after a kill, a timeout or a lost connection the same call is made again under the same
/// key. Two owners may both make it; it is the other side that knows the key.
namespace dropline::worker {

struct Call {
  Uuid id;  ///< the idempotency key
  Shard shard{};
  std::string kind;
  std::string request;        ///< of the service that asks
  std::int64_t attempts = 0;  ///< made before; also how patient its lease is
  std::optional<Timestamp> due_at;
};

/// What a call brought that is known for certain.
struct Answer {
  Uuid call;
  Shard shard{};
  std::string kind;
  std::string request;
  std::string body;  ///< of the service's own adapter
};

/// The port: makes calls. All of it is called on the loop's thread, and none of it blocks; a
/// simulation answers when it likes.
class Caller {
 public:
  virtual ~Caller() = default;

  /// How many calls start() would take now. 0: busy, or the other side is not to be bothered.
  [[nodiscard]] virtual std::size_t room() const = 0;
  virtual void start(Call call) = 0;
  /// Answers since the last call. Of a call whose outcome is not known there is none.
  [[nodiscard]] virtual std::vector<Answer> take() = 0;
  /// take() would give something.
  [[nodiscard]] virtual bool has_answers() const = 0;
};

struct CallTerms {
  /// No call takes longer: a lease is at least this.
  std::chrono::milliseconds timeout{5'000};
  /// Added to the lease, doubled with every attempt up to the second figure.
  std::chrono::milliseconds pause{1'000};
  std::chrono::milliseconds pause_max{240'000};
};

/// The rows of one service's calls, table {calls} of its schema:
///   call {uuid} key | shard {int64} | kind {text} | request {text} | attempts {int64}
///   | due_at {int64}, null once answered | at {int64}
///
/// Threads: the loop's. Without anything due it costs no statement. Owned by the service, which
/// forwards its own hooks.
class CallDesk final {
 public:
  /// Leased in one transaction at most.
  static constexpr std::size_t kMaxLeases = 200;

  /// Without a caller rows are kept and wait. `caller` and `clock` outlive the desk.
  CallDesk(std::string service, Caller* caller, const Clock& clock, CallTerms terms = {});

  /// Counts of open rows and of calls made.
  void report_to(telemetry::Metrics& metrics);

  /// Writes rows, or writes them anew: an answered call that is added again is made again.
  [[nodiscard]] Status add(store::Session& session, std::span<const Call> calls, Timestamp now);

  [[nodiscard]] Status claimed(std::span<const Shard> shards, Unit& unit);
  [[nodiscard]] bool wants_tick(Shard shard) const;
  /// What to do about an answer, in the transaction of tick(): true where it settles the call,
  /// false where it is to be asked again when its lease ends.
  using Say = std::function<Result<bool>(const Answer&)>;
  /// Hands the answers of these shards to `say`, and leases what is due.
  [[nodiscard]] Status tick(std::span<const Shard> shards, Unit& unit, const Say& say);
  void committed();
  void rolled_back();

 private:
  [[nodiscard]] std::chrono::milliseconds lease(std::int64_t attempts) const;
  [[nodiscard]] Status look(store::Session& session, std::span<const Shard> shards, Timestamp now);
  [[nodiscard]] Status close(store::Session& session, std::span<const Answer> answers,
                             Timestamp now);
  [[nodiscard]] Status take_leases(store::Session& session, std::span<const Shard> shards,
                                   Timestamp now);
  void collect();
  void note_due(Shard shard, Clock::Steady at);

  struct Waiting {
    Clock::Steady at{};
    Answer answer;
  };

  std::string service_;
  Caller* caller_;
  const Clock& clock_;
  CallTerms terms_;
  std::map<Shard, Clock::Steady> due_;  ///< the earliest of each shard
  std::map<Shard, std::vector<Waiting>> answers_;
  std::map<Shard, std::int64_t> open_;
  // Of the open transaction:
  std::map<Shard, Clock::Steady> due_before_;
  std::vector<Call> leased_;
  std::set<Uuid> told_;
  telemetry::Gauge open_rows_;
  telemetry::Counter leases_;
};

}  // namespace dropline::worker
