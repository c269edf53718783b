#include "log_copy.hpp"

#include <charconv>

#include "dropline/contracts/topics.hpp"
#include "services.hpp"
#include "stage.hpp"

namespace dropline::simulation {

using namespace contracts;  // NOLINT: messages are all this file is about

namespace {

/// Polls that bring nothing before a topic counts as read.
constexpr int kQuietPolls = 2;

std::int64_t number(std::string_view text) {
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

TopicCopy::TopicCopy(stream::Stream& stream, std::string_view topic) : partitions_(kPartitions) {
  auto consumer = stream.consumer().value();
  std::vector<stream::Position> from;
  for (std::int32_t p = 0; p < kPartitions; ++p)
    from.push_back({{std::string(topic), p}, stream::Position::kStart});
  consumer->assign(from).value();
  for (int quiet = 0; quiet < kQuietPolls;) {
    auto batch = consumer->poll(5'000, std::chrono::milliseconds(0)).value();
    quiet = batch.records().empty() ? quiet + 1 : 0;
    for (const auto& record : batch.records())
      partitions_[static_cast<std::size_t>(record.partition)].push_back(record);
    owners_.push_back(std::move(batch));
  }
  for (const auto& records : partitions_) {
    auto& envelopes = envelopes_.emplace_back();
    for (const auto& record : records) {
      auto envelope = parse_envelope(record);
      envelopes.push_back(envelope ? std::optional(std::move(*envelope)) : std::nullopt);
    }
  }
}

LogCopy::LogCopy(stream::Stream& stream) {
  for (const auto& spec : topic_specs(kPartitions, ""))
    topics_.try_emplace(spec.name, stream, spec.name);
}

const TopicCopy& LogCopy::topic(std::string_view name) const {
  return topics_.find(name)->second;
}

std::vector<const stream::Record*> LogCopy::in_order(std::string_view name) const {
  std::vector<const stream::Record*> out;
  for (std::int32_t p = 0; p < kPartitions; ++p)
    for (const auto& record : topic(name).partition(p))
      out.push_back(&record);
  return out;
}

std::map<Place, std::string> LogCopy::dead(std::string_view service, Findings& out) const {
  std::map<Place, std::string> found;
  for (const auto& topic : all_topics())
    for_all(dead_topic_name("", topic.name), [&](const stream::Record& record) {
      if (record.header("dropline-service").value_or("") != service) return;
      const auto from = number(record.header("dropline-partition").value_or(""));
      if (from != record.partition) out.blame("a dead letter lies in another partition");
      found[{std::string(record.header("dropline-topic").value_or("")),
             static_cast<std::int32_t>(from),
             number(record.header("dropline-offset").value_or(""))}] =
          record.header("dropline-reason").value_or("");
    });
  return found;
}

LogCopy::Speech LogCopy::speech(Findings& out) const {
  Speech speech;
  for (const auto& topic : all_topics()) {
    std::map<std::pair<std::string, std::int32_t>, Sequence> last;
    for_all_read(topic.name, [&](const stream::Record& record, const Envelope* envelope) {
      if (!envelope || !envelope->shard() || !envelope->sequence()) return;
      const auto id = *envelope->sequence();
      const std::string source(envelope->source);
      Said said{std::string(topic.name), std::string(envelope->type), std::string(envelope->body),
                record.partition, record.offset};
      const auto [copy, fresh] = speech[source].try_emplace(id, said);
      if (!fresh) {
        if (copy->second.body != said.body || copy->second.partition != said.partition)
          out.blame("two messages of " + source + " have the id " + id.text());
        return;
      }
      const auto [before, first] = last.try_emplace({source, record.partition}, id);
      if (!first && id <= before->second)
        out.blame("first copy of " + source + ' ' + id.text() + " in " + said.topic +
                  " comes after " + before->second.text());
      before->second = std::max(before->second, id);
      if (!check_partition(topic, record.key.value_or(""), record.partition, kPartitions))
        out.blame("a message of type " + said.type + " lies where its key does not belong");
    });
  }
  return speech;
}

void LogCopy::mix(Findings& out) const {
  for (const auto& [name, topic] : topics_)
    for (const auto* record : in_order(name)) {
      out.mix(name + ' ' + std::to_string(record->partition) + ' ' +
              std::to_string(record->offset) + ' ' + std::to_string(unix_us(record->append_time)));
      out.mix(record->key.value_or("(null)"));
      out.mix(record->value.value_or("(null)"));
      for (const auto& header : record->headers) {
        out.mix(header.name);
        out.mix(header.value.value_or("(null)"));
      }
    }
}

}  // namespace dropline::simulation
