#include "kafka_producer.hpp"

#include <algorithm>
#include <array>

#include "dropline/stream/partitioner.hpp"
#include "translate.hpp"

namespace dropline::stream::kafka {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// How often the serving thread looks for a fatal error where no report wakes it.
constexpr milliseconds kServeTick{100};
/// After a purge librdkafka's threads report what they purged within so long, or not at all.
constexpr milliseconds kPurgeLimit{400};
/// A destructor without close() grants this.
constexpr milliseconds kDestructorLimit{500};

/// librdkafka asks for every record whose partition is not fixed, and asks with the partition count
/// of that moment: the one place to notice that it is not the configured one. Also asked later, on
/// a thread of librdkafka, for records that came before the topic was known.
int32_t choose_partition(const rd_kafka_topic_t*, const void* key, std::size_t size,
                         int32_t partitions, void* topic_opaque, void* message_opaque) {
  auto& topic = *static_cast<ProducerTopic*>(topic_opaque);
  const auto* slot = static_cast<const Slot*>(message_opaque);
  topic.found.store(partitions, std::memory_order_relaxed);
  if (!topic.fits()) return partitions;  // one too far: librdkafka refuses the record
  if (slot->partition >= 0) return slot->partition;
  return partition_of({static_cast<const char*>(key), size}, partitions);
}

Error wrong_count(const ProducerTopic& topic) {
  return error(Errc::wrong_partition_count,
               "topic " + topic.name + " has " + std::to_string(topic.found.load()) +
                   " partitions, configured are " + std::to_string(*topic.expected) +
                   "; make the configuration and the topic agree");
}

Outcome outcome_of(const rd_kafka_message_t& message) {
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) return Outcome::acknowledged;
  switch (rd_kafka_message_status(&message)) {
    case RD_KAFKA_MSG_STATUS_PERSISTED:
      return Outcome::acknowledged;
    case RD_KAFKA_MSG_STATUS_NOT_PERSISTED:
      return Outcome::failed;
    case RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED:
      break;
  }
  return Outcome::unknown;
}

Errc reason_of(const rd_kafka_message_t& message, const ProducerTopic& topic) {
  if (message.err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && !topic.fits())
    return Errc::wrong_partition_count;
  return translate(message.err);
}

}  // namespace

Result<std::unique_ptr<Producer>> KafkaProducer::open(const KafkaOptions& options,
                                                      DeliveryHandler on_delivery) {
  auto conf = make_conf(options, Role::producer);
  if (!conf) return conf.error();
  rd_kafka_conf_set_events(conf->get(), RD_KAFKA_EVENT_DR);
  auto state = std::make_shared<State>(options.max_in_flight_records, options.max_in_flight_bytes);
  auto client = Client::open(options, Role::producer, std::move(*conf), state);
  if (!client) return client.error();
  return std::unique_ptr<Producer>(new KafkaProducer(options.partitions, std::move(state),
                                                     std::move(*client), std::move(on_delivery)));
}

KafkaProducer::KafkaProducer(std::optional<std::int32_t> partitions, std::shared_ptr<State> state,
                             std::shared_ptr<Client> client, DeliveryHandler on_delivery)
    : partitions_(partitions),
      state_(std::move(state)),
      client_(std::move(client)),
      queue_(rd_kafka_queue_get_main(client_->get())),
      on_delivery_(std::move(on_delivery)),
      thread_([this] { serve(); }) {}

KafkaProducer::~KafkaProducer() {
  close(kDestructorLimit);
}

Result<ProducerTopic*> KafkaProducer::topic(std::string_view name) {
  {
    const std::shared_lock lock(state_->mutex);
    if (const auto found = state_->topics.find(name); found != state_->topics.end())
      return &found->second;
  }
  const std::lock_guard lock(state_->mutex);
  const auto [at, added] = state_->topics.try_emplace(std::string(name));
  ProducerTopic& topic = at->second;
  if (!added) return &topic;
  topic.name = at->first;
  topic.expected = partitions_;
  auto handle = client_->add_topic(topic.name, &topic, choose_partition);
  if (!handle) {
    state_->topics.erase(at);
    return handle.error();
  }
  topic.handle = *handle;
  return &topic;
}

