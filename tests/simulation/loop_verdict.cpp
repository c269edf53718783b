#include "loop_verdict.hpp"

#include <set>

#include "dropline/contracts/topics.hpp"
#include "dropline/store/table.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::simulation {
namespace {

using store::Type;

struct ShardRow {
  std::int64_t epoch = 0;
  std::int64_t seq = 0;
  std::string positions;
  std::string watermarks;
};

std::optional<std::map<std::int32_t, ShardRow>> shard_rows(store::Session& session,
                                                           std::string_view service) {
  const auto rows = store::query(
      session, {"shards", service, "SELECT shard, epoch, seq, positions, watermarks FROM {shards}"},
      {}, {Type::int64, Type::int64, Type::int64, Type::text, Type::text});
  if (!rows) return std::nullopt;
  std::map<std::int32_t, ShardRow> out;
  for (const auto row : *rows)
    out[static_cast<std::int32_t>(row.int64(0))] = {
        row.int64(1), row.int64(2), std::string(row.text(3)), std::string(row.text(4))};
  return out;
}

std::int64_t count_of(store::Session& session, std::string_view service, const char* table) {
  const auto sql = std::string("SELECT count(*) FROM {") + table + "}";
  const auto rows = store::query(session, {"count", service, sql}, {}, {Type::int64});
  return rows ? rows->front().int64(0) : -1;
}

/// How far a shard has read a topic; 0 where it has not begun.
std::int64_t next_of(const ShardRow& row, std::string_view topic) {
  const auto positions = worker::parse_positions(row.positions);
  if (!positions) return -1;
  const auto at = positions->find(topic);
  return at == positions->end() ? 0 : at->second.next;
}

/// Messages that must have been said, for ids are given without a gap, but are not in the log. Dead
/// letters are counted too when they were said, and carry no id of their own.
std::int64_t unsaid(const std::map<contracts::Sequence, Said>& said, std::int64_t last_seq) {
  std::map<std::int64_t, std::set<std::int32_t>> batches;
  for (const auto& [id, message] : said)
    batches[id.seq].insert(id.index);
  std::int64_t gaps = last_seq - static_cast<std::int64_t>(batches.size());
  for (const auto& [seq, indexes] : batches)
    gaps += *indexes.rbegin() + 1 - static_cast<std::int64_t>(indexes.size());
  return gaps;
}

}  // namespace

void judge_loop(Findings& out, const LogCopy& log, const LogCopy::Speech& speech,
                store::Session& session, const Simulated& service,
                const std::map<Place, std::string>& bad) {
  const std::string name(service.name);
  const auto found = log.dead(service.name, out);
  for (const auto& [place, reason] : bad) {
    const auto letter = found.find(place);
    const auto& [topic, partition, offset] = place;
    out.equal(letter == found.end() ? "(none)" : letter->second, reason,
              name + "'s dead letter of " + topic + '/' + std::to_string(partition) + '/' +
                  std::to_string(offset));
  }
  out.equal_number(static_cast<std::int64_t>(found.size()), static_cast<std::int64_t>(bad.size()),
                   name + "'s dead letters");
  out.equal_number(count_of(session, service.name, "outbox"), 0, name + "'s outbox");
  out.equal_number(count_of(session, service.name, "held"), 0, name + "'s held records");
  const auto rows = shard_rows(session, service.name);
  if (!rows) return out.blame(name + "'s shards cannot be read");
  out.equal_number(static_cast<std::int64_t>(rows->size()), kPartitions, name + "'s shards");
  for (const auto& [shard, row] : *rows) {
    const auto where = name + '/' + std::to_string(shard);
    std::int64_t letters = 0;
    for (const auto& [place, reason] : found)
      letters += std::get<1>(place) == shard ? 1 : 0;
    for (const auto& topic : service.spec.topics) {
      if (topic.kind == worker::TopicKind::state) continue;
      const auto& records = log.topic(topic.name).partition(shard);
      const auto end = records.empty() ? 0 : records.back().offset + 1;
      out.equal_number(next_of(row, topic.name), end, where + " has read " + topic.name + " up to");
    }
    const auto said = speech.find(where);
    static const std::map<contracts::Sequence, Said> kNothing;
    const auto& messages = said == speech.end() ? kNothing : said->second;
    if (!messages.empty() && messages.rbegin()->first.seq > row.seq)
      out.blame(where + " said more than its row knows of");
    if (const auto gaps = unsaid(messages, row.seq); gaps > letters)
      out.blame(where + ": " + std::to_string(gaps) + " messages never reached the log, with " +
                std::to_string(letters) + " dead letters");
    out.mix(row.positions + row.watermarks + std::to_string(row.epoch) + ' ' +
            std::to_string(row.seq));
  }
}

bool has_read_everything(stream::Stream& stream, store::Session& session,
                         const Simulated& service) {
  if (count_of(session, service.name, "outbox") != 0) return false;
  const auto rows = shard_rows(session, service.name);
  if (!rows || rows->size() != kPartitions) return false;
  const auto consumer = stream.consumer();
  if (!consumer) return false;
  for (const auto& topic : service.spec.topics) {
    if (topic.kind == worker::TopicKind::state) continue;
    std::vector<stream::TopicPartition> asked;
    for (std::int32_t p = 0; p < kPartitions; ++p)
      asked.push_back({topic.name, p});
    const auto extents = (*consumer)->extents(asked, std::chrono::seconds(1));
    if (!extents) return false;
    for (const auto& [shard, row] : *rows)
      if (next_of(row, topic.name) != (*extents)[static_cast<std::size_t>(shard)].end) return false;
  }
  return true;
}

}  // namespace dropline::simulation
