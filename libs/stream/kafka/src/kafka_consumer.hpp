#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client.hpp"
#include "dropline/stream/consumer.hpp"

namespace dropline::stream::kafka {

/// The reading side of KafkaStream: librdkafka's simple consumer, which fetches the partitions it
/// is told to and has no group, with all partitions forwarded to one queue.
class KafkaConsumer final : public Consumer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Consumer>> open(const KafkaOptions& options);
  ~KafkaConsumer() override;

  Status assign(std::span<const Position> positions) override;
  Status unassign(std::span<const TopicPartition> partitions) override;
  Result<Batch> poll(std::size_t max, std::chrono::milliseconds wait) override;
  void wake() override;
  Result<std::vector<Extent>> extents(std::span<const TopicPartition> partitions,
                                      std::chrono::milliseconds limit) override;
  [[nodiscard]] std::string health() const override;

 private:
  struct Partition {
    /// What comes next, or Position::kStart while that is not known.
    std::int64_t next = Position::kStart;
    bool fetching = false;
  };
  struct Topic {
    std::string name;
    rd_kafka_topic_t* handle = nullptr;
    std::string_view lasting_name;  ///< librdkafka's copy: what a Batch shows when we are gone
    std::map<std::int32_t, Partition> partitions;
  };
  /// Whose the message before was: they come in runs of one partition.
  struct Cursor {
    const rd_kafka_topic_t* handle = nullptr;
    std::int32_t number = -1;
    Topic* topic = nullptr;
    Partition* partition = nullptr;
  };
  class Fetched;

  KafkaConsumer(std::shared_ptr<Client> client, std::size_t max_records, std::size_t max_bytes);

  [[nodiscard]] Result<Topic*> topic(const std::string& name);
  [[nodiscard]] Result<std::vector<Position>> resolve_ends(std::span<const Position> positions);
  [[nodiscard]] Status start(Topic& topic, std::int32_t number, std::int64_t offset);
  void stop(Topic& topic, std::int32_t number, Partition& partition);
  [[nodiscard]] Result<std::vector<std::int64_t>> ask(std::span<const TopicPartition> partitions,
                                                      std::int64_t which,
                                                      std::chrono::milliseconds limit);

  void take(rd_kafka_message_t* message, Cursor& cursor, Fetched& fetched);
  void take_missing(Fetched& fetched);
  void take_error(const rd_kafka_message_t& message, Topic& topic, Partition& partition,
                  Fetched& fetched);
  void nudge();

  const std::shared_ptr<Client> client_;
  const Queue queue_;
  const std::size_t max_records_;
  const std::size_t max_bytes_;
  std::map<std::string, Topic, std::less<>> topics_;
  std::vector<PartitionError> missing_;  ///< told by error events while polling
  std::atomic<bool> woken_{false};
  std::size_t read_records_ = 0;  ///< since the last nudge
  std::size_t read_bytes_ = 0;    ///< likewise
};

}  // namespace dropline::stream::kafka
