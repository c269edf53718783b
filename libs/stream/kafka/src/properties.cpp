#include "properties.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <type_traits>

#include "dropline/stream/errors.hpp"

namespace dropline::stream::kafka {
namespace {

constexpr std::array kRoles{Role::producer, Role::consumer, Role::membership, Role::admin};

struct Reserved {
  std::string_view property;
  std::string_view why;
};

constexpr std::string_view kOption = "it has an option of its own in KafkaOptions";
constexpr std::string_view kDurable = "acknowledged records must survive, in order and once";
constexpr std::string_view kPositions = "positions are kept in the database";

/// Properties on which a promise of the ports rests.
constexpr std::array kReserved{
    Reserved{"bootstrap.servers", kOption},
    Reserved{"metadata.broker.list", kOption},
    Reserved{"client.id", kOption},
    Reserved{"enable.gapless.guarantee", kOption},
    Reserved{"message.timeout.ms", kOption},
    Reserved{"delivery.timeout.ms", kOption},
    Reserved{"acks", kDurable},
    Reserved{"request.required.acks", kDurable},
    Reserved{"enable.idempotence", kDurable},
    Reserved{"queuing.strategy", kDurable},
    Reserved{"transactional.id", "records are published through an outbox, not by transactions"},
    Reserved{"delivery.report.only.error", "every record taken is reported"},
    Reserved{"partitioner", "every client must choose the same partition for a key (murmur2)"},
    Reserved{"partitioner_cb", "every client must choose the same partition for a key (murmur2)"},
    Reserved{"enable.auto.commit", kPositions},
    Reserved{"auto.commit.enable", kPositions},
    Reserved{"enable.auto.offset.store", kPositions},
    Reserved{"auto.offset.reset", "a position that is lost must be noticed, not replaced"},
    Reserved{"enable.partition.eof", "the end of a partition is no event"},
    Reserved{"isolation.level", "a record of an aborted transaction must not be acted on"},
    Reserved{"group.id", "it is given to join()"},
    Reserved{"group.instance.id", "a static member keeps its share after it has left"},
    Reserved{"partition.assignment.strategy",
             "a shard is one partition number of every topic, divided by `range`"},
    Reserved{"statistics.interval.ms", "health() lives on it"},
};

class Builder final {
 public:
  Builder() : conf_(rd_kafka_conf_new()) {}

  void set(const std::string& name, const std::string& value) {
    if (!status_) return;
    std::array<char, 512> reason{};
    if (rd_kafka_conf_set(conf_.get(), name.c_str(), value.c_str(), reason.data(), reason.size()) ==
        RD_KAFKA_CONF_OK)
      return;
    status_ = error(Errc::bad_config, "Kafka property " + name + ": " + reason.data());
  }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  void set(const std::string& name, Number value) { set(name, std::to_string(value)); }
  void set(const std::string& name, std::chrono::milliseconds value) { set(name, value.count()); }

  [[nodiscard]] bool ok() const noexcept { return status_.has_value(); }
  [[nodiscard]] Result<Conf> take() {
    if (!status_) return status_.error();
    return std::move(conf_);
  }

