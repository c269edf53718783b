#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "dropline/contracts/outgoing.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/worker/worker.hpp"
#include "support/service/place.hpp"

namespace dropline::testing {

using namespace std::chrono_literals;

inline constexpr std::int32_t kPartitions = 4;

/// A broker, the service's database, and workers driven by hand on one thread.
struct Cluster {
  using MakeService = std::function<std::unique_ptr<worker::Service>()>;

  Cluster(std::string_view service, MakeService make_)
      : make(std::move(make_)), ground(clock, service) {
    REQUIRE(keys.add("test", "a secret that is long enough"));
    REQUIRE(outside.admin(1s).value()->ensure_topics(contracts::topic_specs(kPartitions, "")));
    producer = outside.producer([](auto) {}).value();
  }

  struct Process {
    Process(Cluster& cluster, std::string name, store::Faults* faults = nullptr,
            std::size_t max_records = worker::LoopOptions().max_records)
        : service(cluster.make()), stream(cluster.log) {
      worker::LoopOptions loop;
      loop.partitions = kPartitions;
      loop.max_records = max_records;
      worker = worker::Worker::start({.service = *service,
                                      .database = cluster.ground.place->database(),
                                      .stream = stream,
                                      .clock = cluster.clock,
                                      .random = cluster.random,
                                      .keys = cluster.keys,
                                      .member = std::move(name),
                                      .session = {.faults = faults},
                                      .loop = loop})
                   .value();
    }
    std::unique_ptr<worker::Service> service;
    stream::MemoryStream stream;
    std::unique_ptr<worker::Worker> worker;
  };

  struct How {
    std::string_view key = {};  ///< absent: the message's own
    std::string_view source = "ordering/0";
    bool sign = true;
    std::string_view id = {};  ///< absent: the next
  };

  template <class T>
  void say(const T& message, const How& how = {}) {
    auto out = contracts::outgoing(message);
    if (!how.key.empty()) out.key = how.key;
    const auto id = how.id.empty() ? std::to_string(++said) + "-0" : std::string(how.id);
    auto attributes = out.attributes(how.source, id, clock.now());
    std::string signature;
    if (out.is_signed && how.sign) signature = keys.sign(attributes, out.key, *out.body);
    attributes.signature = signature;
    const contracts::EnvelopeHeaders headers(attributes);
    REQUIRE(producer->send({out.topic, out.key, *out.body, headers.list(), std::nullopt}, 0));
  }

  void run(std::initializer_list<Process*> processes, int turns = 60) {
    for (int i = 0; i < turns; ++i) {
      outside.pump();
      for (auto* process : processes) {
        process->worker->step(0ms);
        process->stream.pump();
      }
      clock.advance(50ms);
    }
  }

  /// A topic's records as text, partition by partition, each in its order.
  template <class Text>
  std::vector<std::string> read(const std::string& topic, Text text) {
    auto consumer = outside.consumer().value();
    std::vector<stream::Position> from;
    for (std::int32_t p = 0; p < kPartitions; ++p)
      from.push_back({{topic, p}, stream::Position::kStart});
    REQUIRE(consumer->assign(from));
    std::vector<std::vector<std::string>> parts(kPartitions);
    for (int quiet = 0; quiet < 3;) {
      const auto batch = consumer->poll(1'000, 0ms).value();
      quiet = batch.empty() ? quiet + 1 : 0;
      for (const auto& record : batch.records())
        parts[static_cast<std::size_t>(record.partition)].push_back(text(record));
    }
    std::vector<std::string> out;
    for (auto& part : parts)
      out.insert(out.end(), part.begin(), part.end());
    return out;
  }
  std::vector<std::string> types(const std::string& topic) {
    return read(topic, [](const auto& record) {
      return std::string(record.header("ce_type").value_or("?"));
    });
  }
  std::vector<std::string> values(const std::string& topic) {
    return read(topic, [](const auto& record) { return std::string(record.value.value_or("")); });
  }

  MakeService make;
  ManualClock clock;
  SeededRandom random{11};
  contracts::CommandKeys keys;
  Ground ground;
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  stream::MemoryStream outside{log};
  std::unique_ptr<stream::Producer> producer;
  int said = 0;
};

/// Fails one statement or commit in 23 of the first 400, as a database may.
class Shaky final : public store::Faults {
 public:
  Status at(store::Seam seam, std::string_view) override;
  int seen = 0;
  int failed = 0;
};

inline Status Shaky::at(store::Seam seam, std::string_view) {
  const bool counts = seam == store::Seam::statement || seam == store::Seam::commit ||
                      seam == store::Seam::committed;
  if (!counts || ++seen > 400 || seen % 23 != 0) return {};
  ++failed;
  return store::error(
      seam == store::Seam::committed ? store::Errc::commit_unknown : store::Errc::deadlock,
      "as asked");
}

}  // namespace dropline::testing
