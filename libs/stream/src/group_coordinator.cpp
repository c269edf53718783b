#include "dropline/stream/group_coordinator.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "dropline/base/ensure.hpp"
#include "dropline/stream/errors.hpp"

namespace dropline::stream {
namespace {

using std::chrono::milliseconds;
using MemberKey = std::uint64_t;  // order of arrival; never used twice

// A wait is cut into pieces no longer than this, so that a clock that is set forward by hand, and
// therefore wakes nobody, is noticed.
constexpr milliseconds kLongestWait{100};
constexpr milliseconds kLongestPoll = std::chrono::hours(24);

struct Member {
  std::string name;
  Clock::Steady last_poll;
  bool waiting = false;
  std::set<std::int32_t> owned;
  std::set<std::int32_t> revoking;  // part of owned: told, to be given up at the next poll
};

struct Group {
  std::string anchor;
  std::int32_t partitions = 0;
  std::map<MemberKey, Member> members;
  std::map<std::int32_t, MemberKey> owners;
  std::map<std::int32_t, MemberKey> targets;
  std::map<TopicPartition, std::int64_t> positions;

  std::vector<MemberKey> in_order() const {
    std::vector<MemberKey> keys;
    for (const auto& [key, member] : members)
      keys.push_back(key);
    std::ranges::stable_sort(keys, {}, [&](MemberKey key) { return members.at(key).name; });
    return keys;
  }

  void divide() {
    targets.clear();
    if (members.empty()) return;
    const auto keys = in_order();
    const auto count = static_cast<std::int32_t>(keys.size());
    const std::int32_t each = partitions / count;
    const std::int32_t larger = partitions % count;  // so many members have one more
    std::int32_t next = 0;
    for (std::int32_t i = 0; i < count; ++i) {
      for (std::int32_t n = each + (i < larger ? 1 : 0); n > 0; --n)
        targets[next++] = keys[static_cast<std::size_t>(i)];
    }
  }

  void remove(MemberKey key) {
    std::erase_if(owners, [&](const auto& entry) { return entry.second == key; });
    members.erase(key);
    divide();
  }
};

}  // namespace

class GroupCoordinator::State {
 public:
  State(const Clock& clock, GroupOptions options) : clock_(clock), options_(options) {}

  Result<MemberKey> join(const std::string& name, const std::string& anchor,
                         std::int32_t partitions, const std::string& member);
  void leave(const std::string& name, MemberKey key);
  void expel(const std::string& name, const std::string& member);
  /// Absent: the member was expelled.
  std::optional<MembershipChange> poll(const std::string& name, MemberKey key, milliseconds wait);
  void report(const std::string& name, MemberKey key, std::span<const Position> positions);

  std::vector<GroupMember> members(const std::string& name) const;
  std::vector<Position> reported(const std::string& name) const;
  std::vector<std::string> groups() const;

 private:
  MemberKey add(Group& group, const std::string& member);
  void expire(Group& group, MemberKey asking);
  MembershipChange change(Group& group, MemberKey key);
  std::optional<milliseconds> until_next_expiry(const Group& group, MemberKey asking) const;

