#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/contracts/topics.hpp"

namespace dropline::contracts {

template <class T>
concept Signed = Message<T> && T::kSigned;

/// A message made, before it has an id: what a handler hands to whoever publishes (the worker's
/// loop, an ingress), who adds source, id and time. Owns its texts but the two views, which are
/// constants.
struct Outgoing {
  std::string_view topic;  ///< logical name
  std::string_view type;
  std::string key;
  std::string subject;
  std::string correlation;  ///< the order, where the message is of one
  std::string causation;
  std::string traceparent;
  std::optional<std::int32_t> partition;  ///< absent: chosen from the key; see Topic::placement
  std::optional<std::string> body;        ///< absent: a tombstone for the key
  bool is_signed = false;                 ///< the publisher must sign it

  /// The envelope's attributes, as views of this and of what is given.
  [[nodiscard]] Attributes attributes(std::string_view source, std::string_view id,
                                      Timestamp time) const noexcept;
};

/// "<source>#<id>": what `ce_causationid` and timelines call a message.
[[nodiscard]] std::string message_name(std::string_view source, std::string_view id);

/// Says that the message answers `cause`: its causation, its trace, and its order where the message
/// names none itself.
void answer(Outgoing& message, const Envelope& cause);

/// Encodes a message.
template <Message T>
[[nodiscard]] Outgoing outgoing(const T& message) {
  Outgoing out;
  out.topic = T::kTopic;
  out.type = T::kType;
  out.key = message.partition_key();
  out.subject = message.subject();
  if constexpr (requires {
                  { message.order_id } -> std::convertible_to<OrderId>;
                })
    out.correlation = message.order_id.text();
  out.body = encode(message);
  out.is_signed = Signed<T>;
  return out;
}

/// Removes a key from a compacted topic.
[[nodiscard]] Outgoing tombstone(std::string_view topic, std::string key);

/// Where a record was read, as far as its acceptance depends on it.
struct Arrival {
  std::string_view key;
  std::int32_t partition = 0;
  std::int32_t partitions = 0;
};

/// The checks that a record of a known type has to pass beyond its envelope, type left out.
[[nodiscard]] Status check_arrival(const Envelope& envelope, const Arrival& arrival,
                                   std::string_view topic, bool needs_signature,
                                   const CommandKeys& keys);
[[nodiscard]] Status check_message_key(std::string_view expected, std::string_view key);

/// The one way in: signature where T needs one (Errc::forbidden), decoding, and whether key and
/// partition fit (Errc::wrong_key). What it refuses is a dead letter, its reason the code's
/// message.
template <Message T>
[[nodiscard]] Result<T> accept(const Envelope& envelope, const Arrival& arrival,
                               const CommandKeys& keys) {
  if (auto status = check_arrival(envelope, arrival, T::kTopic, Signed<T>, keys); !status)
    return std::move(status).error();
  auto message = decode<T>(envelope);
  if (!message) return message;
  if (auto status = check_message_key(message->partition_key(), arrival.key); !status)
    return std::move(status).error();
  return message;
}

}  // namespace dropline::contracts
