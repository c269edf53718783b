#include "kafka_membership.hpp"

#include <algorithm>

#include "translate.hpp"

namespace dropline::stream::kafka {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// The destructor leaves the group within so long; Client's own end comes on top.
constexpr milliseconds kLeaveLimit{500};
/// While leaving: how often it is looked whether the group has let go.
constexpr milliseconds kLeaveTick{20};

milliseconds left_until(Clock::time_point until) {
  return std::max(std::chrono::ceil<milliseconds>(until - Clock::now()), milliseconds(0));
}

}  // namespace

Result<std::unique_ptr<Membership>> KafkaMembership::join(const KafkaOptions& options,
                                                          const std::string& group,
                                                          const std::string& anchor_topic,
                                                          const std::string& member) {
  if (group.empty()) return error(Errc::bad_config, "a consumer group needs a name");
  if (anchor_topic.empty())
    return error(Errc::bad_config, "a consumer group needs an anchor topic");
  const Member self{group, member.empty() ? options.client_id : member};
  auto conf = make_conf(options, Role::membership, &self);
  if (!conf) return conf.error();
  rd_kafka_conf_set_events(conf->get(), RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
  auto client = Client::open(options, Role::membership, std::move(*conf));
  if (!client) return client.error();
  rd_kafka_poll_set_consumer((*client)->get());
  const auto topics = make_partition_list(1);
  rd_kafka_topic_partition_list_add(topics.get(), anchor_topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const auto code = rd_kafka_subscribe((*client)->get(), topics.get()))
    return translated(code, "joining group " + group);
  return std::unique_ptr<Membership>(
      new KafkaMembership(std::move(*client), anchor_topic, options.max_poll_interval));
}

KafkaMembership::KafkaMembership(std::shared_ptr<Client> client, std::string anchor_topic,
                                 milliseconds max_poll_interval)
    : client_(std::move(client)),
      queue_(rd_kafka_queue_get_consumer(client_->get())),
      anchor_topic_(std::move(anchor_topic)),
      max_poll_interval_(max_poll_interval) {}

KafkaMembership::~KafkaMembership() {
  leave(kLeaveLimit);
}

void KafkaMembership::confirm_revocation() {
  if (!revoking_) return;
  revoking_ = false;
  owned_.clear();
  rd_kafka_assign(client_->get(), nullptr);
}

Result<MembershipChange> KafkaMembership::poll(milliseconds wait) {
  if (!client_) return error(Errc::closed, "this member has left its group");
  const auto until = Clock::now() + wait;
  // Counted here and not by librdkafka, which knows only of the poll that finds the event: a
  // revocation that waited for so long has been overtaken by the group.
  const bool late = Clock::now() - last_poll_ > max_poll_interval_;
  confirm_revocation();
  MembershipChange change;
  do {
    const Event event(rd_kafka_queue_poll(queue_.get(), timeout_ms(left_until(until))));
    if (!event) continue;
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE)
      rebalance(event.get(), late, change);
    else if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR)
      if (auto status = notice(event.get()); !status) return status.error();
  } while (change.empty() && Clock::now() < until);
  last_poll_ = Clock::now();
  return change;
}

void KafkaMembership::rebalance(rd_kafka_event_t* event, bool late, MembershipChange& change) {
  if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    const auto* given = rd_kafka_event_topic_partition_list(event);
    owned_.clear();
    for (int i = 0; given && i < given->cnt; ++i)
      if (given->elems[i].topic == anchor_topic_) owned_.push_back(given->elems[i].partition);
    std::ranges::sort(owned_);
    change.gained = owned_;
    rd_kafka_assign(client_->get(), make_partition_list(0).get());
    return;
  }
  revoking_ = true;
  if (late || rd_kafka_assignment_lost(client_->get())) {
    change.lost = owned_;
    confirm_revocation();  // others may own them already: nothing is gained by waiting
  } else if (owned_.empty()) {
    confirm_revocation();
  } else {
    change.revoked = owned_;
  }
}

Status KafkaMembership::notice(rd_kafka_event_t* event) {
  const auto code = rd_kafka_event_error(event);
  const char* reason = rd_kafka_event_error_string(event);
  switch (code) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
      return error(Errc::unknown_topic, "the anchor topic " + anchor_topic_ + " does not exist");
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
      return translated(code, "group of " + anchor_topic_, reason);
    default:
      // Connections come back, and a poll that was late shows as a share that is lost.
      client_->health().error(code, reason ? reason : "");
      return {};
  }
}

void KafkaMembership::report(std::span<const Position> positions) {
  // A commit between two shares would only be refused, and the refusal would cost the next one.
  if (!client_ || revoking_ || owned_.empty()) return;
  const auto list = make_partition_list(positions.size());
  for (const Position& position : positions) {
    if (position.offset < 0 || !std::ranges::binary_search(owned_, position.at.partition)) continue;
    rd_kafka_topic_partition_list_add(list.get(), position.at.topic.c_str(), position.at.partition)
        ->offset = position.offset;
  }
  if (list->cnt > 0) rd_kafka_commit(client_->get(), list.get(), 1);
}

void KafkaMembership::leave(milliseconds limit) {
  if (!client_) return;
  const auto until = Clock::now() + limit;
  confirm_revocation();
  if (rd_kafka_error_t* failure = rd_kafka_consumer_close_queue(client_->get(), queue_.get()))
    rd_kafka_error_destroy(failure);
  while (!rd_kafka_consumer_closed(client_->get()) && Clock::now() < until) {
    const Event event(
        rd_kafka_queue_poll(queue_.get(), timeout_ms(std::min(left_until(until), kLeaveTick))));
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE)
      rd_kafka_assign(client_->get(), nullptr);
  }
  owned_.clear();
  queue_.reset();
  client_.reset();
}

}  // namespace dropline::stream::kafka
