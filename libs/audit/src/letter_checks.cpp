#include "letter_checks.hpp"

#include <algorithm>
#include <charconv>

namespace dropline::audit {
namespace {

std::int64_t number_of(const stream::Record& record, std::string_view header) {
  const auto text = record.header(header).value_or("");
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string text_of(const std::tuple<std::string, std::int32_t, std::int64_t>& place) {
  return std::get<0>(place) + '/' + std::to_string(std::get<1>(place)) + '@' +
         std::to_string(std::get<2>(place));
}

}  // namespace

void LetterChecks::announce(Outcomes& out) {
  out.announce("dead_letter", "a dead letter names a record, and has one reason", Reach::always);
  out.announce("dead_letter_missing", "what cannot be read has a dead letter", Reach::at_rest);
}

void LetterChecks::unreadable(const stream::Record& record, std::string_view topic) {
  if (!record.value) return;  // A tombstone.
  if (unreadable_.size() < kMaxFindings)
    unreadable_.emplace(Place{std::string(topic), record.partition, record.offset},
                        record.key.value_or(""));
}

void LetterChecks::topic_end(std::string_view topic, const std::vector<stream::Extent>& extents) {
  extents_.emplace(topic, extents);
}

void LetterChecks::take(const stream::Record& record, std::string_view topic) {
  const std::string service(record.header("dropline-service").value_or(""));
  const std::string reason(record.header("dropline-reason").value_or(""));
  const Place at{std::string(topic),
                 static_cast<std::int32_t>(number_of(record, "dropline-partition")),
                 number_of(record, "dropline-offset")};
  const auto where = std::string(record.topic) + '/' + std::to_string(record.partition) + '@' +
                     std::to_string(record.offset);
  const auto known = extents_.find(topic);
  const auto partition = std::get<1>(at);
  const bool there = known != extents_.end() && partition >= 0 &&
                     static_cast<std::size_t>(partition) < known->second.size();
  if (!there || std::get<2>(at) < 0 || reason.empty() || service.empty())
    out_.add("dead_letter", where, "names no record (" + text_of(at) + ") or no reason");
  else if (partition != record.partition)
    out_.add("dead_letter", where, "is of " + text_of(at) + ", another partition");
  const auto [first, fresh] = letters_.emplace(std::pair(service, at), reason);
  if (!fresh && first->second != reason)
    out_.add("dead_letter", where,
             text_of(at) + " was set aside for " + first->second + " and for " + reason);
}

bool LetterChecks::has_letter(std::string_view service, std::string_view topic,
                              std::int32_t partition, std::int64_t offset) const {
  return letters_.contains({std::string(service), {std::string(topic), partition, offset}});
}

std::int64_t LetterChecks::letters(const std::string& service, std::int32_t shard) const {
  return std::ranges::count_if(letters_, [&](const auto& letter) {
    return letter.first.first == service && std::get<1>(letter.first.second) == shard;
  });
}

void LetterChecks::finish(const Shards& shards) {
  for (const auto& [place, key] : unreadable_)
    for (const auto& service : services()) {
      const auto& [topic, partition, offset] = place;
      const auto reads = std::ranges::find(service.topics, topic, &worker::TopicUse::name);
      if (reads == service.topics.end() || letters_.contains({service.name, place})) continue;
      const auto shard = shards.find({service.name, partition});
      if (shard == shards.end()) continue;
      const auto positions = worker::parse_positions(shard->second.positions);
      const auto next = positions ? positions->find(topic) : worker::Positions::const_iterator();
      if (positions && next != positions->end() && next->second.next > offset)
        out_.add("dead_letter_missing", text_of(place),
                 service.name + " has read it, it is no message, and it has no dead letter");
    }
}

}  // namespace dropline::audit