  const Clock& clock_;
  const GroupOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Group> groups_;
  MemberKey next_key_ = 1;
};

MemberKey GroupCoordinator::State::add(Group& group, const std::string& member) {
  const MemberKey key = next_key_++;
  group.members[key] = Member{member, clock_.steady(), false, {}, {}};
  group.divide();
  changed_.notify_all();
  return key;
}

Result<MemberKey> GroupCoordinator::State::join(const std::string& name, const std::string& anchor,
                                                std::int32_t partitions,
                                                const std::string& member) {
  ensure(partitions > 0, "an anchor topic has partitions");
  const std::lock_guard lock(mutex_);
  Group& group = groups_[name];
  if (!group.members.empty()) {
    if (group.anchor != anchor)
      return error(Errc::bad_config, "group " + name + " divides topic " + group.anchor + ", not " +
                                         anchor + ": all its members must name one anchor topic");
    if (group.partitions != partitions)
      return error(Errc::wrong_partition_count,
                   "group " + name + " divides " + std::to_string(group.partitions) +
                       " partitions of " + anchor + ", not " + std::to_string(partitions));
  }
  group.anchor = anchor;
  group.partitions = partitions;
  return add(group, member);
}

void GroupCoordinator::State::leave(const std::string& name, MemberKey key) {
  const std::lock_guard lock(mutex_);
  groups_[name].remove(key);
  changed_.notify_all();
}

void GroupCoordinator::State::expel(const std::string& name, const std::string& member) {
  const std::lock_guard lock(mutex_);
  const auto found = groups_.find(name);
  if (found == groups_.end()) return;
  for (const MemberKey key : found->second.in_order())
    if (found->second.members.at(key).name == member) found->second.remove(key);
  changed_.notify_all();
}

void GroupCoordinator::State::expire(Group& group, MemberKey asking) {
  const auto now = clock_.steady();
  std::vector<MemberKey> dead;
  for (const auto& [key, member] : group.members)
    if (key != asking && !member.waiting && now - member.last_poll >= options_.session_timeout)
      dead.push_back(key);
  for (const MemberKey key : dead)
    group.remove(key);
  if (!dead.empty()) changed_.notify_all();
}

std::optional<milliseconds> GroupCoordinator::State::until_next_expiry(const Group& group,
                                                                       MemberKey asking) const {
  const auto now = clock_.steady();
  std::optional<milliseconds> least;
  for (const auto& [key, member] : group.members) {
    if (key == asking || member.waiting) continue;
    const auto left =
        std::chrono::ceil<milliseconds>(member.last_poll + options_.session_timeout - now);
    if (!least || left < *least) least = left;
  }
  return least;
}

MembershipChange GroupCoordinator::State::change(Group& group, MemberKey key) {
  MembershipChange result;
  Member& member = group.members.at(key);
  for (const std::int32_t partition : member.owned) {
    if (group.targets.at(partition) == key || member.revoking.contains(partition)) continue;
    result.revoked.push_back(partition);
  }
  member.revoking.insert(result.revoked.begin(), result.revoked.end());
  for (const auto& [partition, target] : group.targets) {
    if (target != key || group.owners.contains(partition)) continue;
    group.owners[partition] = key;
    member.owned.insert(partition);
    result.gained.push_back(partition);
  }
  return result;
}

std::optional<MembershipChange> GroupCoordinator::State::poll(const std::string& name,
                                                              MemberKey key, milliseconds wait) {
  const auto give_up = std::chrono::steady_clock::now() + std::min(wait, kLongestPoll);
  std::unique_lock lock(mutex_);
  Group& group = groups_[name];
  const auto self = group.members.find(key);
  if (self == group.members.end()) return std::nullopt;

  self->second.last_poll = clock_.steady();
  if (!self->second.revoking.empty()) {
    for (const std::int32_t partition : self->second.revoking) {
      self->second.owned.erase(partition);
      group.owners.erase(partition);
    }
    self->second.revoking.clear();
    changed_.notify_all();
  }
  for (;;) {
    expire(group, key);
    auto result = change(group, key);
    const auto now = std::chrono::steady_clock::now();
    if (!result.empty() || !options_.blocking || now >= give_up) return result;

    auto piece = std::min(kLongestWait, std::chrono::ceil<milliseconds>(give_up - now));
    if (const auto expiry = until_next_expiry(group, key)) piece = std::min(piece, *expiry);
    group.members.at(key).waiting = true;
    changed_.wait_for(lock, std::max(piece, milliseconds(1)));
    const auto still = group.members.find(key);
    if (still == group.members.end()) return std::nullopt;
    still->second.waiting = false;
    still->second.last_poll = clock_.steady();
  }
}

void GroupCoordinator::State::report(const std::string& name, MemberKey key,
                                     std::span<const Position> positions) {
  const std::lock_guard lock(mutex_);
  Group& group = groups_[name];
  if (!group.members.contains(key)) return;
  for (const Position& position : positions)
    group.positions[position.at] = position.offset;
}

std::vector<GroupMember> GroupCoordinator::State::members(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<GroupMember> result;
  const auto found = groups_.find(name);
  if (found == groups_.end()) return result;
  for (const MemberKey key : found->second.in_order()) {
    const Member& member = found->second.members.at(key);
    result.push_back({member.name, {member.owned.begin(), member.owned.end()}});
  }
  return result;
}

std::vector<Position> GroupCoordinator::State::reported(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<Position> result;
  const auto found = groups_.find(name);
  if (found == groups_.end()) return result;
  for (const auto& [at, offset] : found->second.positions)
    result.push_back({at, offset});
  return result;
}

std::vector<std::string> GroupCoordinator::State::groups() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> result;
  for (const auto& [name, group] : groups_)
    if (!group.members.empty() || !group.positions.empty()) result.push_back(name);
  return result;
}

