#include "kafka_consumer.hpp"

#include <algorithm>
#include <charconv>
#include <memory_resource>
#include <thread>

#include "translate.hpp"

namespace dropline::stream::kafka {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// assign() at the end of a log asks the broker where that is, for so long.
constexpr milliseconds kEndLimit{5'000};
/// extents() without a connection: how soon it tries again.
constexpr milliseconds kAskAgain{20};

milliseconds left_until(Clock::time_point until) {
  return std::max(std::chrono::ceil<milliseconds>(until - Clock::now()), milliseconds(0));
}

struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const noexcept { rd_kafka_message_destroy(message); }
};
using Message = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;

std::optional<std::string_view> view(const void* data, std::size_t size) {
  if (!data) return std::nullopt;
  return std::string_view(static_cast<const char*>(data), size);
}

/// Errors that librdkafka reports once and gets over by itself.
bool passes_by_itself(rd_kafka_resp_err_t code) {
  const Errc translation = translate(code);
  if (translation == Errc::position_lost || translation == Errc::unknown_topic ||
      translation == Errc::bad_partition || translation == Errc::too_large ||
      translation == Errc::corrupt)
    return false;
  switch (code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
      return false;
    default:
      return true;
  }
}

/// That a topic or partition does not exist comes as an error event with the place in words:
/// "topic [3]: topic does not exist (…)".
std::optional<TopicPartition> place_in(std::string_view reason) {
  const auto open = reason.find(" [");
  if (open == std::string_view::npos) return std::nullopt;
  TopicPartition at{std::string(reason.substr(0, open)), 0};
  const char* end = reason.data() + reason.size();
  const auto parsed = std::from_chars(reason.data() + open + 2, end, at.partition);
  if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != ']') return std::nullopt;
  return at;
}

}  // namespace

/// One poll's messages with their headers; the Batch's owner.
class KafkaConsumer::Fetched {
 public:
  Fetched(std::shared_ptr<Client> client, std::size_t expected) : client_(std::move(client)) {
    records.reserve(expected);
    messages_.reserve(expected);
  }

  std::vector<Record> records;
  std::vector<PartitionError> errors;

  void add(Message message, std::string_view topic) {
    Record record;
    record.topic = topic;
    record.partition = message->partition;
    record.offset = message->offset;
    record.append_time = from_unix_ms(rd_kafka_message_timestamp(message.get(), nullptr));
    record.key = view(message->key, message->key_len);
    record.value = view(message->payload, message->len);
    record.headers = headers(*message);
    records.push_back(record);
    messages_.push_back(std::move(message));
  }

