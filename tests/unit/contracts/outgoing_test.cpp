#include "dropline/contracts/outgoing.hpp"

#include <doctest/doctest.h>

#include "dropline/base/random.hpp"
#include "dropline/contracts/orders_commands.hpp"
#include "dropline/contracts/stock_events.hpp"
#include "dropline/stream/partitioner.hpp"
#include "result_text.hpp"

using namespace dropline;
using namespace dropline::contracts;

namespace {

constexpr std::int32_t kPartitions = 16;

CommandKeys keys_of(std::string_view id = "ops", std::string_view secret = "0123456789abcdef") {
  CommandKeys keys;
  REQUIRE(keys.add(id, secret));
  return keys;
}

PauseDrop pause_command() {
  PauseDrop command;
  command.drop = *DropId::parse("0190b2a0-0000-7000-8000-00000000d401");
  command.reason = "stock take";
  command.actor = {ActorKind::admin, "kim"};
  return command;
}

/// A message on its way from one side to the other.
struct Journey {
  explicit Journey(const CommandKeys* signer, const PauseDrop& command = pause_command())
      : message(outgoing(command)) {
    auto attributes = message.attributes("ingress/a", "c-1", from_unix_ms(1'000));
    if (signer != nullptr) signature = signer->sign(attributes, message.key, *message.body);
    attributes.signature = signature;
    envelope.id = "c-1";
    envelope.source = "ingress/a";
    envelope.type = message.type;
    envelope.subject = message.subject;
    envelope.signature = signature;
    envelope.body = *message.body;
    arrival = {message.key, stream::partition_of(message.key, kPartitions), kPartitions};
  }
  Outgoing message;
  std::string signature;
  Envelope envelope;
  Arrival arrival;
};

std::error_code failure(const Journey& journey, const CommandKeys& keys) {
  const auto result = accept<PauseDrop>(journey.envelope, journey.arrival, keys);
  return result ? std::error_code() : result.error().code;
}

}  // namespace

TEST_CASE("a message becomes a record by what it says of itself") {
  UnitsReleased fact;
  fact.order_id = OrderId(SeededRandom(1).uuid4());
  fact.member = MemberId(SeededRandom(2).uuid4());
  const auto message = outgoing(fact);
  CHECK(message.topic == "stock.events");
  CHECK(message.type == "UnitsReleased");
  CHECK(message.key == fact.member.text());
  CHECK(message.subject == fact.order_id.text());
  CHECK(message.correlation == fact.order_id.text());
  CHECK_FALSE(message.is_signed);
  CHECK(decode<UnitsReleased>(*message.body).value() == fact);
  CHECK(outgoing(pause_command()).is_signed);
  CHECK(outgoing(pause_command()).correlation.empty());
}

TEST_CASE("an answer names its cause and goes on with its trace and order") {
  Envelope cause;
  cause.id = "7-1";
  cause.source = "stock/3";
  cause.correlation = "the order";
  cause.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  auto message = outgoing(pause_command());
  answer(message, cause);
  CHECK(message.causation == "stock/3#7-1");
  CHECK(message.traceparent == cause.traceparent);
  CHECK(message.correlation == "the order");
  const std::string long_source(256, 's');
  cause.source = long_source;
  answer(message, cause);
  CHECK(message.causation.size() <= kMaxAttributeBytes);
}

TEST_CASE("a tombstone has a key and no body") {
  const auto message = tombstone(topic::kStockLevels, "-/A");
  CHECK(message.topic == "stock.levels");
  CHECK(message.key == "-/A");
  CHECK_FALSE(message.body);
}

TEST_CASE("a signed command is accepted, by any of the keys that are live") {
  const auto keys = keys_of();
  CHECK(failure(Journey(&keys), keys) == std::error_code());
  auto both = keys_of("new", "another secret of sixteen bytes");
  REQUIRE(both.add("ops", "0123456789abcdef"));
  CHECK(failure(Journey(&keys), both) == std::error_code());
  CHECK(failure(Journey(&both), both) == std::error_code());
  CHECK(failure(Journey(&both), keys) == Errc::forbidden);
}

TEST_CASE("a command without a good signature is forbidden, whatever else it is") {
  const auto keys = keys_of();
  CHECK(failure(Journey(nullptr), keys) == Errc::forbidden);
  const auto wrong_secret = keys_of("ops", "fedcba9876543210");
  CHECK(failure(Journey(&wrong_secret), keys) == Errc::forbidden);
  CHECK(failure(Journey(&keys), CommandKeys()) == Errc::forbidden);
  for (const char* text :
       {"x", "h1", "h1.", "h1..", "h1.ops", "h1.ops.", "h2.ops.00", "h1.OPS.00"}) {
    Journey journey(&keys);
    journey.envelope.signature = text;
    CHECK(failure(journey, keys) == Errc::forbidden);
  }
}

TEST_CASE("a signature covers type, id, source, subject, key and body") {
  const auto keys = keys_of();
  const auto altered = [&](auto change) {
    Journey journey(&keys);
    change(journey);
    return failure(journey, keys);
  };
  CHECK(altered([](Journey& j) { j.envelope.id = "c-2"; }) == Errc::forbidden);
  CHECK(altered([](Journey& j) { j.envelope.source = "ingress/b"; }) == Errc::forbidden);
  CHECK(altered([](Journey& j) { j.envelope.subject = "other"; }) == Errc::forbidden);
  CHECK(altered([](Journey& j) { j.envelope.type = "EndDrop"; }) == Errc::forbidden);
  CHECK(altered([](Journey& j) { j.envelope.body = "{}"; }) == Errc::forbidden);
  CHECK(altered([](Journey& j) {
          j.arrival.key = "other";
          j.arrival.partition = stream::partition_of("other", kPartitions);
        }) == Errc::forbidden);
  // What moves a byte from one part to the next gives another text to sign.
  CHECK(altered([](Journey& j) {
          j.envelope.id = "c-1i";
          j.envelope.source = "ngress/a";
        }) == Errc::forbidden);
}

TEST_CASE("a record whose key or partition does not fit its content is refused") {
  const auto keys = keys_of();
  Journey journey(&keys);
  journey.arrival.partition = (journey.arrival.partition + 1) % kPartitions;
  CHECK(failure(journey, keys) == Errc::wrong_key);

  PlaceOrder order;
  order.member = MemberId(SeededRandom(1).uuid4());
  order.lines = {{*Sku::parse("A"), 1}};
  order.idempotency_key = "k";
  const auto message = outgoing(order);
  Envelope envelope;
  envelope.type = "PlaceOrder";
  envelope.body = *message.body;
  const auto arrive = [&](std::string_view key) {
    const auto result = accept<PlaceOrder>(
        envelope, {key, stream::partition_of(key, kPartitions), kPartitions}, CommandKeys());
    return result ? std::error_code() : result.error().code;
  };
  CHECK(arrive(message.key) == std::error_code());
  CHECK(arrive("0190b2a0-0000-7000-8000-00000000d401") == Errc::wrong_key);
  CHECK(arrive("") == Errc::wrong_key);
}

TEST_CASE("keys that cannot be trusted are not taken") {
  CommandKeys keys;
  CHECK_FALSE(keys.add("", "0123456789abcdef"));
  CHECK_FALSE(keys.add("a.b", "0123456789abcdef"));
  CHECK_FALSE(keys.add("short", "0123456789abcde"));
  CHECK_FALSE(keys.can_sign());
  for (int i = 0; i < 8; ++i)
    CHECK(keys.add("k" + std::to_string(i), "0123456789abcdef"));
  CHECK_FALSE(keys.add("k8", "0123456789abcdef"));
  CHECK(keys_of().add("ops", "another secret of sixteen bytes").error().code == Errc::bad_value);
}
