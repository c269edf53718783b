#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/stream/consumer.hpp"

namespace dropline::stream {

/// What changed since the last poll. Lost means: taken away without being asked, another member may
/// own it already.
struct MembershipChange {
  std::vector<std::int32_t> gained;
  std::vector<std::int32_t> revoked;
  std::vector<std::int32_t> lost;
  [[nodiscard]] bool empty() const noexcept {
    return gained.empty() && revoked.empty() && lost.empty();
  }
};

/// A share in a consumer group. Divides the partition numbers of one topic, the anchor, among the
/// group's members; reads no records. At every moment a partition belongs to one member at most in
/// the group's view, but a paused or cut-off member may still believe that it owns one: what it
/// writes must be fenced by its owner's epoch (libs/worker does).
///
/// Threads: one at a time. poll() must be called at least every `max_poll_interval` (5 minutes) or
/// the share is lost. The destructor leaves the group without waiting longer than a second.
class Membership {
 public:
  virtual ~Membership() = default;

  /// Waits up to `wait` for a change. A partition revoked is handed on only after the next poll(),
  /// so that what is under way can be finished and committed first.
  virtual Result<MembershipChange> poll(std::chrono::milliseconds wait) = 0;

  /// Tells the broker how far the group has read, for lag tools only; never read back by us. Does
  /// not wait; losing it does no harm.
  virtual void report(std::span<const Position> positions) = 0;

  /// Leaves the group so that others take over at once; returns within `limit`.
  virtual void leave(std::chrono::milliseconds limit) = 0;
};

}  // namespace dropline::stream
