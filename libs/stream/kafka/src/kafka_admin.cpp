#include "kafka_admin.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include "translate.hpp"

namespace dropline::stream::kafka {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// While waiting for the cluster to show what was asked of it: how often it is looked.
constexpr milliseconds kLookTick{20};
/// librdkafka refuses time-outs below one millisecond.
constexpr milliseconds kLeastTimeout{1};

milliseconds left_until(Clock::time_point until) {
  return std::max(std::chrono::ceil<milliseconds>(until - Clock::now()), kLeastTimeout);
}

template <class Type, auto destroy>
struct Deleter {
  void operator()(Type* object) const noexcept { destroy(object); }
};
using NewTopic =
    std::unique_ptr<rd_kafka_NewTopic_t, Deleter<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>>;
using DeleteTopic = std::unique_ptr<rd_kafka_DeleteTopic_t,
                                    Deleter<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy>>;
using DeleteRecords =
    std::unique_ptr<rd_kafka_DeleteRecords_t,
                    Deleter<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t,
                    Deleter<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>>;
using Metadata = std::unique_ptr<const rd_kafka_metadata_t,
                                 Deleter<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>>;

template <class Owner>
auto pointers(const std::vector<Owner>& owners) {
  std::vector<typename Owner::pointer> raw;
  for (const Owner& owner : owners)
    raw.push_back(owner.get());
  return raw;
}

Error wrong_count(const TopicSpec& spec, std::int32_t found) {
  return error(Errc::wrong_partition_count,
               "topic " + spec.name + " has " + std::to_string(found) + " partitions, not " +
                   std::to_string(spec.partitions) +
                   "; keys would change their partitions: use another topic prefix, or configure " +
                   std::to_string(found) + " partitions everywhere");
}

/// The first error among topic results, but for those of `pardoned`.
Status first_error(const rd_kafka_topic_result_t* const* results, std::size_t count,
                   rd_kafka_resp_err_t pardoned, const std::string& what) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = rd_kafka_topic_result_error(results[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == pardoned) continue;
    const char* reason = rd_kafka_topic_result_error_string(results[i]);
    return translated(code, what + " " + rd_kafka_topic_result_name(results[i]),
                      reason ? reason : "");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Admin>> KafkaAdmin::open(const KafkaOptions& options, milliseconds limit) {
  auto conf = make_conf(options, Role::admin);
  if (!conf) return conf.error();
  auto client = Client::open(options, Role::admin, std::move(*conf));
  if (!client) return client.error();
  return std::unique_ptr<Admin>(new KafkaAdmin(std::move(*client), std::max(limit, kLeastTimeout),
                                               options.replication_factor,
                                               options.min_insync_replicas));
}

KafkaAdmin::KafkaAdmin(std::shared_ptr<Client> client, milliseconds limit,
                       std::optional<std::int16_t> replicas, std::optional<std::int16_t> min_insync)
    : client_(std::move(client)), limit_(limit), replicas_(replicas), min_insync_(min_insync) {}

Result<KafkaAdmin::Topics> KafkaAdmin::look(Until until) {
  const rd_kafka_metadata_t* raw = nullptr;
  const auto code =
      rd_kafka_metadata(client_->get(), 1, nullptr, &raw, timeout_ms(left_until(until)));
  rd_kafka_poll(client_->get(), 0);  // errors of connections, for explain()
  if (code) return client_->explain(code, "asking for the cluster's topics");
  const Metadata metadata(raw);
  Topics topics;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const auto& topic = metadata->topics[i];
    if (topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    const std::span partitions(topic.partitions, static_cast<std::size_t>(topic.partition_cnt));
    const bool ready =
        !partitions.empty() && std::ranges::all_of(partitions, [](const auto& partition) {
          return partition.err == RD_KAFKA_RESP_ERR_NO_ERROR && partition.leader >= 0;
        });
    topics[topic.topic] = {topic.partition_cnt, ready};
  }
  return topics;
}

template <class Done>
Status KafkaAdmin::wait_for(Until until, const std::string& what, Done done) {
  while (true) {
    auto topics = look(until);
    if (!topics) return topics.error();
    if (done(*topics)) return {};
    if (Clock::now() >= until)
      return error(Errc::timed_out,
                   what + " took longer than " + std::to_string(limit_.count()) + " ms");
    std::this_thread::sleep_for(kLookTick);
  }
}

template <class Request>
Result<Event> KafkaAdmin::run(rd_kafka_admin_op_t operation, const std::string& what, Until until,
                              Request request) {
  const Queue queue(rd_kafka_queue_new(client_->get()));
  const AdminOptions options(rd_kafka_AdminOptions_new(client_->get(), operation));
  const int left = timeout_ms(left_until(until));
  std::array<char, 256> reason{};
  auto code =
      rd_kafka_AdminOptions_set_request_timeout(options.get(), left, reason.data(), reason.size());
  // Deleting records is not an operation that the controller finishes later.
  if (!code)
    code = rd_kafka_AdminOptions_set_operation_timeout(options.get(), left, reason.data(),
                                                       reason.size());
  if (code) return translated(code, what, reason.data());
  request(options.get(), queue.get());
  Event event(rd_kafka_queue_poll(queue.get(), left));
  rd_kafka_poll(client_->get(), 0);
  if (!event) return client_->explain(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
  if (const auto failure = rd_kafka_event_error(event.get()))
    return client_->explain(failure, what, rd_kafka_event_error_string(event.get()));
  return event;
}

Status KafkaAdmin::ensure_topics(std::span<const TopicSpec> topics) {
  const Until until = deadline();
  auto seen = look(until);
  if (!seen) return seen.error();
  std::map<std::string_view, const TopicSpec*> missing;
  for (const TopicSpec& spec : topics) {
    const auto found = seen->find(spec.name);
    if (found == seen->end()) {
      const auto [at, added] = missing.try_emplace(spec.name, &spec);
      if (!added && at->second->partitions != spec.partitions)
        return wrong_count(spec, at->second->partitions);
    } else if (found->second.partitions != spec.partitions) {
      return wrong_count(spec, found->second.partitions);
    }
  }
  std::vector<const TopicSpec*> specs;
  for (const auto& [name, spec] : missing)
    specs.push_back(spec);
  if (!specs.empty())
    if (auto status = create(specs, until); !status) return status;
  // Another process may have made one meanwhile, with another number.
  Status counts;
  auto status = wait_for(until, "making topics", [&](const Topics& now) {
    return std::ranges::all_of(topics, [&](const TopicSpec& spec) {
      const auto found = now.find(spec.name);
      if (found == now.end() || !found->second.ready) return false;
      if (found->second.partitions != spec.partitions)
        counts = wrong_count(spec, found->second.partitions);
      return true;
    });
  });
  return status ? counts : status;
}

Status KafkaAdmin::create(std::span<const TopicSpec* const> missing, Until until) {
  std::vector<NewTopic> made;
  for (const TopicSpec* spec : missing) {
    std::array<char, 256> reason{};
    NewTopic topic(rd_kafka_NewTopic_new(spec->name.c_str(), spec->partitions,
                                         replicas_.value_or(-1), reason.data(), reason.size()));
    if (!topic)
      return error(Errc::bad_config,
                   "topic \"" + spec->name + "\" cannot be made: " + reason.data());
    const auto set = [&](const char* name, const std::string& value) {
      rd_kafka_NewTopic_set_config(topic.get(), name, value.c_str());
    };
    set("message.timestamp.type", spec->append_time ? "LogAppendTime" : "CreateTime");
    set("cleanup.policy", spec->cleanup == Cleanup::compact ? "compact" : "delete");
    set("retention.ms", std::to_string(spec->retention ? spec->retention->count() : -1));
    set("retention.bytes", "-1");
    if (min_insync_) set("min.insync.replicas", std::to_string(*min_insync_));
    made.push_back(std::move(topic));
  }
  auto raw = pointers(made);
  auto event = run(RD_KAFKA_ADMIN_OP_CREATETOPICS, "making topics", until,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_CreateTopics(client_->get(), raw.data(), raw.size(), options, queue);
                   });
  if (!event) return event.error();
  std::size_t count = 0;
  const auto* results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  return first_error(results, count, RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS, "making topic");
}

Result<std::vector<std::optional<std::int32_t>>> KafkaAdmin::partitions(
    std::span<const std::string> topics) {
  auto seen = look(deadline());
  if (!seen) return seen.error();
  std::vector<std::optional<std::int32_t>> counts;
  for (const std::string& name : topics) {
    const auto found = seen->find(name);
    counts.push_back(found == seen->end() ? std::nullopt : std::optional(found->second.partitions));
  }
  return counts;
}

Status KafkaAdmin::truncate(const TopicPartition& at, std::int64_t offset) {
  const Until until = deadline();
  const std::string place = at.topic + " partition " + std::to_string(at.partition);
  auto seen = look(until);
  if (!seen) return seen.error();
  const auto found = seen->find(at.topic);
  if (found == seen->end())
    return error(Errc::unknown_topic, "topic " + at.topic + " does not exist");
  if (at.partition < 0 || at.partition >= found->second.partitions)
    return error(Errc::bad_partition, "there is no " + place);
  const auto list = make_partition_list(1);
  rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition)->offset = offset;
  const DeleteRecords request(rd_kafka_DeleteRecords_new(list.get()));
  auto* raw = request.get();
  auto event = run(RD_KAFKA_ADMIN_OP_DELETERECORDS, "truncating " + place, until,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteRecords(client_->get(), &raw, 1, options, queue);
                   });
  if (!event) return event.error();
  const auto* result =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event->get()));
  if (result->cnt == 1 && result->elems[0].err)
    return client_->explain(result->elems[0].err,
                            "truncating " + place + " to " + std::to_string(offset));
  return {};
}

Status KafkaAdmin::remove_topics(std::span<const std::string> topics) {
  const Until until = deadline();
  std::vector<std::string> names(topics.begin(), topics.end());
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  if (names.empty()) return {};
  std::vector<DeleteTopic> doomed;
  for (const std::string& name : names)
    doomed.emplace_back(rd_kafka_DeleteTopic_new(name.c_str()));
  auto raw = pointers(doomed);
  auto event = run(RD_KAFKA_ADMIN_OP_DELETETOPICS, "removing topics", until,
                   [&](rd_kafka_AdminOptions_t* options, rd_kafka_queue_t* queue) {
                     rd_kafka_DeleteTopics(client_->get(), raw.data(), raw.size(), options, queue);
                   });
  if (!event) return event.error();
  std::size_t count = 0;
  const auto* results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event->get()), &count);
  if (auto status =
          first_error(results, count, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "removing topic");
      !status)
    return status;
  return wait_for(until, "removing topics", [&](const Topics& now) {
    return std::ranges::none_of(names, [&](const auto& name) { return now.contains(name); });
  });
}

}  // namespace dropline::stream::kafka
