#pragma once

#include <algorithm>
#include <memory>

#include "dropline/contracts/outgoing.hpp"
#include "dropline/payments/payments_queries.hpp"
#include "dropline/payments/payments_worker.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/worker/worker.hpp"
#include "place.hpp"
#include "scene.hpp"
#include "support/ruling_manual_clock.hpp"

namespace dropline::payments::testing {

using namespace std::chrono_literals;

inline constexpr std::int32_t kPartitions = 4;

/// A broker, payments' database, and workers driven by hand on one thread.
struct Cluster {
  Cluster() {
    REQUIRE(keys.add("test", "a secret that is long enough"));
    REQUIRE(outside.admin(1s).value()->ensure_topics(topic_specs(kPartitions, "")));
    producer = outside.producer([](auto) {}).value();
  }

  struct Process {
    Process(Cluster& cluster, std::string name, store::Faults* faults = nullptr,
            std::size_t max_records = worker::LoopOptions().max_records)
        : service(shop_terms()), stream(cluster.log) {
      start(cluster, std::move(name), faults, max_records);
    }
    /// With a gateway to ask.
    Process(Cluster& cluster, std::string name, worker::Caller& caller,
            store::Faults* faults = nullptr)
        : service(shop_terms(), caller, cluster.clock), stream(cluster.log) {
      start(cluster, std::move(name), faults, worker::LoopOptions().max_records);
    }
    static Terms shop_terms() {
      Terms terms;
      terms.minimum_charge = won(1'000);
      terms.maximum_charge = won(500'000);
      terms.deposit_to = BankAccount{"Hana", "110-1", "Dropline"};
      return terms;
    }
    void start(Cluster& cluster, std::string name, store::Faults* faults, std::size_t max_records) {
      worker::LoopOptions loop;
      loop.partitions = kPartitions;
      loop.max_records = max_records;
      worker = worker::Worker::start({.service = service,
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
    PaymentsWorker service;
    stream::MemoryStream stream;
    std::unique_ptr<worker::Worker> worker;
  };

  struct How {
    std::string_view key = {};  ///< absent: the message's own
    std::string_view source = "ordering/0";
    bool sign = true;
  };

  template <class T>
  void say(const T& message, const How& how = {}) {
    auto out = outgoing(message);
    if (!how.key.empty()) out.key = how.key;
    const auto id = std::to_string(++said) + "-0";
    auto attributes = out.attributes(how.source, id, clock.now());
    std::string signature;
    if (out.is_signed && how.sign) signature = keys.sign(attributes, out.key, *out.body);
    attributes.signature = signature;
    const EnvelopeHeaders headers(attributes);
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
  std::int64_t events(std::string_view type) {
    return std::ranges::count(types("payments.events"), type);
  }
  std::int64_t balance(const MemberId& who) {
    const auto wallet = find_wallet(ground.session, who).value();
    return wallet ? wallet->balance : 0;
  }

  dropline::testing::RulingManualClock clock;
  SeededRandom random{11};
  CommandKeys keys;
  Ground ground{clock};
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  stream::MemoryStream outside{log};
  std::unique_ptr<stream::Producer> producer;
  int said = 0;
};

}  // namespace dropline::payments::testing
