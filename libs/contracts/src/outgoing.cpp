#include "dropline/contracts/outgoing.hpp"

#include "dropline/base/ensure.hpp"

namespace dropline::contracts {

Attributes Outgoing::attributes(std::string_view source, std::string_view id,
                                Timestamp time) const noexcept {
  return {.id = id,
          .source = source,
          .type = type,
          .subject = subject,
          .correlation = correlation,
          .causation = causation,
          .traceparent = traceparent,
          .signature = {},
          .time = time};
}

std::string message_name(std::string_view source, std::string_view id) {
  std::string name;
  name.reserve(source.size() + 1 + id.size());
  return name.append(source).append(1, '#').append(id);
}

void answer(Outgoing& message, const Envelope& cause) {
  message.causation = message_name(cause.source, cause.id);
  // Both parts may be as long as an attribute may be; together they must fit in one.
  if (message.causation.size() > kMaxAttributeBytes) message.causation.assign(cause.id);
  message.traceparent = cause.traceparent;
  if (message.correlation.empty()) message.correlation = cause.correlation;
}

Outgoing tombstone(std::string_view topic, std::string key) {
  const auto* known = find_topic(topic);
  ensure(known != nullptr, "a tombstone is for a topic of ours");
  Outgoing out;
  out.topic = known->name;
  out.key = std::move(key);
  return out;
}

Status check_arrival(const Envelope& envelope, const Arrival& arrival, std::string_view topic,
                     bool needs_signature, const CommandKeys& keys) {
  const auto* known = find_topic(topic);
  ensure(known != nullptr, "a message's topic is one of ours");
  if (auto status = check_partition(*known, arrival.key, arrival.partition, arrival.partitions);
      !status)
    return status;
  return needs_signature ? keys.verify(envelope, arrival.key) : Status();
}

Status check_message_key(std::string_view expected, std::string_view key) {
  if (expected == key) return {};
  return error(Errc::wrong_key, "the record's key is '" + std::string(key) +
                                    "', its content asks for '" + std::string(expected) + "'");
}

}  // namespace dropline::contracts
