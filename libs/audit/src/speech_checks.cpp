#include "speech_checks.hpp"

#include <algorithm>
#include <functional>

#include "dropline/worker/shard.hpp"

namespace dropline::audit {
namespace {

std::uint64_t print_of(const stream::Record& record, const contracts::Envelope& envelope) {
  return std::hash<std::string_view>{}(envelope.body) * 31 +
         std::hash<std::string_view>{}(envelope.type) * 7 +
         std::hash<std::string_view>{}(record.key.value_or(""));
}

/// Which services take messages of that type from that topic.
std::uint32_t readers_of(std::string_view topic, std::string_view type) {
  std::uint32_t readers = 0;
  for (std::size_t i = 0; i < services().size(); ++i)
    for (const auto& use : services()[i].topics)
      if (use.name == topic &&
          std::ranges::find(use.types, type, &worker::TypeUse::name) != use.types.end())
        readers |= 1U << i;
  return readers;
}

}  // namespace

void SpeechChecks::announce(Outcomes& out) {
  out.announce("message_copy", "messages of one source and id are copies of each other",
               Reach::always);
  out.announce("message_order", "first copies of a source's messages stand in order",
               Reach::always);
  out.announce("message_place", "messages lie where their keys belong", Reach::always);
  out.announce("worker_position", "positions lie within the log", Reach::always);
  out.announce("worker_watermark", "watermarks are the last messages before the positions",
               Reach::always);
}

void SpeechChecks::parse_rows() {
  for (const auto& [key, row] : shards_) {
    const auto where = key.first + ".shards shard=" + std::to_string(key.second);
    if (auto positions = worker::parse_positions(row.positions)) {
      positions_.emplace(key, std::move(*positions));
    } else {
      out_.add("worker_position", where, positions.error().detail);
    }
    if (auto marks = worker::parse_watermarks(row.watermarks)) {
      watermarks_.emplace(key, std::move(*marks));
    } else {
      out_.add("worker_watermark", where, marks.error().detail);
    }
  }
}

void SpeechChecks::begin(const contracts::Topic& topic) {
  topic_ = &topic;
  copies_.clear();
  marks_.clear();
  for (const auto& [key, positions] : positions_)
    if (const auto at = positions.find(topic.name); at != positions.end())
      marks_[key.second].push_back({at->second.next, at->second.fingerprint, key.first});
}

void SpeechChecks::look(const stream::Record& record) {
  const auto marks = marks_.find(record.partition);
  if (marks == marks_.end()) return;
  for (const auto& mark : marks->second)
    if (mark.next == record.offset + 1 && mark.fingerprint != worker::fingerprint_of(record))
      out_.add("worker_position",
               mark.service + ".shards shard=" + std::to_string(record.partition),
               "has read " + std::string(topic_->name) + " up to " + std::to_string(mark.next) +
                   ", but the record before it is not the one that was read");
}

std::string SpeechChecks::place(std::int32_t partition, std::int64_t offset) const {
  return std::string(topic_->name) + '/' + std::to_string(partition) + '@' + std::to_string(offset);
}

/// On command topics anyone may claim a source.
bool SpeechChecks::credible(const stream::Record& record,
                            const contracts::Envelope& envelope) const {
  const auto service = envelope.shard()->service;
  if (std::ranges::find(services(), service, &worker::ServiceSpec::name) == services().end())
    return false;
  return !topic_->name.ends_with(".commands") ||
         (keys_ && keys_->verify(envelope, record.key.value_or("")).has_value());
}

void SpeechChecks::take(const stream::Record& record, const contracts::Envelope& envelope) {
  const auto shard = envelope.shard();
  const auto id = envelope.sequence();
  if (!shard || !id) return;
  if (!credible(record, envelope)) return;
  auto& heard = heard_[{std::string(shard->service), shard->shard}];
  heard = std::max(heard, id->seq);
  const auto where = place(record.partition, record.offset);
  if (!contracts::check_partition(*topic_, record.key.value_or(""), record.partition, partitions_))
    out_.add("message_place", where,
             std::string(envelope.type) + " of " + std::string(envelope.source) + " with key " +
                 std::string(record.key.value_or("")));
  auto& sources = copies_[record.partition];
  auto found = sources.find(envelope.source);
  if (found == sources.end()) found = sources.emplace(envelope.source, std::vector<Copy>()).first;
  auto& copies = found->second;
  const auto print = print_of(record, envelope);
  if (copies.empty() || copies.back().id < *id) {
    copies.push_back({*id, record.offset, print, readers_of(topic_->name, envelope.type)});
    return;
  }
  const auto first = std::ranges::lower_bound(copies, *id, {}, &Copy::id);
  const auto name = std::string(envelope.source) + '#' + id->text();
  if (first == copies.end() || first->id != *id)
    out_.add("message_order", where,
             "first copy of " + name + " comes after " + copies.back().id.text() + " at offset " +
                 std::to_string(copies.back().offset));
  else if (first->print != print)
    out_.add("message_copy", where,
             name + " says something else than at offset " + std::to_string(first->offset));
}

void SpeechChecks::end(const std::vector<stream::Extent>& extents) {
  for (std::size_t i = 0; i < services().size(); ++i)
    for (const auto& use : services()[i].topics) {
      if (use.name != topic_->name) continue;
      for (std::int32_t p = 0; p < partitions_; ++p)
        check_reader(i, use, p, extents[static_cast<std::size_t>(p)]);
    }
  copies_.clear();
}

void SpeechChecks::check_reader(std::size_t service, const worker::TopicUse& use,
                                std::int32_t partition, const stream::Extent& extent) {
  const auto found = shards_.find({services()[service].name, partition});
  if (found == shards_.end()) return;
  const auto where = services()[service].name + ".shards shard=" + std::to_string(partition);
  const auto marks = watermarks_.find(found->first);
  if (marks != watermarks_.end() && extent.start == 0 &&
      (use.kind != worker::TopicKind::commands || keys_))
    check_strangers(service, partition, marks->second);
  const auto positions = positions_.find(found->first);
  if (positions == positions_.end()) return;
  const auto at = positions->second.find(topic_->name);
  if (at == positions->second.end()) return;
  const auto next = at->second.next;
  if (next == 0 && at->second.fingerprint != 0)
    out_.add("worker_position", where,
             "stands at the start of " + std::string(topic_->name) + ", but has read a record");
  if (next > extent.end || (next < extent.start && next != 0))
    out_.add("worker_position", where,
             "has read " + std::string(topic_->name) + " up to " + std::to_string(next) +
                 ", which holds " + std::to_string(extent.start) + " to " +
                 std::to_string(extent.end));
  if (use.kind == worker::TopicKind::events || (use.kind == worker::TopicKind::commands && keys_))
    check_watermarks(service, partition, next);
}

void SpeechChecks::check_strangers(std::size_t service, std::int32_t partition,
                                   const worker::Watermarks& marks) {
  const auto prefix = std::string(topic_->name) + ' ';
  for (const auto& [key, said] : marks) {
    if (!key.starts_with(prefix)) continue;
    const auto source = key.substr(prefix.size());
    if (copies_[partition].contains(source)) continue;
    // What services that are not audited say is not kept.
    const auto speaker = source.substr(0, source.find('/'));
    if (std::ranges::find(services(), speaker, &worker::ServiceSpec::name) == services().end())
      continue;
    out_.add("worker_watermark",
             services()[service].name + ".shards shard=" + std::to_string(partition),
             "knows " + source + ", which never spoke in " + std::string(topic_->name) + '/' +
                 std::to_string(partition));
  }
}

void SpeechChecks::check_watermarks(std::size_t service, std::int32_t partition,
                                    std::int64_t next) {
  const auto where = services()[service].name + ".shards shard=" + std::to_string(partition);
  const auto found = watermarks_.find({services()[service].name, partition});
  if (found == watermarks_.end()) return;
  const auto* marks = &found->second;
  for (const auto& [source, copies] : copies_[partition]) {
    auto before = std::ranges::lower_bound(copies, next, {}, &Copy::offset);
    while (before != copies.begin() && ((before - 1)->readers >> service & 1U) == 0)
      --before;
    const auto mark = marks->find(std::string(topic_->name) + ' ' + source);
    const auto told = mark == marks->end()
                          ? std::string("(none)")
                          : contracts::Sequence{mark->second.seq, mark->second.index}.text();
    const auto last = before == copies.begin() ? std::string("(none)") : (before - 1)->id.text();
    if (told != last)
      out_.add("worker_watermark", where,
               "knows " + source + " of " + std::string(topic_->name) + " up to " + told +
                   ", the log before its position " + std::to_string(next) + " up to " + last);
  }
}

}  // namespace dropline::audit
