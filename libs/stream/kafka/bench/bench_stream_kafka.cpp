// Produces and consumes 300-byte records through the port and through bare librdkafka with the same
// properties, in turns, on a real broker, and prints one JSON line:
//   bench_stream_kafka [--brokers ADDRESS] [--records N] [--rounds N] [--headers N] [--set K=V]…
// Without --brokers: the environment's DROPLINE_TEST_KAFKA.
#include <librdkafka/rdkafka.h>

#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "client.hpp"
#include "dropline/stream/errors.hpp"
#include "dropline/stream/kafka/kafka_stream.hpp"
#include "properties.hpp"

namespace {

using namespace dropline;
using namespace dropline::stream;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::int32_t kPartitions = 16;
constexpr std::size_t kValueBytes = 300;
constexpr auto kLimit = 120s;

struct Settings {
  KafkaOptions kafka;
  std::size_t records = 500'000;
  std::size_t rounds = 3;
  std::size_t headers = 0;
};

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "bench_stream_kafka: %s\n", why.c_str());
  std::exit(1);
}

template <class Value>
Value must(Result<Value> result) {
  if (!result) fail(result.error().text());
  return std::move(*result);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Processor time of the whole process: what a busy machine does not disturb.
double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What one way of doing it took, over the rounds.
struct Runs {
  std::vector<double> rates;
  std::vector<double> cpu_us;  ///< a record

  void add(std::size_t records, const std::function<double()>& run) {
    const double before = cpu_seconds();
    rates.push_back(run());
    cpu_us.push_back((cpu_seconds() - before) * 1e6 / static_cast<double>(records));
  }
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// What is written: JSON-like text, keys as spread as members are, headers as an envelope's.
class Content final {
 public:
  explicit Content(std::size_t headers) {
    std::uint32_t state = 1;
    const auto digit = [&state] {
      state = state * 1664525U + 1013904223U;
      return static_cast<char>('0' + (state >> 24U) % 10);
    };
    for (std::size_t i = 0; i < kVariants; ++i) {
      std::string value =
          R"({"drop":"spring-sale","lines":[{"sku":"TSHIRT-M","quantity":1}],"id":")";
      while (value.size() < kValueBytes - 2)
        value += digit();
      values_.push_back(value + "\"}");
      std::string key = "member-";
      while (key.size() < 36)
        key += digit();
      keys_.push_back(key);
    }
    for (std::size_t i = 0; i < headers; ++i)
      names_.push_back("ce_header_" + std::to_string(i));
    for (const auto& name : names_)
      headers_.push_back({name, "some header value, 36 characters long"});
  }
  [[nodiscard]] Draft draft(const std::string& topic, std::size_t i) const {
    return {topic, keys_[i % kVariants], values_[i % kVariants], headers_, std::nullopt};
  }

 private:
  static constexpr std::size_t kVariants = 4096;
  std::vector<std::string> keys_, values_, names_;
  std::vector<Header> headers_;
};

// --- through the port

double produce_port(const Settings& settings, const std::string& topic, const Content& content) {
  const auto kafka = must(KafkaStream::open(settings.kafka));
  std::atomic<std::size_t> acknowledged{0};
  const auto producer = must(kafka->producer([&](std::span<const Delivery> deliveries) {
    for (const Delivery& delivery : deliveries)
      if (delivery.outcome != Outcome::acknowledged) fail("a record was not acknowledged");
    acknowledged += deliveries.size();
  }));
  const auto start = Clock::now();
  for (std::size_t i = 0; i < settings.records; ++i) {
    const Draft draft = content.draft(topic, i);
    while (true) {
      const auto status = producer->send(draft, i);
      if (status) break;
      if (status.error().code != Errc::queue_full) fail(status.error().text());
      std::this_thread::sleep_for(1ms);
    }
  }
  if (!producer->flush(kLimit)) fail("the broker did not acknowledge in time");
  return static_cast<double>(settings.records) / seconds_since(start);
}

double consume_port(const Settings& settings, const std::string& topic) {
  const auto kafka = must(KafkaStream::open(settings.kafka));
  const auto consumer = must(kafka->consumer());
  std::vector<Position> positions;
  for (std::int32_t p = 0; p < kPartitions; ++p)
    positions.push_back({{topic, p}, Position::kStart});
  const auto start = Clock::now();
  if (auto status = consumer->assign(positions); !status) fail(status.error().text());
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < settings.records) {
    const auto batch = must(consumer->poll(2'000, 1'000ms));
    if (!batch.errors().empty()) fail(batch.errors()[0].error.text());
    for (const Record& record : batch.records())
      bytes += record.value->size() + record.headers.size();
    count += batch.records().size();
    if (seconds_since(start) > 120) fail("the records did not come back");
  }
  if (bytes == 0) fail("nothing was read");
  return static_cast<double>(count) / seconds_since(start);
}

