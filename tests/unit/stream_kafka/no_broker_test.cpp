#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "deliveries.hpp"
#include "dropline/stream/errors.hpp"
#include "dropline/stream/kafka/kafka_stream.hpp"

using namespace dropline;
using namespace dropline::stream;
using namespace dropline::stream::testing;
using namespace std::chrono_literals;

namespace {

/// A port of 127.0.0.1 that is taken and refuses, or (deaf) accepts and never says a word.
class Port final {
 public:
  explicit Port(bool deaf) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket_, raw, sizeof address) == 0);
    if (deaf) REQUIRE(::listen(socket_, 64) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(socket_, raw, &length) == 0);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~Port() { ::close(socket_); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  int socket_;
  std::string address_;
};

std::unique_ptr<KafkaStream> open(const std::string& brokers, KafkaOptions options = {}) {
  options.brokers = brokers;
  auto kafka = KafkaStream::open(std::move(options));
  REQUIRE(kafka.has_value());
  return std::move(*kafka);
}

Draft draft(std::string_view key = "key", std::string_view value = "value") {
  return {"topic", key, value, {}, std::nullopt};
}

bool names(const std::string& text, const std::string& address) {
  return text.find(address) != std::string::npos;
}

}  // namespace

TEST_CASE("without a broker an admin's answer names the address and comes within the limit") {
  for (const bool deaf : {false, true}) {
    CAPTURE(deaf);
    const Port port(deaf);
    const auto kafka = open(port.address());
    auto admin = kafka->admin(700ms);
    REQUIRE(admin.has_value());
    const TopicSpec spec{"topic", 16, Cleanup::retain, std::nullopt, true};
    const Stopwatch watch;
    const auto status = (*admin)->ensure_topics({&spec, 1});
    CHECK(watch.elapsed() < 1'700ms);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == Errc::unreachable);
    CHECK(names(status.error().text(), port.address()));
    CHECK(status.error().transient());
  }
}

TEST_CASE("without a broker a producer closes within its bound and reports every record once") {
  for (const char* where : {"refusing", "deaf", "nowhere.invalid:9092"}) {
    CAPTURE(where);
    const Port port(std::string(where) == "deaf");
    const auto kafka = open(std::string(where).ends_with("9092") ? where : port.address());
    Deliveries deliveries;
    auto producer = kafka->producer(deliveries.handler());
    REQUIRE(producer.has_value());
    for (std::uint64_t token = 0; token < 1'000; ++token)
      REQUIRE((*producer)->send(draft(), token).has_value());
    const Stopwatch watch;
    (*producer)->close(300ms);
    CHECK(watch.elapsed() < 1'300ms);
    CHECK(deliveries.count() == 1'000);
    CHECK(deliveries.count(Outcome::failed) == 1'000);  // nothing was ever sent
    CHECK_FALSE(deliveries.any_twice());
    CHECK((*producer)->send(draft(), 1'000).error().code == Errc::closed);
    (*producer)->close(300ms);
    CHECK(deliveries.count() == 1'000);
  }
}

TEST_CASE("a producer destroyed without being closed reports every record") {
  const Port port(false);
  const auto kafka = open(port.address());
  Deliveries deliveries;
  {
    auto producer = kafka->producer(deliveries.handler());
    REQUIRE(producer.has_value());
    for (std::uint64_t token = 0; token < 100; ++token)
      REQUIRE((*producer)->send(draft(), token).has_value());
  }
  CHECK(deliveries.count() == 100);
}

TEST_CASE("a producer outlives its stream") {
  const Port port(false);
  Deliveries deliveries;
  std::unique_ptr<Producer> producer;
  {
    const auto kafka = open(port.address());
    producer = std::move(*kafka->producer(deliveries.handler()));
  }
  CHECK(producer->send(draft(), 1).has_value());
  producer->close(50ms);
  CHECK(deliveries.count() == 1);
}

TEST_CASE("records in flight are bounded in number") {
  const Port port(false);
  KafkaOptions options;
  options.max_in_flight_records = 10;
  const auto kafka = open(port.address(), options);
  Deliveries deliveries;
  auto producer = kafka->producer(deliveries.handler());
  REQUIRE(producer.has_value());
  for (std::uint64_t token = 0; token < 10; ++token)
    REQUIRE((*producer)->send(draft(), token).has_value());
  const auto refused = (*producer)->send(draft(), 10);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::queue_full);
  CHECK(refused.error().transient());
  (*producer)->close(50ms);
  CHECK(deliveries.count() == 10);
}

TEST_CASE("records in flight are bounded in bytes, headers and keys included") {
  const Port port(false);
  KafkaOptions options;
  options.max_in_flight_bytes = std::size_t{1} << 20U;
  const auto kafka = open(port.address(), options);
  Deliveries deliveries;
  auto producer = kafka->producer(deliveries.handler());
  REQUIRE(producer.has_value());
  const std::string large(100'000, 'x');
  const Header header{"name", large};
  std::uint64_t taken = 0;
  while (taken < 100) {
    const auto status =
        (*producer)->send({"topic", large, std::nullopt, {&header, 1}, std::nullopt}, taken);
    if (!status) {
      CHECK(status.error().code == Errc::queue_full);
      break;
    }
    ++taken;
  }
  CHECK(taken == 5);
  (*producer)->close(50ms);
  CHECK(deliveries.count() == taken);
}

TEST_CASE("a message timeout gives records up as failed where nobody was reached") {
  const Port port(false);
  KafkaOptions options;
  options.message_timeout = 300ms;
  const auto kafka = open(port.address(), options);
  Deliveries deliveries;
  auto producer = kafka->producer(deliveries.handler());
  REQUIRE(producer.has_value());
  REQUIRE((*producer)->send(draft(), 7).has_value());
  REQUIRE(deliveries.wait_for(1));
  CHECK(deliveries.of(7).outcome == Outcome::failed);
  CHECK(deliveries.of(7).error == Errc::timed_out);
}

TEST_CASE("a record that no log would take is refused before it is taken") {
  const Port port(false);
  const auto kafka = open(port.address());
  Deliveries deliveries;
  auto producer = kafka->producer(deliveries.handler());
  REQUIRE(producer.has_value());
  const std::string huge(kMaxRecordBytes, 'x');
  CHECK((*producer)->send(draft("k", huge), 1).error().code == Errc::too_large);
  const Header nameless{"", "value"};
  CHECK((*producer)->send({"topic", "k", "v", {&nameless, 1}, std::nullopt}, 2).error().code ==
        Errc::bad_record);
  CHECK((*producer)->send({"topic", "k", "v", {}, -1}, 3).error().code == Errc::bad_partition);
  CHECK((*producer)->send({"topic", "k", "v", {}, 16}, 4).error().code == Errc::bad_partition);
  CHECK((*producer)->send({"", "k", "v", {}, std::nullopt}, 5).error().code == Errc::unknown_topic);
  (*producer)->close(0ms);
  CHECK(deliveries.count() == 0);
}

TEST_CASE("many threads may send while one closes") {
  const Port port(false);
  const auto kafka = open(port.address());
  Deliveries deliveries;
  auto producer = kafka->producer(deliveries.handler());
  REQUIRE(producer.has_value());
  std::atomic<std::size_t> taken{0};
  std::vector<std::thread> senders;
  for (std::uint64_t sender = 0; sender < 4; ++sender)
    senders.emplace_back([&, sender] {
      for (std::uint64_t i = 0;; ++i) {
        const auto status = (*producer)->send(draft(), sender << 32U | i);
        if (status) ++taken;
        if (!status && status.error().code == Errc::closed) return;
      }
    });
  CHECK(eventually([&] { return taken > 1'000; }));
  (*producer)->close(50ms);
  for (auto& sender : senders)
    sender.join();
  CHECK(deliveries.count() == taken);
  CHECK_FALSE(deliveries.any_twice());
}

TEST_CASE("without a broker a consumer waits quietly and health names the address") {
  const Port port(false);
  const auto kafka = open(port.address());
  auto consumer = kafka->consumer();
  REQUIRE(consumer.has_value());
  const Position position{{"topic", 0}, Position::kStart};
  REQUIRE((*consumer)->assign({&position, 1}).has_value());
  CHECK(eventually([&] {
    const auto batch = (*consumer)->poll(100, 20ms);
    REQUIRE(batch.has_value());
    CHECK(batch->empty());
    return names((*consumer)->health(), port.address());
  }));
  const Stopwatch watch;
  const auto extents = (*consumer)->extents(std::vector{position.at}, 300ms);
  CHECK(watch.elapsed() < 1'300ms);
  REQUIRE_FALSE(extents.has_value());
  CHECK(extents.error().code == Errc::unreachable);
  CHECK(names(extents.error().text(), port.address()));
}

TEST_CASE("wake ends a poll that waits, and the next one where none does") {
  const Port port(true);
  const auto kafka = open(port.address());
  auto consumer = kafka->consumer();
  REQUIRE(consumer.has_value());
  {
    const Stopwatch watch;
    std::thread waker([&] { (*consumer)->wake(); });
    CHECK((*consumer)->poll(1, 20s).has_value());
    waker.join();
    CHECK(watch.elapsed() < 5s);
  }
  static_cast<void>((*consumer)->poll(1, 0ms));  // where the wake came late
  {
    (*consumer)->wake();
    const Stopwatch watch;
    CHECK((*consumer)->poll(1, 20s).has_value());
    CHECK(watch.elapsed() < 5s);
  }
  const Stopwatch watch;
  CHECK((*consumer)->poll(1, 200ms).has_value());
  CHECK(watch.elapsed() >= 190ms);
}

TEST_CASE("positions that cannot be are refused") {
  const Port port(false);
  const auto kafka = open(port.address());
  auto consumer = kafka->consumer();
  REQUIRE(consumer.has_value());
  const auto assign = [&](const Position& position) { return (*consumer)->assign({&position, 1}); };
  CHECK(assign({{"topic", -1}, 0}).error().code == Errc::bad_partition);
  CHECK(assign({{"topic", 0}, -1000}).error().code == Errc::position_lost);
  CHECK(assign({{"", 0}, 0}).error().code == Errc::unknown_topic);
  CHECK((*consumer)->unassign(std::vector{TopicPartition{"never-assigned", 3}}).has_value());
  CHECK((*consumer)->extents({}, 100ms)->empty());
}

TEST_CASE("without a broker a member leaves within its bound") {
  for (const bool deaf : {false, true}) {
    CAPTURE(deaf);
    const Port port(deaf);
    const auto kafka = open(port.address());
    auto member = kafka->join("group", "topic", "member");
    REQUIRE(member.has_value());
    const auto change = (*member)->poll(100ms);
    REQUIRE(change.has_value());
    CHECK(change->empty());
    const Position position{{"topic", 0}, 5};
    (*member)->report({&position, 1});
    const Stopwatch watch;
    (*member)->leave(300ms);
    CHECK(watch.elapsed() < 1'300ms);
    CHECK((*member)->poll(0ms).error().code == Errc::closed);
    (*member)->leave(300ms);
  }
}