Error KafkaProducer::refused(rd_kafka_resp_err_t code, const ProducerTopic& topic) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      if (!topic.fits()) return wrong_count(topic);
      return error(Errc::bad_partition, "topic " + topic.name + " has only " +
                                            std::to_string(topic.found.load()) + " partitions");
    case RD_KAFKA_RESP_ERR__FATAL:
      return *note_fatal();
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
      return error(Errc::unknown_topic, "topic " + topic.name + " does not exist");
    default:
      break;
  }
  return translated(code, "record for topic " + topic.name + " was not taken");
}

Status KafkaProducer::produce(const Draft& draft, ProducerTopic& topic, Slot* slot) {
  // librdkafka takes a null pointer for "no key" and "no value", which differ from empty ones.
  static constexpr char kEmpty = 0;
  const auto pointer = [](std::string_view text) {
    return const_cast<char*>(text.data() ? text.data() : &kEmpty);
  };
  std::array<rd_kafka_vu_t, 7> parts;
  std::size_t count = 0;
  const auto next = [&](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
    parts[count].vtype = type;
    return parts[count++];
  };
  next(RD_KAFKA_VTYPE_RKT).u.rkt = topic.handle;
  next(RD_KAFKA_VTYPE_PARTITION).u.i32 = RD_KAFKA_PARTITION_UA;
  next(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
  next(RD_KAFKA_VTYPE_KEY).u.mem = {pointer(draft.key), draft.key.size()};
  if (draft.value) next(RD_KAFKA_VTYPE_VALUE).u.mem = {pointer(*draft.value), draft.value->size()};
  next(RD_KAFKA_VTYPE_OPAQUE).u.ptr = slot;
  rd_kafka_headers_t* headers = nullptr;
  if (!draft.headers.empty()) {
    headers = rd_kafka_headers_new(draft.headers.size());
    for (const Header& header : draft.headers)
      rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()),
                          header.value ? pointer(*header.value) : nullptr,
                          header.value ? static_cast<ssize_t>(header.value->size()) : 0);
    next(RD_KAFKA_VTYPE_HEADERS).u.headers = headers;
  }
  rd_kafka_error_t* failure = rd_kafka_produceva(client_->get(), parts.data(), count);
  if (!failure) return {};
  const auto code = rd_kafka_error_code(failure);
  rd_kafka_error_destroy(failure);
  if (headers) rd_kafka_headers_destroy(headers);  // they change hands with a record taken
  return refused(code, topic);
}

Status KafkaProducer::send(const Draft& draft, std::uint64_t token) {
  // Counted first and looked second, while close() does the opposite: one of the two sees the
  // other.
  struct Sending {
    explicit Sending(std::atomic<int>& count) : count_(count) { ++count_; }
    ~Sending() {
      if (--count_ == 0) count_.notify_all();
    }
    std::atomic<int>& count_;
  } const sending(sending_);
  if (closed_) return error(Errc::closed, "the producer was closed");
  if (auto status = check(draft); !status) return status;
  auto topic = this->topic(draft.topic);
  if (!topic) return topic.error();
  if (!(*topic)->fits()) return wrong_count(**topic);
  if (draft.partition) {
    const auto count = partitions_.value_or((*topic)->found.load(std::memory_order_relaxed));
    if (*draft.partition < 0 || (count > 0 && *draft.partition >= count))
      return error(Errc::bad_partition, "topic " + (*topic)->name + " has no partition " +
                                            std::to_string(*draft.partition));
  }
  Slot* slot =
      state_->in_flight.take(token, *topic, draft.partition.value_or(-1), record_bytes(draft));
  if (!slot) return error(Errc::queue_full, "too many records wait for the broker's answer");
  auto status = produce(draft, **topic, slot);
  if (!status) state_->in_flight.give_back({&slot, 1});
  return status;
}

