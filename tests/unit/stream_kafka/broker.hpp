#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dropline/stream/kafka/kafka_stream.hpp"

namespace dropline::stream::testing {

/// The broker's address; fails the test where there is none.
[[nodiscard]] inline std::string broker_address() {
  const char* address = std::getenv("DROPLINE_TEST_KAFKA");
  REQUIRE_MESSAGE(address != nullptr,
                  "no Kafka broker to test on: start one with `scripts/kafka start` and set "
                  "DROPLINE_TEST_KAFKA to the address it prints, or run scripts/test");
  return address;
}

[[nodiscard]] inline std::string unique_name(const std::string& what) {
  static std::atomic<int> count{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return "test-" + what + "-" + std::to_string(::getpid()) + "-" + std::to_string(now) + "-" +
         std::to_string(count++);
}

/// A stream on the test's broker with topics of its own, which go with it.
class Broker final {
 public:
  explicit Broker(KafkaOptions options = {}) {
    options.brokers = broker_address();
    auto opened = KafkaStream::open(std::move(options));
    REQUIRE_MESSAGE(opened.has_value(), opened.error().text());
    stream_ = std::move(*opened);
    admin_ = stream_->admin(std::chrono::seconds(20)).value();
  }
  ~Broker() { static_cast<void>(admin_->remove_topics(topics_)); }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  [[nodiscard]] KafkaStream& stream() { return *stream_; }
  [[nodiscard]] Admin& admin() { return *admin_; }
  [[nodiscard]] std::string topic(std::int32_t partitions = 16) {
    topics_.push_back(unique_name("topic"));
    const TopicSpec spec{topics_.back(), partitions, Cleanup::retain, std::nullopt, true};
    const auto status = admin_->ensure_topics({&spec, 1});
    REQUIRE_MESSAGE(status.has_value(), status.error().text());
    return topics_.back();
  }
  void forget_later(const std::string& topic) { topics_.push_back(topic); }

 private:
  std::unique_ptr<KafkaStream> stream_;
  std::unique_ptr<Admin> admin_;
  std::vector<std::string> topics_;
};

}  // namespace dropline::stream::testing