/// Remembers what its holder believes to own, so that it can tell what was lost.
class GroupCoordinator::Share final : public Membership {
 public:
  Share(std::shared_ptr<State> state, std::string group, std::string anchor,
        std::int32_t partitions, std::string name, MemberKey key)
      : state_(std::move(state)),
        group_(std::move(group)),
        anchor_(std::move(anchor)),
        partitions_(partitions),
        name_(std::move(name)),
        key_(key) {}
  ~Share() override { leave(milliseconds(0)); }

  Result<MembershipChange> poll(milliseconds wait) override {
    if (!key_) return error(Errc::closed, "member " + name_ + " has left group " + group_);
    auto change = state_->poll(group_, *key_, wait);
    if (!change) {
      const auto joined = state_->join(group_, anchor_, partitions_, name_);
      if (!joined) return joined.error();
      key_ = *joined;
      change.emplace();
      change->lost.assign(believed_.begin(), believed_.end());
      believed_.clear();
      return std::move(*change);
    }
    for (const std::int32_t partition : change->revoked)
      believed_.erase(partition);
    believed_.insert(change->gained.begin(), change->gained.end());
    return std::move(*change);
  }

  void report(std::span<const Position> positions) override {
    if (key_) state_->report(group_, *key_, positions);
  }

  void leave(milliseconds /*limit*/) override {
    if (key_) state_->leave(group_, *key_);
    key_.reset();
    believed_.clear();
  }

 private:
  const std::shared_ptr<State> state_;
  const std::string group_;
  const std::string anchor_;
  const std::int32_t partitions_;
  const std::string name_;
  std::optional<MemberKey> key_;
  std::set<std::int32_t> believed_;
};

GroupCoordinator::GroupCoordinator(const Clock& clock, GroupOptions options)
    : state_(std::make_shared<State>(clock, options)) {}

GroupCoordinator::~GroupCoordinator() = default;

Result<std::unique_ptr<Membership>> GroupCoordinator::join(const std::string& group,
                                                           const std::string& anchor_topic,
                                                           std::int32_t partitions,
                                                           const std::string& member) {
  const auto key = state_->join(group, anchor_topic, partitions, member);
  if (!key) return key.error();
  return std::unique_ptr<Membership>(
      std::make_unique<Share>(state_, group, anchor_topic, partitions, member, *key));
}

void GroupCoordinator::expel(const std::string& group, const std::string& member) {
  state_->expel(group, member);
}

std::vector<GroupMember> GroupCoordinator::members(const std::string& group) const {
  return state_->members(group);
}

std::vector<Position> GroupCoordinator::reported(const std::string& group) const {
  return state_->reported(group);
}

std::vector<std::string> GroupCoordinator::groups() const {
  return state_->groups();
}

}  // namespace dropline::stream
