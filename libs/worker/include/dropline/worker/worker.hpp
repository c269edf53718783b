#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/worker/loop.hpp"
#include "dropline/worker/outlets.hpp"
#include "dropline/worker/publisher.hpp"

namespace dropline::worker {

/// One service in distributed mode: its loop, its session, its outbox. Driven a step at a time by
/// one thread (see WorkerThread), or by a test or simulation.
///
/// A step never throws away a record: whatever fails is rolled back and tried again, the session
/// replaced where it broke, with a pause that grows from kPause to kPauseMax.
class Worker final {
 public:
  static constexpr std::chrono::milliseconds kPause{50};
  static constexpr std::chrono::milliseconds kPauseMax{5'000};
  /// A machine whose clock differs more from the database's does not work: deadlines are judged by
  /// that clock, and a reader of our logs would be misled.
  static constexpr std::chrono::milliseconds kMaxSkew{1'000};
  static constexpr std::chrono::milliseconds kReportInterval{1'000};

  struct Parts {
    Service& service;
    const store::Database& database;
    stream::Stream& stream;
    const Clock& clock;
    Random& random;
    const contracts::CommandKeys& keys;
    std::string member;  ///< this process, in group listings
    store::SessionOptions session{};
    LoopOptions loop{};
    LoopMetrics metrics{};
  };

  /// Joins the service's group. Fails where the stream refuses for good; an unreachable broker is
  /// not a failure but shows in health().
  [[nodiscard]] static Result<std::unique_ptr<Worker>> start(Parts parts);
  ~Worker();

  /// One turn. Waits up to `wait` for records where there is nothing to do. Returns true when it
  /// did something, false when it was idle or is pausing after a failure.
  bool step(std::chrono::milliseconds wait);

  /// Publishes what is committed and leaves the group; reads no more. Returns within `limit`.
  void drain(std::chrono::milliseconds limit);

  /// Ends a step() that waits; any thread.
  void wake();

  [[nodiscard]] std::string health() const;
  [[nodiscard]] const Loop& loop() const { return *loop_; }
  [[nodiscard]] std::size_t backlog() const { return publisher_.rows(); }

 private:
  explicit Worker(Parts parts);

  Status ensure_session();
  Status transact();
  void failed(const Error& error);
  void report();

  Parts parts_;
  Publisher publisher_;
  OutboxOutlet outlet_;
  std::unique_ptr<stream::Membership> membership_;
  std::unique_ptr<stream::Consumer> consumer_;
  std::unique_ptr<Loop> loop_;
  std::optional<store::Session> session_;
  Clock::Steady retry_at_{};
  Clock::Steady report_at_{};
  Clock::Steady tidy_at_{};
  std::chrono::milliseconds pause_{kPause};
  std::string trouble_;
};

}  // namespace dropline::worker
