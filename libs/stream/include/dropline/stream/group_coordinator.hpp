#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dropline/base/clock.hpp"
#include "dropline/base/error.hpp"
#include "dropline/stream/consumer.hpp"
#include "dropline/stream/membership.hpp"

namespace dropline::stream {

struct GroupOptions {
  /// A member that has not polled for so long is expelled as soon as somebody else could use its
  /// share. Polling is the heartbeat here: a member that waits in poll() is alive.
  std::chrono::milliseconds session_timeout{6'000};
  /// False: poll() never waits, whatever it is told; for tests that drive everything on one thread.
  bool blocking = true;
};

/// A member as a listing shows it.
struct GroupMember {
  std::string name;
  std::vector<std::int32_t> partitions;  ///< what it owns now, ascending
};

/// Consumer groups inside one process, for logs that only one process may write (sqlite, memory).
/// Partitions of the anchor topic are divided into ranges among the members, ordered by name and
/// then by arrival; a change moves only the partitions that it must. A partition is handed on after
/// its owner was told and has polled again, has left, or was expelled; an expelled member finds its
/// whole share in `lost` at its next poll and joins anew by itself.
///
/// A member whose session is over but whose share nobody else could use keeps it: a lone member may
/// pause for as long as it likes.
///
/// Threads: any. Memberships share the state and may outlive the coordinator.
class GroupCoordinator final {
 public:
  /// `clock` must outlive the coordinator and every membership.
  explicit GroupCoordinator(const Clock& clock, GroupOptions options = {});
  ~GroupCoordinator();
  GroupCoordinator(const GroupCoordinator&) = delete;
  GroupCoordinator& operator=(const GroupCoordinator&) = delete;

  /// `partitions` > 0 is the anchor's partition count. Errc::bad_config where the group's members
  /// use another anchor topic, Errc::wrong_partition_count where they know another count.
  [[nodiscard]] Result<std::unique_ptr<Membership>> join(const std::string& group,
                                                         const std::string& anchor_topic,
                                                         std::int32_t partitions,
                                                         const std::string& member);

  /// Takes its share from every member of that name at once, as if its session had ended: the
  /// member does not know until it polls. For simulation and operators.
  void expel(const std::string& group, const std::string& member);

  /// Members in the order in which they are given partitions.
  [[nodiscard]] std::vector<GroupMember> members(const std::string& group) const;

  /// The last positions reported by the group's members, by topic and partition; kept when the
  /// members have gone. For lag; in memory only.
  [[nodiscard]] std::vector<Position> reported(const std::string& group) const;

  /// Names of all groups that have members or reported positions.
  [[nodiscard]] std::vector<std::string> groups() const;

 private:
  class State;
  class Share;
  std::shared_ptr<State> state_;
};

}  // namespace dropline::stream
