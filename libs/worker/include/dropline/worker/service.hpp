#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/base/time.hpp"
#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/errors.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/record.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::worker {

/// What a topic is to the service that reads it.
enum class TopicKind {
  commands,  ///< anyone may write: unknown types and unsigned orders of services are dead letters
  events,    ///< services write: types that this version does not know are passed over
  state,     ///< compacted: the last record of a key counts; a gap is no loss, and a copy that
             ///< comes late is no duplicate: it is what readers would be left with
};

/// A type of message that a service reads.
struct TypeUse {
  std::string_view name;
  bool is_signed = false;  ///< only services and operators may say it: it needs a good signature
};

struct TopicUse {
  std::string name;  ///< without the configured prefix
  TopicKind kind = TopicKind::events;
  std::vector<TypeUse> types;  ///< what apply() is given; others: see TopicKind
};

template <class T>
inline constexpr bool kIsSigned = requires {
  T::kSigned;
};

/// A topic as a service reads it: reads<PlaceOrder, OpenDrop>(TopicKind::commands).
template <contracts::Message First, contracts::Message... Rest>
[[nodiscard]] TopicUse reads(TopicKind kind) {
  static_assert(((First::kTopic == Rest::kTopic) && ...), "types of one topic");
  return {std::string(First::kTopic),
          kind,
          {{First::kType, kIsSigned<First>}, {Rest::kType, kIsSigned<Rest>}...}};
}

/// ServiceSpec::patience of services for which no shopper waits.
inline constexpr std::chrono::milliseconds kPatience{100};

struct ServiceSpec {
  std::string name;    ///< also its schema, its group and the first part of its ce_source
  std::string anchor;  ///< the topic whose partitions are divided among the group's members
  std::vector<TopicUse> topics;  ///< the anchor included
  /// How often tick() is called while there are shards that have caught up; absent: never.
  std::optional<std::chrono::milliseconds> tick;
  /// How long its records may be kept back until more have come together: fewer and larger
  /// transactions, and less work for a broker.
  std::chrono::milliseconds patience{0};
};

/// A record on its way into a service. Views live until apply() returns.
struct Incoming {
  stream::Record record;
  contracts::Envelope envelope;
  Shard shard{};
  bool redriven = false;  ///< an operator sent it again: it may be older than what was applied
};

/// A message on its way out. `key` decides the partition unless `partition` is given.
struct Emission {
  std::string_view topic;
  std::string_view key;
  std::string_view type;
  std::string_view subject;
  std::string_view correlation;          ///< the order, where there is one
  std::optional<std::string_view> body;  ///< absent: a tombstone on a state topic
  std::optional<std::int32_t> partition{};
  bool sign = false;  ///< with the services' key
};

/// One transaction of a service, as its handler sees it. Lives as long as the call it was handed
/// to; the same thread.
class Unit {
 public:
  virtual ~Unit() = default;

  /// The open transaction. Handlers write through it and neither commit nor roll back.
  [[nodiscard]] virtual store::Session& session() = 0;

  /// The database's clock, one reading a transaction.
  [[nodiscard]] virtual Timestamp now() const = 0;

  /// The offset behind the last record of that topic which this transaction takes into account.
  [[nodiscard]] virtual std::int64_t next_offset(Shard shard, std::string_view topic) const = 0;

  /// Sends a message with this transaction: it reaches the log if and only if the transaction
  /// commits, after everything emitted before it. `cause`, where there is one, gives causation,
  /// trace, and correlation where the emission names none.
  virtual void emit(Shard from, const Emission& emission, const Incoming* cause = nullptr) = 0;

  /// Sets a record aside on `<topic>.dead`, with a stable reason and a sentence for people. For
  /// records that will fail every time: bad content, wrong key.
  virtual void dead_letter(const Incoming& incoming, std::string_view reason,
                           std::string_view detail) = 0;
};

/// Says a message as its contract has it: topic, key, subject, signature, and on topics that are
/// placed by shard the shard's own partition.
template <contracts::Message T>
void emit(Unit& unit, Shard from, const T& message, std::string_view correlation = {},
          const Incoming* cause = nullptr) {
  const auto key = message.partition_key();
  const auto subject = message.subject();
  const auto body = contracts::encode(message);
  Emission emission;
  emission.topic = T::kTopic;
  emission.key = key;
  emission.type = T::kType;
  emission.subject = subject;
  emission.correlation = correlation;
  emission.body = body;
  emission.sign = kIsSigned<T>;
  if (contracts::find_topic(T::kTopic)->placement == contracts::Placement::by_shard)
    emission.partition = number(from);
  unit.emit(from, emission, cause);
}

/// Reads a record's message and holds its key against it: Errc::wrong_key where they do not fit.
template <contracts::Message T>
[[nodiscard]] Result<T> open(const Incoming& incoming) {
  auto message = contracts::decode<T>(incoming.envelope);
  if (message && incoming.record.key.value_or(std::string_view()) != message->partition_key())
    return contracts::error(contracts::Errc::wrong_key,
                            "the record's key must be " + message->partition_key());
  return message;
}

/// What a service does; the loop does the rest. One object a loop, called on the loop's thread
/// only.
///
/// apply() must be a function of its records and of the rows it loads: the same batch may come
/// again after a rollback, in other portions, and a record that was applied may come once more as a
/// duplicate of an ingress or an operator (those of services are recognised before).
///
/// A Status with a transient error rolls back and repeats the batch for as long as it takes. Any
/// other error, or an exception, makes the loop look for the record to blame and set it aside.
class Service {
 public:
  virtual ~Service() = default;

  [[nodiscard]] virtual const ServiceSpec& spec() const = 0;

  /// Records of one or more shards; those of one topic partition stand in log order.
  virtual Status apply(std::span<const Incoming> batch, Unit& unit) = 0;

  /// Asked of each record of a state topic as it is read, outside any transaction: whether apply()
  /// has anything to do with it. What is not heeded costs no transaction; its position is saved
  /// with the next one. A record may be read, and asked about, more than once. Must not throw.
  [[nodiscard]] virtual bool heeds(const Incoming& /*record*/) { return true; }

  /// Shards just claimed, before anything is read: a place to read rows kept in memory and to
  /// publish current state again. Everything known of them from an earlier claim is void.
  virtual Status claimed(std::span<const Shard> /*shards*/, Unit& /*unit*/) { return {}; }

  /// Work that falls due by time, for shards that have read to the ends they saw when claimed.
  virtual Status tick(std::span<const Shard> /*shards*/, Unit& /*unit*/) { return {}; }

  /// Whether the shard has work for tick() now, whatever spec().tick says: answers of calls, say.
  /// Asked often, outside any transaction; must be cheap.
  [[nodiscard]] virtual bool wants_tick(Shard /*shard*/) const { return false; }

  /// A record was set aside because apply() failed on it for no known reason. Where someone waits
  /// for its outcome, this is the place to give one.
  virtual Status reject(const Incoming& /*incoming*/, Unit& /*unit*/) { return {}; }

  /// The transaction that the last apply(), claimed() or tick() wrote in committed.
  virtual void committed() {}

  /// The transaction that the last apply(), claimed() or tick() wrote in did not commit: what was
  /// kept in memory since the last commit is void.
  virtual void rolled_back() {}
};

}  // namespace dropline::worker
