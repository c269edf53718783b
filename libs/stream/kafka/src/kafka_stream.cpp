#include "dropline/stream/kafka/kafka_stream.hpp"

#include "kafka_admin.hpp"
#include "kafka_consumer.hpp"
#include "kafka_membership.hpp"
#include "kafka_producer.hpp"
#include "properties.hpp"

namespace dropline::stream {
namespace {
constexpr std::size_t kPatientBytes = std::size_t{64} << 10U;
}  // namespace

Result<std::unique_ptr<KafkaStream>> KafkaStream::open(KafkaOptions options) {
  if (auto status = kafka::validate(options); !status) return status.error();
  return std::unique_ptr<KafkaStream>(new KafkaStream(std::move(options)));
}

KafkaStream::KafkaStream(KafkaOptions options) : options_(std::move(options)) {}

KafkaStream::~KafkaStream() = default;

Result<std::unique_ptr<Producer>> KafkaStream::producer(DeliveryHandler on_delivery) {
  return kafka::KafkaProducer::open(options_, std::move(on_delivery));
}

Result<std::unique_ptr<Consumer>> KafkaStream::consumer() {
  return kafka::KafkaConsumer::open(options_);
}

Result<std::unique_ptr<Consumer>> KafkaStream::patient_consumer(
    std::chrono::milliseconds patience) {
  auto options = options_;
  options.fetch_wait = patience;
  options.fetch_bytes = kPatientBytes;
  if (auto status = kafka::validate(options); !status) return status.error();
  return kafka::KafkaConsumer::open(options);
}

Result<std::unique_ptr<Membership>> KafkaStream::join(const std::string& group,
                                                      const std::string& anchor_topic,
                                                      const std::string& member) {
  return kafka::KafkaMembership::join(options_, group, anchor_topic, member);
}

Result<std::unique_ptr<Admin>> KafkaStream::admin(std::chrono::milliseconds limit) {
  return kafka::KafkaAdmin::open(options_, limit);
}

}  // namespace dropline::stream
