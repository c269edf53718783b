#include <librdkafka/rdkafka.h>

#include <cstdlib>
#include <thread>

#include "children.hpp"
#include "dropline/stream/kafka/kafka_stream.hpp"
#include "scene.hpp"
#include "support/eventually.hpp"

namespace dropline::stream::conformance {
namespace {

std::string broker() {
  const char* address = std::getenv("DROPLINE_TEST_KAFKA");
  return address == nullptr ? "" : address;
}

/// Sets a topic's properties, which the port has no word for: cleaning is the broker's own affair,
/// and with its defaults it comes after days.
void alter(const std::string& topic, const std::map<std::string, std::string>& properties) {
  char text[512];
  auto* config = rd_kafka_conf_new();
  rd_kafka_conf_set(config, "bootstrap.servers", broker().c_str(), text, sizeof text);
  const std::unique_ptr<rd_kafka_t, void (*)(rd_kafka_t*)> client(
      rd_kafka_new(RD_KAFKA_PRODUCER, config, text, sizeof text), rd_kafka_destroy);
  REQUIRE(client);
  const std::unique_ptr<rd_kafka_ConfigResource_t, void (*)(rd_kafka_ConfigResource_t*)> resource(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()),
      rd_kafka_ConfigResource_destroy);
  for (const auto& [name, value] : properties)
    rd_kafka_ConfigResource_set_config(resource.get(), name.c_str(), value.c_str());
  const std::unique_ptr<rd_kafka_queue_t, void (*)(rd_kafka_queue_t*)> queue(
      rd_kafka_queue_new(client.get()), rd_kafka_queue_destroy);
  auto* raw = resource.get();
  rd_kafka_AlterConfigs(client.get(), &raw, 1, nullptr, queue.get());
  const std::unique_ptr<rd_kafka_event_t, void (*)(rd_kafka_event_t*)> event(
      rd_kafka_queue_poll(queue.get(), static_cast<int>(kPatience.count())),
      rd_kafka_event_destroy);
  REQUIRE(event);
  CHECK_MESSAGE(rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR,
                rd_kafka_event_error_string(event.get()));
}

class KafkaPlace final : public Place {
 public:
  Result<std::unique_ptr<Stream>> open(const Wishes& wishes) override {
    return open_at(broker(), wishes);
  }

  Result<std::unique_ptr<Stream>> open_unreachable() override {
    return open_at("127.0.0.1:1", {});  // nobody listens on tcpmux
  }

  std::vector<Acknowledged> write_until_killed(const std::string& topic,
                                               std::size_t at_least) override {
    return kill_a_writer(broker(), topic, at_least);
  }

  std::unique_ptr<Companion> companion(Stream&, const std::string& group, const std::string& topic,
                                       const std::string& name) override {
    return spawn_member(broker(), group, topic, name);
  }

  void compact(const std::string& topic) override {
    if (!std::exchange(cleaning_, true))
      alter(topic, {{"cleanup.policy", "compact"},
                    {"message.timestamp.type", "LogAppendTime"},
                    {"segment.ms", "100"},
                    {"min.cleanable.dirty.ratio", "0.0"}});
    // Segments close as records come, not sooner than the time set above.
    dropline::testing::be_slow(milliseconds(120));
  }

  void age(milliseconds) override { dropline::testing::be_slow(milliseconds(100)); }

 private:
  static Result<std::unique_ptr<Stream>> open_at(const std::string& brokers, const Wishes& wishes) {
    KafkaOptions options;
    options.brokers = brokers;
    options.client_id = "conformance";
    options.partitions.reset();
    if (wishes.max_in_flight_records > 0)
      options.max_in_flight_records = wishes.max_in_flight_records;
    if (wishes.max_in_flight_bytes > 0) options.max_in_flight_bytes = wishes.max_in_flight_bytes;
    if (wishes.max_fetched_bytes > 0) options.max_fetched_bytes = wishes.max_fetched_bytes;
    auto opened = KafkaStream::open(std::move(options));
    if (!opened) return opened.error();
    return std::unique_ptr<Stream>(std::move(*opened));
  }

  bool cleaning_ = false;
};

}  // namespace

const Subject& subject() {
  static const Subject subject{
      .name = "kafka",
      .features = {.shared = true, .has_broker = true, .wake_bound = milliseconds(100)},
      .missing =
          [] {
            return broker().empty() ? std::string(
                                          "DROPLINE_TEST_KAFKA is not set. scripts/test starts a "
                                          "broker and sets it; by hand: DROPLINE_TEST_KAFKA="
                                          "$(scripts/kafka start | awk '{print $2}')")
                                    : std::string();
          },
      .make = []() -> std::unique_ptr<Place> { return std::make_unique<KafkaPlace>(); },
      // The broker's address comes with the environment.
      .at = [](const std::string&) -> std::unique_ptr<Place> {
        return std::make_unique<KafkaPlace>();
      }};
  return subject;
}

}  // namespace dropline::stream::conformance
