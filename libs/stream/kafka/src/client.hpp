#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "health.hpp"
#include "properties.hpp"

namespace dropline::stream::kafka {

struct QueueDeleter {
  void operator()(rd_kafka_queue_t* queue) const noexcept { rd_kafka_queue_destroy(queue); }
};
using Queue = std::unique_ptr<rd_kafka_queue_t, QueueDeleter>;

struct EventDeleter {
  void operator()(rd_kafka_event_t* event) const noexcept { rd_kafka_event_destroy(event); }
};
using Event = std::unique_ptr<rd_kafka_event_t, EventDeleter>;

struct PartitionListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const noexcept {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListDeleter>;

[[nodiscard]] inline PartitionList make_partition_list(std::size_t size) {
  return PartitionList(rd_kafka_topic_partition_list_new(static_cast<int>(size)));
}

/// Milliseconds as librdkafka's int takes them, never negative (which would mean for ever).
[[nodiscard]] int timeout_ms(std::chrono::milliseconds wait) noexcept;

/// One librdkafka handle with its threads and connections, and its end.
///
/// Ending is bounded: rd_kafka_destroy() waits for librdkafka's threads, and one of them may sit in
/// a name look-up for as long as the resolver likes. It runs on a thread of its own; the destructor
/// waits kEndLimit for it and then leaves it to finish alone with all it still needs (`keep`).
///
/// Threads: destructor one; the rest any.
class Client final {
 public:
  static constexpr std::chrono::milliseconds kEndLimit{400};

  /// `conf` is configured but for callbacks, which come from here. `keep` outlives the handle.
  [[nodiscard]] static Result<std::shared_ptr<Client>> open(const KafkaOptions& options, Role role,
                                                            Conf conf,
                                                            std::shared_ptr<void> keep = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] rd_kafka_t* get() const noexcept { return handle_; }
  [[nodiscard]] Health& health() const noexcept { return *health_; }

  /// A topic's handle with `opaque` to be had from its messages; ended with the client. Each name
  /// once only.
  [[nodiscard]] Result<rd_kafka_topic_t*> add_topic(const std::string& name, void* opaque,
                                                    int32_t (*partitioner)(const rd_kafka_topic_t*,
                                                                           const void*, std::size_t,
                                                                           int32_t, void*,
                                                                           void*) = nullptr);

  /// What went wrong, told as precisely as the connections' state allows.
  [[nodiscard]] Error explain(rd_kafka_resp_err_t code, std::string_view what,
                              std::string_view reason = {}) const;

 private:
  Client(rd_kafka_t* handle, std::shared_ptr<Health> health, std::shared_ptr<void> keep)
      : handle_(handle), health_(std::move(health)), keep_(std::move(keep)) {}

  rd_kafka_t* handle_;
  std::shared_ptr<Health> health_;
  std::shared_ptr<void> keep_;
  std::mutex mutex_;
  std::vector<rd_kafka_topic_t*> topics_;
};

}  // namespace dropline::stream::kafka