void KafkaProducer::serve() {
  while (true) {
    const Event event(rd_kafka_queue_poll(queue_.get(), timeout_ms(kServeTick)));
    if (event && rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_DR) report(event.get());
    // librdkafka purges its queue once at a fatal error. What was under way still gets its answer,
    // and may come back from there into the queue, to wait for ever: so this is done repeatedly.
    if (note_fatal())
      rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
    if (stopping_ && !event) break;
  }
  report_remaining();
}

void KafkaProducer::report(rd_kafka_event_t* event) {
  deliveries_.clear();
  slots_.clear();
  bool placed = true;
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event)) {
    auto* slot = static_cast<Slot*>(message->_private);
    Delivery delivery{slot->token, outcome_of(*message), message->partition, std::nullopt, {}};
    if (delivery.outcome != Outcome::acknowledged)
      delivery.error = make_error_code(reason_of(*message, *slot->topic));
    // An event is one batch of one partition. Where the broker's answer had no offset for it,
    // librdkafka counts on from -1, so that only the first record tells.
    placed = placed && message->offset >= 0;
    if (placed && delivery.outcome == Outcome::acknowledged) delivery.offset = message->offset;
    deliveries_.push_back(delivery);
    slots_.push_back(slot);
  }
  if (deliveries_.empty()) return;
  if (on_delivery_) on_delivery_(deliveries_);
  state_->in_flight.give_back(slots_);
}

void KafkaProducer::report_remaining() {
  slots_ = state_->in_flight.remaining();
  if (slots_.empty()) return;
  deliveries_.clear();
  for (const Slot* slot : slots_)
    deliveries_.push_back({slot->token, Outcome::unknown, slot->partition, std::nullopt,
                           make_error_code(Errc::timed_out)});
  if (on_delivery_) on_delivery_(deliveries_);
  state_->in_flight.give_back(slots_);
}

std::optional<Error> KafkaProducer::note_fatal() {
  std::array<char, 512> reason{};
  const auto code = rd_kafka_fatal_error(client_->get(), reason.data(), reason.size());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return std::nullopt;
  const std::lock_guard lock(fatal_mutex_);
  if (!fatal_)
    fatal_ =
        error(Errc::failed, "the Kafka producer is of no more use: " + std::string(reason.data()) +
                                " (" + rd_kafka_err2name(code) + ")");
  return fatal_;
}

std::optional<Error> KafkaProducer::fatal_error() const {
  const std::lock_guard lock(fatal_mutex_);
  return fatal_;
}

bool KafkaProducer::flush(milliseconds limit) {
  const auto until = Clock::now() + limit;
  if (state_->in_flight.empty()) return true;
  if (!client_) return false;  // closed: the rest is being reported
  // Ends the lingering of batches; our own count then covers the handler's work as well.
  rd_kafka_flush(client_->get(), timeout_ms(limit));
  const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
  return state_->in_flight.wait_empty(std::max(left, milliseconds(0)));
}

void KafkaProducer::close(milliseconds limit) {
  closed_ = true;
  if (!client_) return;
  for (int count = sending_; count != 0; count = sending_)
    sending_.wait(count);
  if (!flush(limit)) {
    // Not waiting for librdkafka's threads: one may be inside a name look-up.
    rd_kafka_purge(client_->get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                       RD_KAFKA_PURGE_F_NON_BLOCKING);
    static_cast<void>(state_->in_flight.wait_empty(kPurgeLimit));
  }
  stopping_ = true;
  rd_kafka_queue_yield(queue_.get());
  thread_.join();
  queue_.reset();
  client_.reset();
}

}  // namespace dropline::stream::kafka
