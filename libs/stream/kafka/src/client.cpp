#include "client.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <limits>
#include <thread>

#include "translate.hpp"

namespace dropline::stream::kafka {
namespace {

Health& health_of(void* opaque) {
  return *static_cast<Health*>(opaque);
}

void on_error(rd_kafka_t*, int code, const char* reason, void* opaque) {
  health_of(opaque).error(static_cast<rd_kafka_resp_err_t>(code), reason);
}

int on_statistics(rd_kafka_t*, char* json, std::size_t length, void* opaque) {
  health_of(opaque).statistics({json, length});
  return 0;  // librdkafka frees the text
}

/// Lines begin with the thread they come from: "[thrd:host:9092/1]: …".
std::string_view without_thread(std::string_view text) {
  const auto end = text.find("]: ");
  return text.starts_with("[thrd:") && end != std::string_view::npos ? text.substr(end + 3) : text;
}

void on_log(const rd_kafka_t* handle, int level, const char* facility, const char* text) {
  // Lines about the configuration come before there is a handle to ask.
  void* opaque = handle ? rd_kafka_opaque(handle) : nullptr;
  if (!opaque) return;
  Health& health = health_of(opaque);
  // Connections that fail are told here at once; as events only to whoever polls.
  if (std::string_view(facility) == "FAIL") health.failed(without_thread(text));
  health.log(level, facility, without_thread(text));
}

/// As the broker would say, but at once and without one.
bool can_be_topic(std::string_view name) {
  constexpr std::size_t kMaxLength = 249;
  const auto legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kMaxLength && name != "." && name != ".." &&
         std::ranges::all_of(name, legal);
}

/// What the thread that ends a handle shares with the one that waits for it.
struct Ending {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
};

}  // namespace

int timeout_ms(std::chrono::milliseconds wait) noexcept {
  return static_cast<int>(
      std::clamp<std::int64_t>(wait.count(), 0, std::numeric_limits<int>::max()));
}

Result<std::shared_ptr<Client>> Client::open(const KafkaOptions& options, Role role, Conf conf,
                                             std::shared_ptr<void> keep) {
  auto health = std::make_shared<Health>(options.brokers, options.log);
  rd_kafka_conf_set_opaque(conf.get(), health.get());
  rd_kafka_conf_set_error_cb(conf.get(), on_error);
  rd_kafka_conf_set_stats_cb(conf.get(), on_statistics);
  rd_kafka_conf_set_log_cb(conf.get(), on_log);
  const bool reads = role == Role::consumer || role == Role::membership;
  std::array<char, 512> reason{};
  rd_kafka_t* handle = rd_kafka_new(reads ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf.get(),
                                    reason.data(), reason.size());
  if (!handle)
    return error(Errc::bad_config,
                 "Kafka " + std::string(name_of(role)) + " cannot start: " + reason.data());
  static_cast<void>(conf.release());  // the handle owns it now
  return std::shared_ptr<Client>(new Client(handle, std::move(health), std::move(keep)));
}

Client::~Client() {
  auto ending = std::make_shared<Ending>();
  std::thread end([ending, handle = handle_, topics = std::move(topics_), health = health_,
                   keep = keep_]() mutable {
    for (rd_kafka_topic_t* topic : topics)
      rd_kafka_topic_destroy(topic);
    rd_kafka_destroy_flags(handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    keep.reset();
    health.reset();
    const std::lock_guard lock(ending->mutex);
    ending->done = true;
    ending->changed.notify_all();
  });
  std::unique_lock lock(ending->mutex);
  const bool done = ending->changed.wait_for(lock, kEndLimit, [&] { return ending->done; });
  lock.unlock();
  if (done)
    end.join();
  else
    end.detach();
}

Result<rd_kafka_topic_t*> Client::add_topic(const std::string& name, void* opaque,
                                            int32_t (*partitioner)(const rd_kafka_topic_t*,
                                                                   const void*, std::size_t,
                                                                   int32_t, void*, void*)) {
  if (!can_be_topic(name))
    return error(Errc::unknown_topic, "\"" + name + "\" cannot be a topic's name");
  rd_kafka_topic_conf_t* conf = rd_kafka_default_topic_conf_dup(handle_);
  rd_kafka_topic_conf_set_opaque(conf, opaque);
  if (partitioner) rd_kafka_topic_conf_set_partitioner_cb(conf, partitioner);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(handle_, name.c_str(), conf);
  if (!topic) {
    const auto code = rd_kafka_last_error();
    rd_kafka_topic_conf_destroy(conf);
    return translated(code, "topic \"" + name + "\"");
  }
  const std::lock_guard lock(mutex_);
  topics_.push_back(topic);
  return topic;
}

Error Client::explain(rd_kafka_resp_err_t code, std::string_view what,
                      std::string_view reason) const {
  const Errc translation = translate(code);
  if (translation == Errc::unreachable || translation == Errc::timed_out) {
    // A time-out says little; where nobody answers at all, that is what the operator must hear.
    if (translation == Errc::unreachable || !health_->text().empty())
      return unreachable(health_->brokers(), health_->seen());
  }
  return translated(code, what, reason);
}

}  // namespace dropline::stream::kafka
