#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "dropline/stream/kafka/kafka_stream.hpp"

namespace dropline::stream::kafka {

/// What a handle's connections say about themselves: error events add brokers that fail, the
/// statistics that come every second take away those that are up again. Any thread.
class Health final {
 public:
  Health(std::string brokers, KafkaLog log) : brokers_(std::move(brokers)), log_(std::move(log)) {}

  /// Errors that are about no connection; on the thread that polls the handle.
  using Others = std::function<void(rd_kafka_resp_err_t, std::string_view reason)>;
  /// Before the handle is polled, and after it was polled for the last time.
  void tell_others(Others others) { others_ = std::move(others); }

  /// An error event, with its reason as librdkafka words it.
  void error(rd_kafka_resp_err_t code, std::string_view reason);
  /// A connection failed: "<broker>: <what happened>".
  void failed(std::string_view reason);
  /// librdkafka's statistics, a JSON text of its own making.
  void statistics(std::string_view json);
  void log(int level, std::string_view facility, std::string_view text) const noexcept;

  /// Empty while all is well; else the brokers that do not answer, with the reasons.
  [[nodiscard]] std::string text() const;
  /// What was last seen at the brokers that fail; empty where none does.
  [[nodiscard]] std::string seen() const;
  [[nodiscard]] const std::string& brokers() const noexcept { return brokers_; }

 private:
  [[nodiscard]] std::string seen_locked() const;

  const std::string brokers_;
  const KafkaLog log_;
  Others others_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> failing_;  ///< by address, "host:port"
  bool all_down_ = false;
};

}  // namespace dropline::stream::kafka
