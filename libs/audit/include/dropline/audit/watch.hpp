#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dropline/audit/finding.hpp"
#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/stream.hpp"

namespace dropline::audit {

struct WatchOptions {
  std::int32_t partitions = 16;
  std::string topic_prefix;
  /// How long findings that may be on their way are watched before the look gives them up as
  /// unsettled.
  std::chrono::milliseconds patience{30'000};
};

/// What one look came to.
struct Look {
  std::vector<Outcome> outcomes;        ///< one a check, always of the same checks
  std::string unsettled;                ///< who did not come to rest meanwhile; empty: all did
  std::int64_t behind = 0;              ///< records that services have to read
  std::int64_t said = 0;                ///< records of commands and events, ever
  std::chrono::microseconds worked{0};  ///< what its statements took
};

/// An audit that does not end: holds the tables of a shop at work against each other, and offers,
/// drops and products against what was last told of them. It keeps what it has read of these state
/// topics (a few hundred bytes an offer) and reads on from there; it does not read the rest of the
/// log, which is `audit()`'s.
///
/// What counts is what counts there: findings of Reach::always at once, others when all services
/// have read, ten hops deep, up to where the log ended and the very same is found again. So orders
/// on their way never count, at any load that the services can follow.
///
/// One thread. A look costs as much as its statements over all rows; whoever calls it decides how
/// often (pause_after()).
class Watch final {
 public:
  /// The stream must outlive it.
  Watch(stream::Stream& stream, const Clock& clock, WatchOptions options);
  ~Watch();

  /// Blocks for the statements, and up to `patience` where something may be on its way; `stop`
  /// ends that wait. Outcomes that count without waiting are given to `at_once` before. An error
  /// means that database or log could not be asked: look again later,
  /// with a new session where it is broken.
  [[nodiscard]] Result<Look> look(store::Session& session, const std::atomic<bool>& stop,
                                  const std::function<void(const Outcome&)>& at_once);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The share of one core that looks take of a shop at work, and of one that has little to do.
inline constexpr double kBusyShare = 0.015;
inline constexpr double kIdleShare = 0.25;
/// Records a second above which a shop counts as at work.
inline constexpr double kBusyRecords = 100;

/// A small shop is looked at again within that, so that its alarm is a matter of seconds also where
/// processors are scarce: statements that wait for them take long, and cost little.
inline constexpr std::int64_t kSmallShop = 30'000;  ///< records ever said: some 4,000 orders
inline constexpr std::chrono::milliseconds kSmallPause{5'000};

/// How long to wait after a look that took `worked`, in a shop where so many records were said ever
/// and a second, at least `interval`: so that looks take no more than their share.
[[nodiscard]] std::chrono::milliseconds pause_after(std::chrono::microseconds worked,
                                                    std::int64_t said, double said_a_second,
                                                    std::chrono::milliseconds interval);

}  // namespace dropline::audit