 private:
  std::span<const Header> headers(const rd_kafka_message_t& message) {
    rd_kafka_headers_t* parsed = nullptr;
    if (rd_kafka_message_headers(&message, &parsed) != RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    const std::size_t count = rd_kafka_header_cnt(parsed);
    auto* headers = static_cast<Header*>(arena_.allocate(count * sizeof(Header), alignof(Header)));
    for (std::size_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      const void* value = nullptr;
      std::size_t size = 0;
      rd_kafka_header_get_all(parsed, i, &name, &value, &size);
      new (headers + i) Header{name, view(value, size)};
    }
    return {headers, count};
  }

  // Destroyed in reverse: messages refer to the client's handle.
  std::shared_ptr<Client> client_;
  std::pmr::monotonic_buffer_resource arena_;
  std::vector<Message> messages_;
};

Result<std::unique_ptr<Consumer>> KafkaConsumer::open(const KafkaOptions& options) {
  auto conf = make_conf(options, Role::consumer);
  if (!conf) return conf.error();
  auto client = Client::open(options, Role::consumer, std::move(*conf));
  if (!client) return client.error();
  return std::unique_ptr<Consumer>(new KafkaConsumer(
      std::move(*client), options.max_fetched_records, options.max_fetched_bytes));
}

KafkaConsumer::KafkaConsumer(std::shared_ptr<Client> client, std::size_t max_records,
                             std::size_t max_bytes)
    : client_(std::move(client)),
      queue_(rd_kafka_queue_new(client_->get())),
      max_records_(max_records),
      max_bytes_(max_bytes) {
  // Errors and statistics are then seen by whoever polls for records.
  const Queue main(rd_kafka_queue_get_main(client_->get()));
  rd_kafka_queue_forward(main.get(), queue_.get());
  client_->health().tell_others([this](rd_kafka_resp_err_t code, std::string_view reason) {
    if (passes_by_itself(code)) return;
    if (auto at = place_in(reason)) {
      auto why = translated(code, at->topic + " partition " + std::to_string(at->partition));
      missing_.push_back({std::move(*at), std::move(why)});
      rd_kafka_yield(client_->get());  // ends the wait that this came in
    }
  });
}

KafkaConsumer::~KafkaConsumer() {
  for (auto& [name, topic] : topics_)
    for (auto& [number, partition] : topic.partitions)
      stop(topic, number, partition);
  const Queue main(rd_kafka_queue_get_main(client_->get()));
  rd_kafka_queue_forward(main.get(), nullptr);
  client_->health().tell_others({});
}

Result<KafkaConsumer::Topic*> KafkaConsumer::topic(const std::string& name) {
  const auto [at, added] = topics_.try_emplace(name);
  Topic& topic = at->second;
  if (!added) return &topic;
  topic.name = name;
  auto handle = client_->add_topic(name, &topic);
  if (!handle) {
    topics_.erase(at);
    return handle.error();
  }
  topic.handle = *handle;
  topic.lasting_name = rd_kafka_topic_name(topic.handle);
  return &topic;
}

Status KafkaConsumer::assign(std::span<const Position> positions) {
  for (const Position& position : positions) {
    if (position.at.partition < 0)
      return error(Errc::bad_partition, "topic " + position.at.topic + " has no partition " +
                                            std::to_string(position.at.partition));
    if (position.offset < Position::kStart)
      return error(Errc::position_lost, "there is no offset " + std::to_string(position.offset));
    if (auto known = topic(position.at.topic); !known) return known.error();
  }
  auto resolved = resolve_ends(positions);
  if (!resolved) return resolved.error();
  for (const Position& position : *resolved) {
    auto known = topic(position.at.topic);
    if (!known) return known.error();
    if (auto status = start(**known, position.at.partition, position.offset); !status)
      return status;
  }
  return {};
}

Result<std::vector<Position>> KafkaConsumer::resolve_ends(std::span<const Position> positions) {
  // Left to librdkafka, the end would be where the log ends some time after this call.
  std::vector<Position> resolved(positions.begin(), positions.end());
  std::vector<TopicPartition> at_end;
  for (const Position& position : positions)
    if (position.offset == Position::kEnd) at_end.push_back(position.at);
  if (at_end.empty()) return resolved;
  auto ends = ask(at_end, RD_KAFKA_OFFSET_END, kEndLimit);
  if (!ends) return ends.error();
  auto end = ends->begin();
  for (Position& position : resolved)
    if (position.offset == Position::kEnd) position.offset = *end++;
  return resolved;
}

Status KafkaConsumer::start(Topic& topic, std::int32_t number, std::int64_t offset) {
  Partition& partition = topic.partitions[number];
  stop(topic, number, partition);
  if (rd_kafka_consume_start_queue(topic.handle, number, offset, queue_.get()) != 0)
    return translated(rd_kafka_last_error(), "reading " + topic.name + " partition " +
                                                 std::to_string(number) + " did not start");
  partition = {offset, true};
  return {};
}

void KafkaConsumer::stop(Topic& topic, std::int32_t number, Partition& partition) {
  if (!partition.fetching) return;
  // Marks all that was fetched before as outdated; the queue drops it when it is met.
  rd_kafka_consume_stop(topic.handle, number);
  partition.fetching = false;
}

Status KafkaConsumer::unassign(std::span<const TopicPartition> partitions) {
  for (const TopicPartition& at : partitions) {
    const auto topic = topics_.find(at.topic);
    if (topic == topics_.end()) continue;
    const auto partition = topic->second.partitions.find(at.partition);
    if (partition == topic->second.partitions.end()) continue;
    stop(topic->second, at.partition, partition->second);
    topic->second.partitions.erase(partition);
  }
  return {};
}

Result<Batch> KafkaConsumer::poll(std::size_t max, milliseconds wait) {
  const auto until = Clock::now() + wait;
  const auto fetched =
      std::make_shared<Fetched>(client_, std::min(max, rd_kafka_queue_length(queue_.get())));
  Cursor cursor;
  if (woken_.exchange(false)) wait = milliseconds(0);
  while (fetched->records.size() < max) {
    const bool waits = wait.count() > 0 && fetched->records.empty() && fetched->errors.empty();
    rd_kafka_message_t* message =
        rd_kafka_consume_queue(queue_.get(), waits ? timeout_ms(left_until(until)) : 0);
    if (message)
      take(message, cursor, *fetched);
    else if (!waits || !missing_.empty() || woken_.exchange(false) || Clock::now() >= until)
      break;
  }
  take_missing(*fetched);
  nudge();
  auto records = std::move(fetched->records);
  auto errors = std::move(fetched->errors);
  return Batch(std::move(records), std::move(errors), fetched);
}

void KafkaConsumer::take(rd_kafka_message_t* raw, Cursor& cursor, Fetched& fetched) {
  Message message(raw);
  // Not a partition's: errors of connections go to their callback.
  if (!message->rkt) return;
  if (message->rkt != cursor.handle || message->partition != cursor.number) {
    auto& topic = *static_cast<Topic*>(rd_kafka_topic_opaque(message->rkt));
    const auto found = topic.partitions.find(message->partition);
    if (found == topic.partitions.end()) return;
    cursor = {message->rkt, message->partition, &topic, &found->second};
  }
  Partition& partition = *cursor.partition;
  if (!partition.fetching) return;
  if (message->err) return take_error(*message, *cursor.topic, partition, fetched);
  partition.next = message->offset + 1;
  ++read_records_;
  read_bytes_ += message->len + message->key_len;
  fetched.add(std::move(message), cursor.topic->lasting_name);
}

void KafkaConsumer::take_missing(Fetched& fetched) {
  for (PartitionError& missing : std::exchange(missing_, {})) {
    const auto topic = topics_.find(missing.at.topic);
    if (topic == topics_.end()) continue;
    const auto partition = topic->second.partitions.find(missing.at.partition);
    if (partition == topic->second.partitions.end() || !partition->second.fetching) continue;
    stop(topic->second, missing.at.partition, partition->second);
    fetched.errors.push_back(std::move(missing));
  }
}

void KafkaConsumer::take_error(const rd_kafka_message_t& message, Topic& topic,
                               Partition& partition, Fetched& fetched) {
  const auto code = message.err;
  if (passes_by_itself(code)) return;
  const auto number = message.partition;
  // librdkafka does not mark this error with the assignment it belongs to. It may be about a fetch
  // of before the last seek, and fetching has stopped all the same: begin again where this reader
  // stands, and believe it only when it is about that place.
  if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && message.offset != partition.next) {
    if (start(topic, number, partition.next)) return;
  }
  stop(topic, number, partition);
  const std::string place = topic.name + " partition " + std::to_string(number);
  Error why = translated(code, place, rd_kafka_message_errstr(&message));
  if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
    why = error(Errc::position_lost, "the log does not hold offset " +
                                         std::to_string(message.offset) + " of " + place +
                                         ": it was truncated, or started over");
  fetched.errors.push_back({{topic.name, number}, std::move(why)});
}

