#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "dropline/store/database.hpp"
#include "dropline/stream/engine_side.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/worker/loop.hpp"
#include "dropline/worker/outlets.hpp"

namespace dropline::worker {

/// Embedded mode: every service in turn on one thread, one transaction a round. What HTTP threads
/// have sent is appended first; each service then reads what those before it wrote in the same
/// round, so that with the services in the order in which an order visits them, a lone order is
/// decided by one commit. A service's batch that fails is undone alone; a commit that fails undoes
/// the round.
///
/// Threads: one, except wake().
class Engine final {
 public:
  static constexpr std::chrono::milliseconds kPause{20};
  static constexpr std::chrono::milliseconds kPauseMax{1'000};
  /// Sends appended in one round at most.
  static constexpr std::size_t kMaxSends = 2'000;

  struct Parts {
    store::Session& session;  ///< the writing connection that `log` is attached to
    stream::EngineSide& log;
    stream::Stream& stream;  ///< to join groups
    const Clock& clock;
    Random& random;
    const contracts::CommandKeys& keys;
    LoopOptions loop{};  ///< savepoints_always is set here
  };

  /// `services` in the order in which an order visits them, each with its metrics.
  [[nodiscard]] static Result<std::unique_ptr<Engine>> start(
      Parts parts, std::span<const std::pair<Service*, LoopMetrics>> services);
  ~Engine();

  /// One round. Waits up to `wait` where the last found nothing. True when something was done.
  bool step(std::chrono::milliseconds wait);

  /// Rounds until nothing moves or `limit` has passed, then takes no more sends.
  void drain(std::chrono::milliseconds limit);

  void wake();  ///< any thread

  /// Every shard of every service is running.
  [[nodiscard]] bool ready() const;
  [[nodiscard]] std::string health() const;
  /// The connection is of no use any more; the process must start again.
  [[nodiscard]] bool broken() const { return parts_.session.broken(); }
  [[nodiscard]] const Loop& loop(std::size_t service) const;

 private:
  explicit Engine(Parts parts);

  struct Seat;
  Status round(bool& moved);
  Status serve(Seat& seat, bool& moved);

  Parts parts_;
  AppendOutlet outlet_;
  std::vector<std::unique_ptr<Seat>> seats_;
  bool idle_ = false;
  bool commit_failed_ = false;
  Clock::Steady retry_at_{};
  std::chrono::milliseconds pause_{kPause};
  std::string trouble_;
};

}  // namespace dropline::worker
