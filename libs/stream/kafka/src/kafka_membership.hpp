#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client.hpp"
#include "dropline/stream/membership.hpp"

namespace dropline::stream::kafka {

/// A share in a Kafka consumer group. Answers every assignment with an empty local one: the group
/// counts the partitions as this member's, and nothing is fetched.
class KafkaMembership final : public Membership {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Membership>> join(const KafkaOptions& options,
                                                                const std::string& group,
                                                                const std::string& anchor_topic,
                                                                const std::string& member);
  ~KafkaMembership() override;

  Result<MembershipChange> poll(std::chrono::milliseconds wait) override;
  void report(std::span<const Position> positions) override;
  void leave(std::chrono::milliseconds limit) override;

 private:
  KafkaMembership(std::shared_ptr<Client> client, std::string anchor_topic,
                  std::chrono::milliseconds max_poll_interval);

  void rebalance(rd_kafka_event_t* event, bool late, MembershipChange& change);
  [[nodiscard]] Status notice(rd_kafka_event_t* event);
  void confirm_revocation();

  std::shared_ptr<Client> client_;
  Queue queue_;
  const std::string anchor_topic_;
  const std::chrono::milliseconds max_poll_interval_;
  std::chrono::steady_clock::time_point last_poll_ = std::chrono::steady_clock::now();
  std::vector<std::int32_t> owned_;
  bool revoking_ = false;  ///< told to the caller, not yet to the group
};

}  // namespace dropline::stream::kafka
