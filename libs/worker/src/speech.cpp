#include "speech.hpp"

#include <array>
#include <charconv>

#include "dropline/contracts/envelope.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/telemetry/trace.hpp"

namespace dropline::worker {
namespace {

/// Headers of a dead letter, beside those the record came with.
constexpr std::string_view kReason = "dropline-reason";
constexpr std::string_view kDetail = "dropline-detail";
constexpr std::string_view kService = "dropline-service";
constexpr std::string_view kTopic = "dropline-topic";
constexpr std::string_view kPartition = "dropline-partition";
constexpr std::string_view kOffset = "dropline-offset";
constexpr std::size_t kOwnHeaders = 6;
constexpr std::size_t kMaxDetail = 1'000;

}  // namespace

/// What the message carries on: where traces are kept, the step that made it, from the
/// transaction's begin until now; its commit follows.
std::string Speech::next_trace(std::string_view type, const Incoming& cause) const {
  const auto context = telemetry::TraceContext::parse(cause.envelope.traceparent);
  if (!context) return {};
  if (!parts_.tracer || !context->sampled) return context->child(parts_.random).text();
  const auto& record = cause.record;
  return parts_.tracer
      ->record(
          parts_.service + ": " + std::string(cause.envelope.type) + " -> " + std::string(type),
          *context, now_, parts_.clock.steady() - began_,
          {{"topic", record.topic}, {"partition", record.partition}, {"offset", record.offset}})
      .text();
}

void Speech::begin(Timestamp now) {
  now_ = now;
  began_ = parts_.clock.steady();
  last_seq_.clear();
  buffers_.clear();
}

void Speech::say(Shard from, const Emission& emission, const Incoming* cause) {
  auto& buffer = buffers_[from];
  const contracts::Sequence id{last_seq_[from] + 1, buffer.count};
  const auto id_text = id.text();
  const auto source = parts_.service + '/' + std::to_string(number(from));
  const auto topic = parts_.prefix + std::string(emission.topic);
  std::string causation;
  std::string trace;
  contracts::Attributes attributes;
  attributes.id = id_text;
  attributes.source = source;
  attributes.type = emission.type;
  attributes.subject = emission.subject;
  attributes.correlation = emission.correlation;
  attributes.time = now_;
  if (cause) {
    causation.append(cause->envelope.source).append("#").append(cause->envelope.id);
    if (causation.size() <= contracts::kMaxAttributeBytes) attributes.causation = causation;
    trace = next_trace(emission.type, *cause);
    attributes.traceparent = trace;
    if (attributes.correlation.empty()) attributes.correlation = cause->envelope.correlation;
  }
  std::string signature;
  if (emission.sign) {
    signature =
        parts_.keys.sign(attributes, emission.key, emission.body.value_or(std::string_view()));
    attributes.signature = signature;
  }
  const contracts::EnvelopeHeaders headers(attributes);
  frame(buffer.frames, {topic, emission.key, emission.body, headers.list(), emission.partition});
  ++buffer.count;
}

void Speech::bury(const Incoming& incoming, std::string_view reason, std::string_view detail) {
  const auto& record = incoming.record;
  auto& buffer = buffers_[incoming.shard];
  const auto topic = std::string(record.topic) + ".dead";
  const auto partition = std::to_string(record.partition);
  const auto offset = std::to_string(record.offset);
  std::vector<stream::Header> headers;
  headers.reserve(kOwnHeaders + record.headers.size());
  headers.push_back({kReason, reason});
  headers.push_back({kDetail, detail.substr(0, kMaxDetail)});
  headers.push_back({kService, parts_.service});
  headers.push_back({kTopic, record.topic});
  headers.push_back({kPartition, partition});
  headers.push_back({kOffset, offset});
  for (const auto& header : record.headers)
    if (headers.size() < stream::kMaxHeaders) headers.push_back(header);
  // The same partition, so that an operator finds it where its order lies.
  frame(buffer.frames,
        {topic, record.key.value_or(std::string_view()), record.value, headers, record.partition});
  ++buffer.count;
}

Speech::Mark Speech::mark() const {
  Mark mark;
  for (const auto& [shard, buffer] : buffers_)
    mark[shard] = {buffer.frames.size(), buffer.count};
  return mark;
}

void Speech::back_to(const Mark& mark) {
  for (auto& [shard, buffer] : buffers_) {
    const auto found = mark.find(shard);
    if (found == mark.end()) {
      buffer = {};
    } else {
      buffer.frames.resize(found->second.first);
      buffer.count = found->second.second;
    }
  }
}

std::vector<Outlet::Parcel> Speech::parcels() const {
  std::vector<Outlet::Parcel> parcels;
  for (const auto& [shard, buffer] : buffers_)
    if (buffer.count > 0) parcels.push_back({shard, last_seq_.at(shard) + 1, buffer.frames});
  return parcels;
}

std::size_t Speech::messages() const {
  std::size_t count = 0;
  for (const auto& [shard, buffer] : buffers_)
    count += static_cast<std::size_t>(buffer.count);
  return count;
}

}  // namespace dropline::worker