// --- bare

struct Bare {
  rd_kafka_t* handle = nullptr;
  Bare(const Settings& settings, kafka::Role role,
       const std::function<void(rd_kafka_conf_t*)>& more) {
    auto conf = must(kafka::make_conf(settings.kafka, role));
    rd_kafka_conf_set_log_cb(conf.get(), nullptr);
    more(conf.get());
    char reason[256];
    handle = rd_kafka_new(role == kafka::Role::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER,
                          conf.get(), reason, sizeof reason);
    if (!handle) fail(reason);
    static_cast<void>(conf.release());
  }
  ~Bare() { rd_kafka_destroy(handle); }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
};

void set(rd_kafka_conf_t* conf, const char* name, const char* value) {
  char reason[256];
  if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK) fail(reason);
}

double produce_bare(const Settings& settings, const std::string& topic, const Content& content) {
  std::atomic<std::size_t> acknowledged{0};
  Bare bare(settings, kafka::Role::producer, [&](rd_kafka_conf_t* conf) {
    set(conf, "partitioner", "murmur2_random");
    rd_kafka_conf_set_opaque(conf, &acknowledged);
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* m, void* opaque) {
      if (m->err) fail(rd_kafka_err2str(m->err));
      ++*static_cast<std::atomic<std::size_t>*>(opaque);
    });
  });
  rd_kafka_topic_t* handle = rd_kafka_topic_new(bare.handle, topic.c_str(), nullptr);
  std::atomic<bool> done{false};
  std::thread poller([&] {
    while (!done)
      rd_kafka_poll(bare.handle, 10);
  });
  const auto start = Clock::now();
  for (std::size_t i = 0; i < settings.records; ++i) {
    const Draft draft = content.draft(topic, i);
    while (true) {
      rd_kafka_headers_t* headers = draft.headers.empty() ? nullptr : rd_kafka_headers_new(8);
      for (const Header& header : draft.headers)
        rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()),
                            header.value->data(), static_cast<ssize_t>(header.value->size()));
      const auto err = rd_kafka_producev(
          bare.handle, RD_KAFKA_V_RKT(handle), RD_KAFKA_V_PARTITION(RD_KAFKA_PARTITION_UA),
          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
          RD_KAFKA_V_KEY(draft.key.data(), draft.key.size()),
          RD_KAFKA_V_VALUE(const_cast<char*>(draft.value->data()), draft.value->size()),
          RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(nullptr), RD_KAFKA_V_END);
      if (!err) break;
      if (headers) rd_kafka_headers_destroy(headers);
      if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail(rd_kafka_err2str(err));
      std::this_thread::sleep_for(1ms);
    }
  }
  while (acknowledged < settings.records) {
    std::this_thread::sleep_for(200us);
    if (seconds_since(start) > 120) fail("the broker did not acknowledge in time");
  }
  const double rate = static_cast<double>(settings.records) / seconds_since(start);
  done = true;
  poller.join();
  rd_kafka_topic_destroy(handle);
  return rate;
}

double consume_bare(const Settings& settings, const std::string& topic) {
  Bare bare(settings, kafka::Role::consumer,
            [](rd_kafka_conf_t* conf) { set(conf, "group.id", "bench"); });
  rd_kafka_poll_set_consumer(bare.handle);
  const auto list = kafka::make_partition_list(kPartitions);
  for (std::int32_t p = 0; p < kPartitions; ++p)
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  const auto start = Clock::now();
  rd_kafka_assign(bare.handle, list.get());
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < settings.records) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(bare.handle, 1'000);
    if (seconds_since(start) > 120) fail("the records did not come back");
    if (!message) continue;
    if (message->err) fail(rd_kafka_message_errstr(message));
    rd_kafka_headers_t* headers = nullptr;
    if (settings.headers > 0 && !rd_kafka_message_headers(message, &headers))
      bytes += rd_kafka_header_cnt(headers);
    bytes += message->len;
    ++count;
    rd_kafka_message_destroy(message);
  }
  if (bytes == 0) fail("nothing was read");
  const double rate = static_cast<double>(count) / seconds_since(start);
  rd_kafka_consumer_close(bare.handle);
  return rate;
}

// --- a lone record

struct Latency {
  double acknowledged_ms, received_ms;
};