 private:
  Conf conf_;
  Status status_;
};

void set_common(Builder& conf, const KafkaOptions& options) {
  conf.set("bootstrap.servers", options.brokers);
  conf.set("client.id", options.client_id);
  // Small requests and answers must not wait for each other's acknowledgements.
  conf.set("socket.nagle.disable", "true");
  conf.set("socket.keepalive.enable", "true");
  // A broker that hangs is left after so long; one that returns is found within a second.
  conf.set("socket.timeout.ms", 15'000);
  conf.set("socket.connection.setup.timeout.ms", 5'000);
  conf.set("reconnect.backoff.ms", 50);
  conf.set("reconnect.backoff.max.ms", 1'000);
  conf.set("allow.auto.create.topics", "false");
  // How long a topic that the cluster does not know is taken for new rather than missing.
  conf.set("topic.metadata.propagation.max.ms", 3'000);
  conf.set("topic.metadata.refresh.interval.ms", 60'000);
  conf.set("statistics.interval.ms", 1'000);
}

void set_producer(Builder& conf, const KafkaOptions& options) {
  conf.set("enable.idempotence", "true");
  conf.set("acks", "all");
  conf.set("enable.gapless.guarantee", options.gapless ? "true" : "false");
  conf.set("message.timeout.ms", options.message_timeout);
  conf.set("linger.ms", static_cast<double>(options.linger.count()) / 1000.0);
  conf.set("compression.codec", "lz4");
  conf.set("retry.backoff.ms", 50);
  conf.set("request.timeout.ms", 10'000);
  // Ours is the bound that counts (in_flight.hpp); these only must not be lower.
  conf.set("queue.buffering.max.messages", options.max_in_flight_records);
  conf.set("queue.buffering.max.kbytes", options.max_in_flight_bytes / 1024 + 1024);
}

void set_reader(Builder& conf) {
  conf.set("enable.auto.commit", "false");
  conf.set("auto.offset.reset", "error");
  conf.set("enable.partition.eof", "false");
  conf.set("isolation.level", "read_committed");
}

void set_consumer(Builder& conf, const KafkaOptions& options) {
  set_reader(conf);
  conf.set("fetch.wait.max.ms", options.fetch_wait);
  conf.set("fetch.min.bytes", options.fetch_bytes);
  conf.set("fetch.max.bytes", 16 << 20);
  conf.set("fetch.message.max.bytes", 1 << 20);
  conf.set("fetch.error.backoff.ms", 100);
  conf.set("queued.min.messages", options.max_fetched_records);
  conf.set("queued.max.messages.kbytes", options.max_fetched_bytes / 1024);
  conf.set("check.crcs", "true");
}

void set_membership(Builder& conf, const KafkaOptions& options, const Member& member) {
  set_reader(conf);
  conf.set("client.id", member.name);
  conf.set("group.id", member.group);
  conf.set("partition.assignment.strategy", "range");
  conf.set("session.timeout.ms", options.session_timeout);
  // A member hears of a rebalance with a heartbeat's answer: these few bytes decide how long a
  // share stands still when somebody joins.
  conf.set("heartbeat.interval.ms",
           std::max<std::int64_t>(options.session_timeout.count() / 12, 1));
  conf.set("max.poll.interval.ms", options.max_poll_interval);
}

/// The property's own name where it concerns that role, else nothing.
std::optional<std::string> concerns(const std::string& property, Role role) {
  for (const Role other : kRoles) {
    const std::string prefix = std::string(name_of(other)) + ".";
    if (!property.starts_with(prefix)) continue;
    if (other != role) return std::nullopt;
    return property.substr(prefix.size());
  }
  return property;
}

Status check_reserved(const std::string& property) {
  const auto found = std::ranges::find(kReserved, property, &Reserved::property);
  if (found == kReserved.end()) return {};
  return error(Errc::bad_config,
               "Kafka property " + property + " cannot be set: " + std::string(found->why));
}

Status check_range(std::string_view option, std::int64_t value, std::int64_t least,
                   std::int64_t most) {
  if (value >= least && value <= most) return {};
  return error(Errc::bad_config, "Kafka option " + std::string(option) + " is " +
                                     std::to_string(value) + "; it must lie between " +
                                     std::to_string(least) + " and " + std::to_string(most));
}

constexpr std::int64_t kMostMs = 86'400'000;

Status validate_numbers(const KafkaOptions& options) {
  struct Bound {
    std::string_view option;
    std::int64_t value, least, most;
  };
  const std::array bounds{
      Bound{"partitions", options.partitions.value_or(1), 1, 100'000},
      Bound{"message_timeout", options.message_timeout.count(), 0, kMostMs},
      Bound{"linger", options.linger.count(), 0, 10'000'000},
      Bound{"max_in_flight_records", static_cast<std::int64_t>(options.max_in_flight_records), 1,
            10'000'000},
      Bound{"max_in_flight_bytes", static_cast<std::int64_t>(options.max_in_flight_bytes),
            static_cast<std::int64_t>(kMaxRecordBytes), std::int64_t{1} << 40U},
      Bound{"max_fetched_records", static_cast<std::int64_t>(options.max_fetched_records), 1,
            10'000'000},
      Bound{"max_fetched_bytes", static_cast<std::int64_t>(options.max_fetched_bytes), 1024,
            std::int64_t{2} << 30U},
      Bound{"fetch_bytes", static_cast<std::int64_t>(options.fetch_bytes), 1, 16 << 20},
      Bound{"fetch_wait", options.fetch_wait.count(), 0, 10'000},
      Bound{"session_timeout", options.session_timeout.count(), 1, 3'600'000},
      Bound{"max_poll_interval", options.max_poll_interval.count(), options.session_timeout.count(),
            kMostMs},
      Bound{"replication_factor", options.replication_factor.value_or(1), 1, 32'767},
      Bound{"min_insync_replicas", options.min_insync_replicas.value_or(1), 1,
            options.replication_factor.value_or(32'767)},
  };
  for (const Bound& bound : bounds)
    if (auto status = check_range(bound.option, bound.value, bound.least, bound.most); !status)
      return status;
  return {};
}

}  // namespace

std::string_view name_of(Role role) noexcept {
  switch (role) {
    case Role::producer:
      return "producer";
    case Role::consumer:
      return "consumer";
    case Role::membership:
      return "membership";
    case Role::admin:
      break;
  }
  return "admin";
}

Result<Conf> make_conf(const KafkaOptions& options, Role role, const Member* member) {
  Builder conf;
  set_common(conf, options);
  if (role == Role::producer) set_producer(conf, options);
  if (role == Role::consumer) set_consumer(conf, options);
  if (role == Role::membership)
    set_membership(conf, options, member ? *member : Member{"validation", options.client_id});
  for (const auto& [property, value] : options.properties) {
    const auto name = concerns(property, role);
    if (!name || !conf.ok()) continue;
    if (auto status = check_reserved(*name); !status) return status.error();
    conf.set(*name, value);
  }
  return conf.take();
}

Status validate(const KafkaOptions& options) {
  if (options.brokers.empty())
    return error(Errc::bad_config, "Kafka option brokers is empty; it takes host:port,host:port");
  if (auto status = validate_numbers(options); !status) return status;
  for (const Role role : kRoles)
    if (auto conf = make_conf(options, role); !conf) return conf.error();
  return {};
}

}  // namespace dropline::stream::kafka
