#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client.hpp"
#include "dropline/stream/admin.hpp"

namespace dropline::stream::kafka {

/// The administrative side of KafkaStream.
class KafkaAdmin final : public Admin {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Admin>> open(const KafkaOptions& options,
                                                           std::chrono::milliseconds limit);

  Status ensure_topics(std::span<const TopicSpec> topics) override;
  Result<std::vector<std::optional<std::int32_t>>> partitions(
      std::span<const std::string> topics) override;
  Status truncate(const TopicPartition& at, std::int64_t offset) override;
  Status remove_topics(std::span<const std::string> topics) override;

 private:
  using Until = std::chrono::steady_clock::time_point;

  /// A topic as the cluster shows it: ready once every partition has a leader.
  struct Seen {
    std::int32_t partitions = 0;
    bool ready = false;
  };
  using Topics = std::map<std::string, Seen, std::less<>>;

  KafkaAdmin(std::shared_ptr<Client> client, std::chrono::milliseconds limit,
             std::optional<std::int16_t> replicas, std::optional<std::int16_t> min_insync);

  [[nodiscard]] Until deadline() const { return std::chrono::steady_clock::now() + limit_; }
  [[nodiscard]] Result<Topics> look(Until until);
  template <class Done>
  [[nodiscard]] Status wait_for(Until until, const std::string& what, Done done);
  [[nodiscard]] Status create(std::span<const TopicSpec* const> missing, Until until);
  template <class Request>
  [[nodiscard]] Result<Event> run(rd_kafka_admin_op_t operation, const std::string& what,
                                  Until until, Request request);

  const std::shared_ptr<Client> client_;
  const std::chrono::milliseconds limit_;
  const std::optional<std::int16_t> replicas_;
  const std::optional<std::int16_t> min_insync_;
};

}  // namespace dropline::stream::kafka