void KafkaConsumer::nudge() {
  // With a full queue librdkafka stops fetching, and looks again only when something stirs its
  // broker thread, at the latest after a second. Any request stirs it: the answer is not waited
  // for. Done once for each half of the queue that was read, so some nudges find nothing asleep.
  if (read_records_ < max_records_ / 2 && read_bytes_ < max_bytes_ / 2) return;
  if (rd_kafka_queue_length(queue_.get()) > max_records_ / 2) return;
  read_records_ = 0;
  read_bytes_ = 0;
  for (const auto& [name, topic] : topics_)
    for (const auto& [number, partition] : topic.partitions)
      if (partition.fetching) {
        std::int64_t low = 0;
        std::int64_t high = 0;
        rd_kafka_query_watermark_offsets(client_->get(), name.c_str(), number, &low, &high, 0);
        break;  // one a topic reaches the brokers, or most of them
      }
}

void KafkaConsumer::wake() {
  woken_ = true;
  rd_kafka_queue_yield(queue_.get());
}

Result<std::vector<std::int64_t>> KafkaConsumer::ask(std::span<const TopicPartition> partitions,
                                                     std::int64_t which, milliseconds limit) {
  if (partitions.empty()) return std::vector<std::int64_t>{};
  const auto list = make_partition_list(partitions.size());
  for (const TopicPartition& at : partitions) {
    if (!rd_kafka_topic_partition_list_find(list.get(), at.topic.c_str(), at.partition))
      rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition)->offset = which;
  }
  // The protocol's "times" -2 and -1 mean the start and the end, so one request a broker answers
  // for all of its partitions. Where no connection stands yet it fails at once.
  const auto until = Clock::now() + limit;
  auto code = RD_KAFKA_RESP_ERR_NO_ERROR;
  while ((code = rd_kafka_offsets_for_times(client_->get(), list.get(),
                                            timeout_ms(left_until(until)))) !=
         RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (translate(code) != Errc::unreachable || Clock::now() + kAskAgain >= until) break;
    std::this_thread::sleep_for(kAskAgain);
    for (int i = 0; i < list->cnt; ++i)
      list->elems[i].offset = which;
  }
  std::vector<std::int64_t> offsets;
  for (const TopicPartition& at : partitions) {
    const auto* found =
        rd_kafka_topic_partition_list_find(list.get(), at.topic.c_str(), at.partition);
    if (found->err && found->err != RD_KAFKA_RESP_ERR__IN_PROGRESS)
      return client_->explain(found->err, at.topic + " partition " + std::to_string(at.partition));
    offsets.push_back(found->offset);
  }
  if (code) return client_->explain(code, "asking where partitions start and end");
  return offsets;
}

Result<std::vector<Extent>> KafkaConsumer::extents(std::span<const TopicPartition> partitions,
                                                   milliseconds limit) {
  const auto until = Clock::now() + limit;
  // The start first: it only grows, so it is never beyond the end that is asked for later.
  auto starts = ask(partitions, RD_KAFKA_OFFSET_BEGINNING, limit);
  if (!starts) return starts.error();
  auto ends = ask(partitions, RD_KAFKA_OFFSET_END, left_until(until));
  if (!ends) return ends.error();
  std::vector<Extent> extents;
  for (std::size_t i = 0; i < partitions.size(); ++i)
    extents.push_back({(*starts)[i], std::max((*starts)[i], (*ends)[i])});
  return extents;
}

std::string KafkaConsumer::health() const {
  return client_->health().text();
}

}  // namespace dropline::stream::kafka
