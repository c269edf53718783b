#include "dropline/shop/gate.hpp"

#include <doctest/doctest.h>

#include "dropline/contracts/body_hash.hpp"
#include "dropline/contracts/order_id.hpp"
#include "dropline/stream/errors.hpp"
#include "dropline/stream/memory.hpp"

using namespace dropline;
using namespace dropline::shop;
using namespace std::chrono_literals;
using stream::Outcome;

namespace {

/// A gate on a log that does what the test says, without threads.
struct Harbour {
  ManualClock clock;
  SystemRandom random;
  contracts::CommandKeys keys;
  crypto::SecretKey secret = crypto::SecretKey::generate(random);
  telemetry::Metrics metrics;
  stream::SendFate fate;
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  stream::MemoryStream stream{
      log, {.fate = [this](const stream::Draft&) { return std::exchange(fate, {}); }}};
  GateOptions options;
  std::unique_ptr<Gate> gate;
  std::vector<Acknowledgement> told;
  int keys_used = 0;

  explicit Harbour(std::size_t max_in_flight = 100) {
    REQUIRE(keys.add("1", "a secret of sixteen bytes"));
    const auto specs = contracts::topic_specs(2, "x.");
    REQUIRE(stream.admin(1s).value()->ensure_topics(specs));
    options.topic_prefix = "x.";
    options.name = "7";
    options.max_in_flight = max_in_flight;
    gate = Gate::open({stream, clock, random, keys, secret, metrics}, options).value();
  }

  contracts::PlaceOrder order() {
    contracts::PlaceOrder out;
    out.member = MemberId(random.uuid4());
    out.lines = {{Sku::parse("a").value(), 1}};
    out.idempotency_key = "k" + std::to_string(++keys_used);
    out.order_id = contracts::make_order_id(out.member, out.drop, out.idempotency_key);
    return out;
  }
  Status place(stream::SendFault fault = stream::SendFault::none) {
    fate = {fault, 0ms};
    const auto command = order();
    return gate->place(command, contracts::body_hash(command), "",
                       [this](const Acknowledgement& one) { told.push_back(one); });
  }
};

}  // namespace

TEST_CASE("orders that arrive together are signed for together, each at its place") {
  Harbour harbour;
  for (int i = 0; i < 5; ++i)
    REQUIRE(harbour.place());
  CHECK(harbour.gate->in_flight() == 5);
  harbour.stream.pump();
  REQUIRE(harbour.told.size() == 5);
  CHECK(harbour.gate->in_flight() == 0);
  for (const auto& one : harbour.told) {
    CHECK(one.outcome == Outcome::acknowledged);
    REQUIRE(one.batch);
    std::string text;
    contracts::JsonWriter writer(text);
    one.batch->write(writer, one.index);
    const auto arrival = verify_receipt(text, harbour.secret.public_key());
    REQUIRE(arrival.has_value());
    CHECK(arrival->offset.has_value());
    CHECK(arrival->time == harbour.clock.now());
  }
}

TEST_CASE("what the log lost, or may have lost, is told apart and has no receipt") {
  Harbour harbour;
  const std::pair<stream::SendFault, Outcome> rows[] = {
      {stream::SendFault::lose, Outcome::failed},
      {stream::SendFault::lose_answer, Outcome::unknown},
      {stream::SendFault::lose_unseen, Outcome::unknown},
      {stream::SendFault::duplicate, Outcome::acknowledged}};
  for (const auto& [fault, outcome] : rows) {
    harbour.told.clear();
    REQUIRE(harbour.place(fault));
    harbour.stream.pump();
    REQUIRE(harbour.told.size() == 1);
    CHECK(harbour.told[0].outcome == outcome);
    CHECK((harbour.told[0].batch != nullptr) == (outcome == Outcome::acknowledged));
  }
  CHECK(harbour.gate->in_flight() == 0);
}

TEST_CASE("what was not taken is never told of") {
  Harbour harbour(3);
  SUBCASE("because the producer's queue is full") {
    const auto refused = harbour.place(stream::SendFault::queue_full);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == stream::Errc::queue_full);
    CHECK(harbour.gate->in_flight() == 0);
  }
  SUBCASE("because too many are under way, until some are told of") {
    for (int i = 0; i < 3; ++i)
      REQUIRE(harbour.place());
    const auto refused = harbour.place();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == stream::Errc::queue_full);
    CHECK(harbour.gate->in_flight() == 3);
    harbour.stream.pump();
    CHECK(harbour.told.size() == 3);
    harbour.told.clear();
    CHECK(harbour.place());
  }
  const auto before = harbour.told.size();
  harbour.stream.pump();
  CHECK(harbour.told.size() <= before + 1);
}

TEST_CASE("a producer that died is replaced, and what it had taken is told of") {
  Harbour harbour;
  REQUIRE(harbour.place());
  REQUIRE(harbour.place(stream::SendFault::fatal));
  harbour.stream.pump();
  REQUIRE(harbour.told.size() == 2);
  CHECK(harbour.told[0].outcome == Outcome::acknowledged);
  CHECK(harbour.told[1].outcome == Outcome::unknown);
  REQUIRE(harbour.place());
  harbour.stream.pump();
  REQUIRE(harbour.told.size() == 3);
  CHECK(harbour.told[2].outcome == Outcome::acknowledged);
  CHECK(harbour.gate->health().empty());
}

TEST_CASE("closing tells of all that is under way and takes no more") {
  Harbour harbour;
  for (int i = 0; i < 3; ++i)
    REQUIRE(harbour.place());
  harbour.gate->close(1s);
  CHECK(harbour.told.size() == 3);
  CHECK(harbour.gate->in_flight() == 0);
  const auto refused = harbour.place();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == stream::Errc::closed);
  harbour.gate->close(1s);
}

TEST_CASE("commands of operators are signed, orders are not, both say where they come from") {
  Harbour harbour;
  contracts::EndDrop end;
  end.change = contracts::ChangeId(harbour.random.uuid4());
  end.drop = DropId(harbour.random.uuid4());
  end.reason = "over";
  end.actor = {contracts::ActorKind::admin, "ann"};
  constexpr const char* kTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  int done = 0;
  REQUIRE(harbour.gate->send(end, {}, kTrace, [&](const Acknowledgement& told) {
    CHECK(told.batch == nullptr);
    ++done;
  }));
  REQUIRE(harbour.place());
  harbour.stream.pump();
  CHECK(done == 1);
  const auto consumer = harbour.stream.consumer().value();
  const std::vector<stream::Position> from{{{"x.orders.commands", 0}, stream::Position::kStart},
                                           {{"x.orders.commands", 1}, stream::Position::kStart}};
  REQUIRE(consumer->assign(from));
  int seen = 0;
  for (int i = 0; i < 5; ++i) {
    const auto batch = consumer->poll(10, 0ms).value();
    for (const auto& record : batch.records()) {
      ++seen;
      const auto envelope = contracts::parse_envelope(record);
      REQUIRE(envelope.has_value());
      CHECK(envelope->source == "ingress/7");
      const auto verified = harbour.keys.verify(*envelope, *record.key);
      CHECK(verified.has_value() == (envelope->type == "EndDrop"));
      if (envelope->type == "EndDrop") {
        CHECK(envelope->traceparent == kTrace);
        CHECK(*record.key == end.drop.text());
      } else {
        CHECK(envelope->correlation == envelope->subject);
      }
    }
  }
  CHECK(seen == 2);
}