Latency lone_records(const Settings& settings, const std::string& topic, const Content& content) {
  const auto kafka = must(KafkaStream::open(settings.kafka));
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t answered = 0;
  const auto producer = must(kafka->producer([&](std::span<const Delivery> deliveries) {
    const std::lock_guard lock(mutex);
    answered += deliveries.size();
    changed.notify_all();
  }));
  const auto consumer = must(kafka->consumer());
  std::vector<Position> positions;
  for (std::int32_t p = 0; p < kPartitions; ++p)
    positions.push_back({{topic, p}, Position::kEnd});
  if (auto status = consumer->assign(positions); !status) fail(status.error().text());
  std::vector<double> acknowledged;
  std::vector<double> received;
  constexpr std::size_t kRounds = 200;
  constexpr std::size_t kWarmUp = 20;
  for (std::size_t i = 0; i < kRounds; ++i) {
    std::this_thread::sleep_for(5ms);  // idle in between, as a lone order finds the system
    const auto start = Clock::now();
    if (auto status = producer->send(content.draft(topic, i), i); !status)
      fail(status.error().text());
    double ack = 0;
    std::thread waiter([&] {
      std::unique_lock lock(mutex);
      if (!changed.wait_for(lock, kLimit, [&] { return answered > i; })) fail("no answer");
      ack = seconds_since(start) * 1e3;
    });
    while (must(consumer->poll(1, 1'000ms)).records().empty()) {
    }
    const double here = seconds_since(start) * 1e3;
    waiter.join();
    if (i < kWarmUp) continue;
    acknowledged.push_back(ack);
    received.push_back(here);
  }
  return {median(acknowledged), median(received)};
}

Settings parse(int argc, char** argv) {
  Settings settings;
  settings.kafka.partitions = kPartitions;
  if (const char* brokers = std::getenv("DROPLINE_TEST_KAFKA")) settings.kafka.brokers = brokers;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--brokers") {
      settings.kafka.brokers = value;
    } else if (name == "--records") {
      settings.records = std::stoul(value);
    } else if (name == "--rounds") {
      settings.rounds = std::stoul(value);
    } else if (name == "--headers") {
      settings.headers = std::stoul(value);
    } else if (name == "--linger-us") {
      settings.kafka.linger = std::chrono::microseconds(std::stol(value));
    } else if (name == "--set" && value.find('=') != std::string::npos) {
      settings.kafka.properties[value.substr(0, value.find('='))] =
          value.substr(value.find('=') + 1);
    } else {
      fail("unknown argument " + name);
    }
  }
  if (argc % 2 == 0) fail("each argument takes a value");
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = parse(argc, argv);
  const Content content(settings.headers);
  const auto kafka = must(KafkaStream::open(settings.kafka));
  const auto admin = must(kafka->admin(30s));
  Runs produced_port, produced_bare, consumed_port, consumed_bare;
  std::vector<std::string> topics;
  const auto make_topic = [&] {
    topics.push_back("bench-" + std::to_string(::getpid()) + "-" + std::to_string(topics.size()));
    const TopicSpec spec{topics.back(), kPartitions, Cleanup::retain, std::nullopt, true};
    if (auto status = admin->ensure_topics({&spec, 1}); !status) fail(status.error().text());
    return topics.back();
  };
  for (std::size_t round = 0; round < settings.rounds; ++round) {
    const std::string by_port = make_topic();
    const std::string by_bare = make_topic();
    const std::size_t n = settings.records;
    produced_port.add(n, [&] { return produce_port(settings, by_port, content); });
    produced_bare.add(n, [&] { return produce_bare(settings, by_bare, content); });
    consumed_bare.add(n, [&] { return consume_bare(settings, by_bare); });
    consumed_port.add(n, [&] { return consume_port(settings, by_bare); });
  }
  const Latency lone = lone_records(settings, make_topic(), content);
  static_cast<void>(admin->remove_topics(topics));
  const auto print = [](const char* name, const Runs& port, const Runs& bare) {
    const double fast = median(port.rates);
    const double limit = median(bare.rates);
    std::printf(
        "\"%s\":{\"port\":%.0f,\"bare\":%.0f,\"ratio\":%.2f,\"port_cpu_us\":%.2f,"
        "\"bare_cpu_us\":%.2f},",
        name, fast, limit, fast / limit, median(port.cpu_us), median(bare.cpu_us));
  };
  std::printf(
      "{\"bench\":\"stream_kafka\",\"records\":%zu,\"value_bytes\":%zu,\"headers\":%zu,"
      "\"rounds\":%zu,",
      settings.records, kValueBytes, settings.headers, settings.rounds);
  print("produce", produced_port, produced_bare);
  print("consume", consumed_port, consumed_bare);
  std::printf("\"lone\":{\"acknowledged_p50_ms\":%.2f,\"received_p50_ms\":%.2f}}\n",
              lone.acknowledged_ms, lone.received_ms);
  return 0;
}
