// What becomes of records when a broker misbehaves: on librdkafka's mock broker, which answers as
// it is told to.
#include <doctest/doctest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>

#include "deliveries.hpp"
#include "dropline/stream/errors.hpp"
#include "dropline/stream/kafka/kafka_stream.hpp"
#include "dropline/stream/partitioner.hpp"

using namespace dropline;
using namespace dropline::stream;
using namespace dropline::stream::testing;
using namespace std::chrono_literals;

namespace {

constexpr std::int16_t kProduceKey = 0;

class Mock final {
 public:
  explicit Mock(int partitions = 16) {
    std::array<char, 256> reason{};
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, nullptr);
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason.data(), reason.size());
    REQUIRE(handle_);
    cluster_ = rd_kafka_mock_cluster_new(handle_, 1);
    REQUIRE(rd_kafka_mock_topic_create(cluster_, "topic", partitions, 1) ==
            RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  ~Mock() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }
  Mock(const Mock&) = delete;
  Mock& operator=(const Mock&) = delete;

  [[nodiscard]] KafkaOptions options() const {
    KafkaOptions options;
    options.brokers = rd_kafka_mock_cluster_bootstraps(cluster_);
    return options;
  }
  void fail_next_produce(rd_kafka_resp_err_t error) {
    rd_kafka_mock_push_request_errors(cluster_, kProduceKey, 1, error);
  }
  void answer_after(std::chrono::milliseconds delay) {
    rd_kafka_mock_broker_set_rtt(cluster_, 1, static_cast<int>(delay.count()));
  }
  void vanish() { rd_kafka_mock_broker_set_down(cluster_, 1); }
  void come_back() { rd_kafka_mock_broker_set_up(cluster_, 1); }

 private:
  rd_kafka_t* handle_;
  rd_kafka_mock_cluster_t* cluster_;
};

struct Sender {
  explicit Sender(const KafkaOptions& options)
      : kafka(KafkaStream::open(options).value()),
        producer(kafka->producer(deliveries.handler()).value()) {}
  void send(std::uint64_t token, std::string_view key = "key") {
    const auto status = producer->send({"topic", key, "value", {}, std::nullopt}, token);
    REQUIRE(status.has_value());
  }
  Deliveries deliveries;
  std::unique_ptr<KafkaStream> kafka;
  std::unique_ptr<Producer> producer;
};

}  // namespace

TEST_CASE("an acknowledged record has its key's partition and an offset") {
  const Mock mock;
  Sender sender(mock.options());
  for (std::uint64_t token = 0; token < 100; ++token)
    sender.send(token, std::to_string(token));
  REQUIRE(sender.producer->flush(10s));
  for (std::uint64_t token = 0; token < 100; ++token) {
    const Delivery delivery = sender.deliveries.of(token);
    CHECK(delivery.outcome == Outcome::acknowledged);
    CHECK_FALSE(delivery.error);
    CHECK(delivery.partition == partition_of(std::to_string(token), 16));
    CHECK(delivery.offset.has_value());
  }
}

