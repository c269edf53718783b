#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"
#include "dropline/stream/producer.hpp"
#include "in_flight.hpp"

namespace dropline::stream::kafka {

/// What the partitioner needs to know of a topic; reached through librdkafka's topic handle.
struct ProducerTopic {
  std::string name;
  std::optional<std::int32_t> expected;  ///< partitions, as configured
  std::atomic<std::int32_t> found{0};    ///< partitions, as the cluster says; 0: not yet known
  rd_kafka_topic_t* handle = nullptr;

  [[nodiscard]] bool fits() const noexcept {
    const auto count = found.load(std::memory_order_relaxed);
    return !expected || count == 0 || count == *expected;
  }
};

/// The producing side of KafkaStream. One thread of its own takes librdkafka's delivery reports, a
/// batch an event, and passes them on.
class KafkaProducer final : public Producer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Producer>> open(const KafkaOptions& options,
                                                              DeliveryHandler on_delivery);
  ~KafkaProducer() override;

  Status send(const Draft& draft, std::uint64_t token) override;
  bool flush(std::chrono::milliseconds limit) override;
  void close(std::chrono::milliseconds limit) override;
  [[nodiscard]] std::optional<Error> fatal_error() const override;

 private:
  /// All that librdkafka's callbacks may still touch while the handle ends by itself.
  struct State {
    State(std::size_t max_records, std::size_t max_bytes) : in_flight(max_records, max_bytes) {}
    InFlight in_flight;
    std::shared_mutex mutex;
    std::map<std::string, ProducerTopic, std::less<>> topics;
  };

  KafkaProducer(std::optional<std::int32_t> partitions, std::shared_ptr<State> state,
                std::shared_ptr<Client> client, DeliveryHandler on_delivery);

  [[nodiscard]] Result<ProducerTopic*> topic(std::string_view name);
  [[nodiscard]] Status produce(const Draft& draft, ProducerTopic& topic, Slot* slot);
  [[nodiscard]] Error refused(rd_kafka_resp_err_t code, const ProducerTopic& topic);

  void serve();
  void report(rd_kafka_event_t* event);
  void report_remaining();
  /// Keeps librdkafka's fatal error, where there is one, for fatal_error().
  std::optional<Error> note_fatal();

  const std::optional<std::int32_t> partitions_;
  const std::shared_ptr<State> state_;
  std::shared_ptr<Client> client_;
  Queue queue_;
  const DeliveryHandler on_delivery_;

  std::atomic<int> sending_{0};
  std::atomic<bool> closed_{false};
  std::atomic<bool> stopping_{false};
  mutable std::mutex fatal_mutex_;
  std::optional<Error> fatal_;
  std::vector<Delivery> deliveries_;  ///< of the serving thread, reused
  std::vector<Slot*> slots_;          ///< likewise
  std::thread thread_;
};

}  // namespace dropline::stream::kafka
