#include "barrier.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "dropline/contracts/topics.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::audit {
namespace {

/// The longest way of an order: from catalog's command to units that come back.
constexpr int kHops = 10;
constexpr std::chrono::seconds kExtentsLimit{10};

/// How far a service has read a topic.
std::int64_t position_of(const Shards& shards, const std::string& service, const std::string& topic,
                         std::int32_t partition) {
  const auto row = shards.find({service, partition});
  if (row == shards.end()) return 0;
  const auto positions = worker::parse_positions(row->second.positions);
  if (!positions) return 0;
  const auto at = positions->find(topic);
  return at == positions->end() ? 0 : at->second.next;
}

}  // namespace

Result<std::string> Barrier::pass(const Waiting& waiting) {
  const auto until = clock_.steady() + waiting.patience;
  for (int hop = 0; hop < kHops; ++hop) {
    auto ends = read_ends();
    if (!ends) return ends.error();
    auto backlog = read_backlog(session_);
    if (!backlog) return backlog.error();
    for (;;) {
      auto behind = who_is_behind(*ends, *backlog);
      if (!behind || behind->empty()) {
        if (!behind) return behind.error();
        break;
      }
      if (clock_.steady() >= until || (waiting.stop && *waiting.stop)) return behind;
      if (waiting.meanwhile)
        if (auto done = waiting.meanwhile(); !done) return done.error();
      std::this_thread::sleep_for(waiting.nap);
    }
  }
  return std::string();
}

Result<Barrier::Ends> Barrier::read_ends() {
  if (!consumer_) {
    auto consumer = stream_.consumer();
    if (!consumer) return consumer.error();
    consumer_ = std::move(*consumer);
  }
  std::set<std::string> topics;
  for (const auto& service : services())
    for (const auto& use : service.topics)
      if (use.kind != worker::TopicKind::state) topics.insert(use.name);
  std::vector<stream::TopicPartition> asked;
  for (const auto& topic : topics)
    for (std::int32_t p = 0; p < log_.partitions; ++p)
      asked.push_back({contracts::topic_name(log_.topic_prefix, topic), p});
  auto extents = consumer_->extents(asked, kExtentsLimit);
  if (!extents) return extents.error();
  Ends ends;
  std::size_t place = 0;
  for (const auto& topic : topics)
    for (std::int32_t p = 0; p < log_.partitions; ++p)
      ends[{topic, p}] = (*extents)[place++].end;
  return ends;
}

Result<std::string> Barrier::who_is_behind(const Ends& ends, const Backlog& before) {
  auto shards = read_shards(session_);
  if (!shards) return shards.error();
  for (const auto& service : services())
    for (const auto& use : service.topics) {
      if (use.kind == worker::TopicKind::state) continue;
      for (std::int32_t p = 0; p < log_.partitions; ++p) {
        const auto left = ends.at({use.name, p}) - position_of(*shards, service.name, use.name, p);
        if (left > 0)
          return service.name + '/' + std::to_string(p) + " has " + std::to_string(left) +
                 " records of " + use.name + " to read";
      }
    }
  auto now = read_backlog(session_);
  if (!now) return now.error();
  for (const auto& [key, newest] : before.newest)
    if (const auto left = now->oldest.find(key);
        left != now->oldest.end() && left->second <= newest)
      return key.first + '/' + std::to_string(key.second) + " has not published batch " +
             std::to_string(left->second);
  return std::string();
}

Result<Barrier::Lag> Barrier::lag() {
  auto ends = read_ends();
  if (!ends) return ends.error();
  auto shards = read_shards(session_);
  if (!shards) return shards.error();
  Lag lag;
  for (const auto& [key, end] : *ends)
    lag.ends += end;
  for (const auto& service : services())
    for (const auto& use : service.topics) {
      if (use.kind == worker::TopicKind::state) continue;
      for (std::int32_t p = 0; p < log_.partitions; ++p)
        lag.behind += std::max<std::int64_t>(
            0, ends->at({use.name, p}) - position_of(*shards, service.name, use.name, p));
    }
  return lag;
}

bool may_be_on_its_way(const Outcome& outcome) {
  return outcome.reach == Reach::at_rest && outcome.found > 0;
}

/// Of what was found before, what is found still.
void keep_lasting(Outcome& before, const Outcome& now) {
  std::erase_if(before.findings, [&now](const Finding& finding) {
    return !std::ranges::binary_search(now.findings, finding);
  });
  before.found = static_cast<std::int64_t>(before.findings.size());
}

}  // namespace dropline::audit
