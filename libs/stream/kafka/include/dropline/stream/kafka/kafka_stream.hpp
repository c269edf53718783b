#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dropline/stream/stream.hpp"

namespace dropline::stream {

/// How librdkafka's own log lines leave it. `level` is syslog's: 3 error, 4 warning, 6 info, 7
/// debug. Called from librdkafka's threads, several at once: it must not block and must not throw.
using KafkaLog = std::function<void(int level, std::string_view text)>;

/// What a KafkaStream needs to know. A process that publishes in two ways (an ingress that answers
/// callers, a relay that must never give up) opens two streams.
struct KafkaOptions {
  /// "host:port,host:port": any brokers of the cluster; the others are found through them.
  std::string brokers = "127.0.0.1:9092";
  /// Shows in the broker's logs and metrics.
  std::string client_id = "dropline";

  /// How many partitions every topic must have. A producer refuses records to a topic that has
  /// another number, also when it changes later. Absent: any number will do.
  std::optional<std::int32_t> partitions = 16;

  // Producers
  /// A record not acknowledged for so long is given up: `failed` when it certainly was not written,
  /// else `unknown`. Zero: never given up, except by close().
  std::chrono::milliseconds message_timeout{0};
  /// A record that the broker refuses must not leave a gap before later ones of its partition: the
  /// producer dies instead (fatal_error()), and its owner builds another and goes on from the first
  /// record not acknowledged. False where records do not depend on each other (an ingress): one
  /// that is refused then costs no other. Records given up by message_timeout leave a gap either
  /// way, so who needs the order sets none.
  bool gapless = true;
  /// How long a record waits for company. Longer means larger batches and later acknowledgements.
  std::chrono::microseconds linger{500};
  /// Of each producer: taken and not yet reported. Beyond either, send() answers queue_full.
  std::size_t max_in_flight_records = 100'000;
  std::size_t max_in_flight_bytes = std::size_t{64} << 20U;

  // Consumers
  /// Fetched ahead by each consumer, over all its partitions; fetching pauses beyond either. What
  /// one answer of a broker brings (16 MiB at most, before decompression) may come on top.
  std::size_t max_fetched_records = 100'000;
  std::size_t max_fetched_bytes = std::size_t{32} << 20U;
  /// How long a broker holds a fetch for which it has nothing. Costs no latency: it answers as soon
  /// as a record comes. It bounds how long a partition just assigned may wait for its first fetch.
  std::chrono::milliseconds fetch_wait{100};
  /// What it gathers meanwhile before it answers.
  std::size_t fetch_bytes = 1;

  // Memberships
  /// A member silent for so long is taken for dead.
  std::chrono::milliseconds session_timeout{6'000};
  /// A member that does not poll for so long loses its share.
  std::chrono::milliseconds max_poll_interval{std::chrono::minutes(5)};

  // Admin
  /// Of topics made by ensure_topics(). Absent: what the broker is configured with.
  std::optional<std::int16_t> replication_factor;
  std::optional<std::int16_t> min_insync_replicas;

  /// Any property of librdkafka, applied last. A name may begin with "producer.", "consumer.",
  /// "membership." or "admin." to concern handles of that kind alone; without a prefix it concerns
  /// all. Topic-level properties need no prefix of their own.
  ///
  ///     {"security.protocol", "SASL_SSL"}, {"ssl.ca.location", "/etc/dropline/ca.pem"},
  ///     {"sasl.mechanism", "SCRAM-SHA-512"}, {"producer.compression.codec", "none"}
  ///
  /// Properties on which a promise of the ports rests (acks, idempotence, partitioner, offsets, …)
  /// are refused with the reason.
  std::map<std::string, std::string> properties;

  /// Null: librdkafka's log lines are dropped; what is wrong still shows in health() and errors.
  KafkaLog log;
};

/// A log kept by Apache Kafka, reached through librdkafka.
///
/// What it hands out owns its own connections and threads and needs the stream no longer; a Batch
/// may outlive the consumer it came from. Objects that meet a broker that is gone end within the
/// bounds their ports state: what librdkafka does not finish in time goes on in a thread of its
/// own, with everything it still needs.
///
/// Threads: any.
class KafkaStream final : public Stream {
 public:
  /// Checks the options; connects to nothing. Errc::bad_config names the option or property, and
  /// says what is wrong with it.
  [[nodiscard]] static Result<std::unique_ptr<KafkaStream>> open(KafkaOptions options);
  ~KafkaStream() override;
  KafkaStream(const KafkaStream&) = delete;
  KafkaStream& operator=(const KafkaStream&) = delete;

  /// Does not wait for a broker. Topics are looked up as records for them come: a record to a topic
  /// that does not exist is refused or reported `failed` with Errc::unknown_topic, one to a topic
  /// with another number of partitions with Errc::wrong_partition_count.
  [[nodiscard]] Result<std::unique_ptr<Producer>> producer(DeliveryHandler on_delivery) override;
  /// Does not wait for a broker. extents() ends with the limit given to it.
  [[nodiscard]] Result<std::unique_ptr<Consumer>> consumer() override;
  /// A broker answers its fetches with some 64 KiB, or with what there is after `patience`.
  [[nodiscard]] Result<std::unique_ptr<Consumer>> patient_consumer(
      std::chrono::milliseconds patience) override;
  /// Does not wait for a broker: the first change comes out of poll().
  [[nodiscard]] Result<std::unique_ptr<Membership>> join(const std::string& group,
                                                         const std::string& anchor_topic,
                                                         const std::string& member) override;
  /// Does not wait for a broker; each call on it does, up to `limit`, and then answers
  /// Errc::unreachable with the addresses tried.
  [[nodiscard]] Result<std::unique_ptr<Admin>> admin(std::chrono::milliseconds limit) override;

 private:
  explicit KafkaStream(KafkaOptions options);
  const KafkaOptions options_;
};

}  // namespace dropline::stream