TEST_CASE("a record under way when its producer closes is unknown, not failed") {
  Mock mock;
  Sender sender(mock.options());
  sender.send(1);
  REQUIRE(sender.producer->flush(10s));
  mock.answer_after(30s);
  sender.send(2);
  CHECK_FALSE(sender.producer->flush(300ms));
  const Stopwatch watch;
  sender.producer->close(200ms);
  CHECK(watch.elapsed() < 1'200ms);
  CHECK(sender.deliveries.of(2).outcome == Outcome::unknown);
  CHECK(sender.deliveries.of(2).error == Errc::closed);
}

TEST_CASE("a record whose answer is lost is unknown once it is given up") {
  Mock mock;
  auto options = mock.options();
  options.message_timeout = 1s;
  Sender sender(options);
  sender.send(1);
  REQUIRE(sender.producer->flush(10s));
  mock.answer_after(30s);
  sender.send(2);
  CHECK_FALSE(sender.producer->flush(200ms));  // it is at the broker now
  mock.vanish();
  REQUIRE(sender.deliveries.wait_for(2));
  CHECK(sender.deliveries.of(2).outcome == Outcome::unknown);
}

TEST_CASE("a broker that was away costs no record") {
  Mock mock;
  Sender sender(mock.options());
  sender.send(1);
  REQUIRE(sender.producer->flush(10s));
  mock.vanish();
  for (std::uint64_t token = 2; token < 50; ++token)
    sender.send(token);
  CHECK_FALSE(sender.producer->flush(200ms));
  mock.come_back();
  CHECK(sender.producer->flush(10s));
  CHECK(sender.deliveries.count(Outcome::acknowledged) == 49);
}

TEST_CASE("a refusal for want of replicas is tried again") {
  Mock mock;
  Sender sender(mock.options());
  mock.fail_next_produce(RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS);
  sender.send(1);
  REQUIRE(sender.producer->flush(10s));
  CHECK(sender.deliveries.of(1).outcome == Outcome::acknowledged);
}

TEST_CASE("a gapless producer dies of a refused record and says so") {
  Mock mock;
  Sender sender(mock.options());
  sender.send(1);
  REQUIRE(sender.producer->flush(10s));
  CHECK_FALSE(sender.producer->fatal_error());
  mock.fail_next_produce(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  sender.send(2);
  REQUIRE(sender.deliveries.wait_for(2));
  CHECK(sender.deliveries.of(2).outcome != Outcome::acknowledged);
  REQUIRE(eventually([&] { return sender.producer->fatal_error().has_value(); }));
  const auto refused = sender.producer->send({"topic", "key", "value", {}, std::nullopt}, 3);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == sender.producer->fatal_error()->code);
  CHECK(refused.error().severity() == Severity::fatal);
  const Stopwatch watch;
  sender.producer->close(5s);
  CHECK(watch.elapsed() < 2s);
  CHECK(sender.deliveries.count() == 2);
}

TEST_CASE("what is queued behind a fatal error is reported without a message timeout") {
  Mock mock;
  auto options = mock.options();
  options.properties["producer.batch.num.messages"] = "10";  // most are queued, not under way
  Sender sender(options);
  sender.send(1);
  REQUIRE(sender.producer->flush(10s));
  mock.answer_after(300ms);
  mock.fail_next_produce(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  std::uint64_t taken = 1;
  for (std::uint64_t token = 2; token < 3'000; ++token)
    if (sender.producer->send({"topic", "key", "value", {}, std::nullopt}, token)) ++taken;
  REQUIRE(sender.deliveries.wait_for(taken));
  CHECK(sender.producer->fatal_error());
  CHECK_FALSE(sender.deliveries.any_twice());
}

TEST_CASE("a producer without the gapless guarantee survives a refused record") {
  Mock mock;
  auto options = mock.options();
  options.gapless = false;
  Sender sender(options);
  mock.fail_next_produce(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  sender.send(1);
  REQUIRE(sender.deliveries.wait_for(1));
  CHECK(sender.deliveries.of(1).outcome != Outcome::acknowledged);
  CHECK(sender.deliveries.of(1).error == Errc::too_large);
  sender.send(2);
  CHECK(sender.producer->flush(10s));
  CHECK(sender.deliveries.of(2).outcome == Outcome::acknowledged);
  CHECK_FALSE(sender.producer->fatal_error());
}

TEST_CASE("a topic with another number of partitions is refused, and nothing reaches it") {
  const Mock mock(3);
  Sender sender(mock.options());
  const Draft fixed{"topic", "key", "value", {}, 2};
  // Taken before the topic is known and reported once it is, or refused where that was quicker.
  std::size_t taken = 0;
  for (const auto& draft : {Draft{"topic", "key", "value", {}, std::nullopt}, fixed}) {
    const auto status = sender.producer->send(draft, taken);
    if (status)
      ++taken;
    else
      CHECK(status.error().code == Errc::wrong_partition_count);
  }
  REQUIRE(sender.deliveries.wait_for(taken));
  for (const Delivery& delivery : sender.deliveries.in_order()) {
    CHECK(delivery.outcome == Outcome::failed);
    CHECK(delivery.error == Errc::wrong_partition_count);
  }
  REQUIRE(eventually([&] { return !sender.producer->send(fixed, 1'000 + taken++); }));
  const auto refused = sender.producer->send(fixed, 3);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::wrong_partition_count);
  CHECK(refused.error().text().find("topic has 3 partitions, configured are 16") !=
        std::string::npos);
}

TEST_CASE("without a configured number of partitions any will do, and a fixed one is kept") {
  const Mock mock(3);
  auto options = mock.options();
  options.partitions.reset();
  Sender sender(options);
  sender.send(1);
  REQUIRE(sender.producer->send({"topic", "key", "value", {}, 2}, 2).has_value());
  REQUIRE(sender.producer->flush(10s));
  CHECK(sender.deliveries.of(1).partition == partition_of("key", 3));
  CHECK(sender.deliveries.of(2).partition == 2);
  CHECK(sender.producer->send({"topic", "key", "value", {}, 3}, 3).error().code ==
        Errc::bad_partition);
}
