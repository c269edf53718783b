#include <algorithm>

#include "dropline/telemetry/log.hpp"
#include "dropline/worker/errors.hpp"
#include "loop_state.hpp"

namespace dropline::worker {
namespace {
const log::Logger kLog("worker");
constexpr std::chrono::milliseconds kExtentsLimit{3'000};
}  // namespace

void Loop::State::take_in(const stream::MembershipChange& change) {
  for (const auto partition : change.lost)
    let_go(Shard(partition));
  for (const auto partition : change.revoked)
    let_go(Shard(partition));
  for (const auto partition : change.gained) {
    Owned owned;
    owned.shard = Shard(partition);
    owned.retry_at = ports_.clock.steady();
    owned.pause = options_.claim_pause;
    owned_.insert_or_assign(owned.shard, std::move(owned));
  }
  if (!change.empty())
    kLog.info("shards changed hands", {{"service", spec_.name},
                                       {"gained", change.gained.size()},
                                       {"revoked", change.revoked.size()},
                                       {"lost", change.lost.size()}});
}

void Loop::State::let_go(Shard shard) {
  if (!owned_.erase(shard)) return;
  std::vector<stream::TopicPartition> partitions;
  for (const auto& name : topic_names_)
    partitions.push_back({name, number(shard)});
  // An error here costs nothing: records of a shard that is not ours are passed over.
  static_cast<void>(ports_.consumer.unassign(partitions));
  std::erase_if(prepared_, [shard](const auto& p) { return p.incoming.shard == shard; });
  ports_.outlet.forget(shard);
}

/// Back to the beginning: the row must be claimed again before anything is read.
void Loop::State::lose(Owned& owned) {
  owned.state = ShardState::claiming;
  owned.retry_at = ports_.clock.steady() + owned.pause;
  owned.pause = std::min(owned.pause * 2, options_.claim_pause_max);
  owned.unchecked.clear();
  owned.ends.clear();
  ports_.outlet.forget(owned.shard);
}

void Loop::State::stop(Owned& owned, std::string reason) {
  kLog.error("a shard stopped",
             {{"service", spec_.name}, {"shard", number(owned.shard)}, {"reason", reason}});
  owned.state = ShardState::stopped;
  owned.reason = std::move(reason);
  std::vector<stream::TopicPartition> partitions;
  for (const auto& name : topic_names_)
    partitions.push_back({name, number(owned.shard)});
  static_cast<void>(ports_.consumer.unassign(partitions));
  std::erase_if(prepared_, [&](const auto& p) { return p.incoming.shard == owned.shard; });
}

bool Loop::State::claims_due() const {
  const auto now = ports_.clock.steady();
  return std::ranges::any_of(owned_, [now](const auto& entry) {
    return entry.second.state == ShardState::claiming && entry.second.retry_at <= now;
  });
}

Status Loop::State::claim_due(store::Session& session) {
  const auto now = ports_.clock.steady();
  for (const auto& [shard, owned] : owned_)
    if (owned.state == ShardState::claiming && owned.retry_at <= now) claiming_.push_back(shard);
  auto rows = ledger_.claim(session, claiming_);
  if (!rows) return rows.error();
  auto held = ledger_.held(session, claiming_);
  if (!held) return held.error();
  for (const auto& row : *rows)
    if (auto adopted = adopt(row, *held); !adopted) return adopted;
  if (auto taken = ports_.outlet.take_over(session, claiming_); !taken) return taken;
  return call([this] { return ports_.service.claimed(claiming_, *this); });
}

Status Loop::State::adopt(const ShardRow& row, std::span<const HeldRecord> held) {
  auto* owned = find(row.shard);
  if (!owned) return {};
  auto positions = parse_positions(row.positions);
  auto watermarks = parse_watermarks(row.watermarks);
  if (!positions || !watermarks) {
    stop(*owned, (positions ? watermarks.error() : positions.error()).text());
    return {};
  }
  owned->row = row;
  owned->positions = std::move(*positions);
  owned->watermarks = std::move(*watermarks);
  owned->seq = row.seq;
  owned->reason.clear();
  owned->held.clear();
  for (const auto& record : held)
    if (record.shard == row.shard) owned->held[record.order] = record.place;
  touched_.insert(row.shard);
  speech_.set_last_seq(row.shard, row.seq);
  return {};
}

/// Looks up where the log of every topic begins and ends, and starts reading from the positions:
/// one record earlier where there is one, to compare it with what was read.
Status Loop::State::place_claimed() {
  const auto now = ports_.clock.steady();
  std::vector<stream::TopicPartition> asked;
  std::vector<Owned*> placing;
  for (auto& [shard, owned] : owned_) {
    if (owned.state != ShardState::placing || owned.retry_at > now) continue;
    if (ports_.outlet.settling(shard)) continue;
    placing.push_back(&owned);
    for (const auto& name : topic_names_)
      asked.push_back({name, number(shard)});
  }
  if (placing.empty()) return {};
  auto extents = ports_.consumer.extents(asked, kExtentsLimit);
  if (!extents) {
    for (auto* owned : placing) {
      owned->retry_at = now + owned->pause;
      owned->pause = std::min(owned->pause * 2, options_.claim_pause_max);
    }
    return extents.error();
  }
  std::vector<stream::Position> places;
  for (std::size_t i = 0; i < placing.size(); ++i)
    place(*placing[i], std::span(*extents).subspan(i * topic_names_.size(), topic_names_.size()),
          places);
  if (places.empty()) return {};
  if (auto assigned = ports_.consumer.assign(places); !assigned) {
    for (auto* owned : placing)
      if (owned->state == ShardState::running) lose(*owned);
    return assigned;
  }
  return {};
}

void Loop::State::place(Owned& owned, std::span<const stream::Extent> extents,
                        std::vector<stream::Position>& places) {
  std::vector<stream::Position> own;
  owned.ends.clear();
  owned.unchecked.clear();
  for (std::size_t topic = 0; topic < extents.size(); ++topic) {
    const auto& extent = extents[topic];
    const auto found = owned.positions.find(spec_.topics[topic].name);
    const auto next = found == owned.positions.end() ? extent.start : found->second.next;
    const bool state_topic = spec_.topics[topic].kind == TopicKind::state;
    const auto where = full_name(topic) + '/' + std::to_string(number(owned.shard));
    if (next > extent.end || (next < extent.start && !state_topic)) {
      stop(owned, where + " holds records " + std::to_string(extent.start) + " to " +
                      std::to_string(extent.end) + ", but this shard has read up to " +
                      std::to_string(next) +
                      ": records were lost. Restore the log, or start this service's database "
                      "afresh");
      return;
    }
    if (next < extent.end) owned.ends[topic] = extent.end;
    const bool compare = found != owned.positions.end() && next > extent.start;
    if (compare) owned.unchecked.insert(topic);
    own.push_back({{full_name(topic), number(owned.shard)},
                   compare ? next - 1 : std::max(next, extent.start)});
  }
  owned.state = ShardState::running;
  owned.pause = options_.claim_pause;
  owned.reason.clear();
  owned.tick_at = ports_.clock.steady();
  places.insert(places.end(), own.begin(), own.end());
}

}  // namespace dropline::worker
