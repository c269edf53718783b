#include <doctest/doctest.h>

#include "dropline/stream/errors.hpp"
#include "dropline/stream/kafka/kafka_stream.hpp"

using namespace dropline;
using namespace dropline::stream;
using namespace std::chrono_literals;

namespace {

Error refused(const KafkaOptions& options) {
  const auto kafka = KafkaStream::open(options);
  REQUIRE_FALSE(kafka.has_value());
  CHECK(kafka.error().code == Errc::bad_config);
  return kafka.error();
}

Error refused(const std::string& property, const std::string& value) {
  KafkaOptions options;
  options.properties[property] = value;
  return refused(options);
}

bool accepted(const std::string& property, const std::string& value) {
  KafkaOptions options;
  options.properties[property] = value;
  return KafkaStream::open(options).has_value();
}

bool says(const Error& error, std::string_view text) {
  return error.text().find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("an unknown property is refused by name with librdkafka's reason") {
  const Error error = refused("lingr.ms", "5");
  CHECK(says(error, "lingr.ms"));
  CHECK(says(error, "No such configuration property"));
}

TEST_CASE("an unknown property for one kind of handle is refused when the stream opens") {
  for (const char* role : {"producer", "consumer", "membership", "admin"}) {
    CAPTURE(role);
    CHECK(says(refused(std::string(role) + ".no.such.thing", "1"), "no.such.thing"));
  }
}

TEST_CASE("a value that does not fit its property is refused with the range") {
  const Error error = refused("producer.linger.ms", "-7");
  CHECK(says(error, "linger.ms"));
  CHECK(says(error, "range"));
  CHECK(says(refused("security.protocol", "carrier-pigeon"), "security.protocol"));
}

TEST_CASE("a property on which a promise rests is refused with the promise") {
  CHECK(says(refused("acks", "1"), "acknowledged records must survive"));
  CHECK(says(refused("producer.enable.idempotence", "false"), "enable.idempotence"));
  CHECK(says(refused("partitioner", "random"), "murmur2"));
  CHECK(says(refused("auto.offset.reset", "latest"), "must be noticed"));
  CHECK(says(refused("consumer.isolation.level", "read_uncommitted"), "aborted"));
  CHECK(says(refused("bootstrap.servers", "elsewhere:9092"), "option of its own"));
}

TEST_CASE("TLS and SASL properties are taken") {
  CHECK(accepted("security.protocol", "SASL_SSL"));
  CHECK(accepted("sasl.mechanism", "SCRAM-SHA-512"));
  CHECK(accepted("ssl.ca.location", "/etc/ssl/certs/ca-certificates.crt"));
}

TEST_CASE("a property for one kind of handle does not reach the others") {
  KafkaOptions options;
  options.brokers = "127.0.0.1:1";
  // Refused by a consumer that is started with it: the session would outlast the poll interval.
  options.properties["membership.session.timeout.ms"] = "600000";
  const auto kafka = KafkaStream::open(options);
  REQUIRE(kafka.has_value());
  CHECK((*kafka)->consumer().has_value());
  CHECK((*kafka)->producer({}).has_value());
  const auto member = (*kafka)->join("group", "topic", "member");
  REQUIRE_FALSE(member.has_value());
  CHECK(member.error().code == Errc::bad_config);
  CHECK(says(member.error(), "session.timeout.ms"));
}

TEST_CASE("options out of range are refused by name") {
  const auto with = [](auto change) {
    KafkaOptions options;
    change(options);
    return refused(options);
  };
  CHECK(says(with([](auto& o) { o.brokers = ""; }), "brokers"));
  CHECK(says(with([](auto& o) { o.partitions = 0; }), "partitions"));
  CHECK(says(with([](auto& o) { o.max_in_flight_records = 0; }), "max_in_flight_records"));
  CHECK(says(with([](auto& o) { o.max_in_flight_bytes = 10; }), "max_in_flight_bytes"));
  CHECK(says(with([](auto& o) { o.message_timeout = -1ms; }), "message_timeout"));
  CHECK(says(with([](auto& o) { o.linger = -1us; }), "linger"));
  CHECK(says(with([](auto& o) { o.max_poll_interval = 5s; }), "max_poll_interval"));
  CHECK(says(with([](auto& o) { o.replication_factor = 0; }), "replication_factor"));
  CHECK(says(with([](auto& o) {
               o.replication_factor = 1;
               o.min_insync_replicas = 2;
             }),
             "min_insync_replicas"));
}

TEST_CASE("a group needs a name and an anchor topic") {
  const auto kafka = KafkaStream::open({});
  REQUIRE(kafka.has_value());
  CHECK((*kafka)->join("", "topic", "member").error().code == Errc::bad_config);
  CHECK((*kafka)->join("group", "", "member").error().code == Errc::bad_config);
}
