#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dropline/base/random.hpp"
#include "dropline/contracts/outgoing.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/ordering/ordering_queries.hpp"
#include "dropline/ordering/ordering_worker.hpp"
#include "dropline/stream/memory.hpp"
#include "dropline/worker/worker.hpp"
#include "place.hpp"
#include "scene.hpp"
#include "support/ruling_manual_clock.hpp"

namespace dropline::ordering::testing {

/// A broker in memory, a database, and workers of any service driven by hand on one thread.
struct Town {
  static constexpr std::int32_t kPartitions = 4;
  using Millis = std::chrono::milliseconds;

  Town() {
    REQUIRE(keys.add("test", "a secret that is long enough"));
    REQUIRE(outside.admin(std::chrono::seconds(1))
                .value()
                ->ensure_topics(topic_specs(kPartitions, "")));
    producer = outside.producer([](auto) {}).value();
  }

  /// One worker process.
  struct Process {
    Process(Town& town, worker::Service& service, std::size_t max_records = 2'000,
            store::Faults* faults = nullptr)
        : stream(town.log) {
      worker::LoopOptions loop;
      loop.partitions = kPartitions;
      loop.max_records = max_records;
      worker = worker::Worker::start({.service = service,
                                      .database = town.ground.place->database(),
                                      .stream = stream,
                                      .clock = town.clock,
                                      .random = town.random,
                                      .keys = town.keys,
                                      .member = "a",
                                      .session = {.faults = faults},
                                      .loop = loop})
                   .value();
    }
    stream::MemoryStream stream;
    std::unique_ptr<worker::Worker> worker;
  };

  struct How {
    std::string_view source = "ingress/a";
    bool sign = true;
    std::string_view key = {};  ///< absent: the message's own
  };

  /// Writes a message as a service or an ingress does. Gives its id.
  template <class T>
  std::string say(const T& message, const How& how = {}) {
    auto out = outgoing(message);
    if (!how.key.empty()) out.key = how.key;
    auto id = std::to_string(++said) + "-0";
    auto attributes = out.attributes(how.source, id, clock.now());
    std::string signature;
    if (out.is_signed && how.sign) signature = keys.sign(attributes, out.key, *out.body);
    attributes.signature = signature;
    const EnvelopeHeaders headers(attributes);
    REQUIRE(producer->send({out.topic, out.key, *out.body, headers.list(), std::nullopt}, 0));
    return id;
  }

  void run(const std::vector<Process*>& processes, int turns = 60, Millis turn = Millis(50)) {
    for (int i = 0; i < turns; ++i) {
      outside.pump();
      for (auto* process : processes) {
        process->worker->step(Millis(0));
        process->stream.pump();
      }
      clock.advance(turn);
    }
  }

  struct Read {
    std::string type;
    std::string key;
    std::string subject;
    std::string correlation;
    std::string causation;
    std::string body;
    bool is_signed = false;
  };
  /// A topic's records, each partition in its order.
  std::vector<Read> read(std::string_view topic) {
    auto consumer = outside.consumer().value();
    std::vector<stream::Position> from;
    for (std::int32_t p = 0; p < kPartitions; ++p)
      from.push_back({{std::string(topic), p}, stream::Position::kStart});
    REQUIRE(consumer->assign(from));
    std::vector<Read> out;
    for (int quiet = 0; quiet < 3;) {
      const auto batch = consumer->poll(1'000, Millis(0)).value();
      quiet = batch.empty() ? quiet + 1 : 0;
      for (const auto& record : batch.records()) {
        const auto head = [&](std::string_view name) {
          return std::string(record.header(name).value_or(""));
        };
        out.push_back({head(header::kType), std::string(record.key.value_or("")),
                       head(header::kSubject), head(header::kCorrelation), head(header::kCausation),
                       std::string(record.value.value_or("")),
                       record.header(header::kSignature).has_value()});
      }
    }
    return out;
  }
  /// What was said of an order there: "OrderReserved OrderPaid".
  std::string told(const OrderId& order, std::string_view topic = topic::kOrdersEvents) {
    std::string out;
    for (const auto& record : read(topic))
      if (record.subject == order.text()) out += (out.empty() ? "" : " ") + record.type;
    return out;
  }
  std::size_t count(std::string_view topic, std::string_view type) {
    const auto all = read(topic);
    return static_cast<std::size_t>(std::ranges::count(all, type, &Read::type));
  }
  Order find(const OrderId& id, const MemberId& of) {
    const auto found = find_order(ground.session, id, of);
    REQUIRE_MESSAGE(found.has_value(), (found ? "" : found.error().text()));
    REQUIRE(found->has_value());
    return **found;
  }
  OrderState state(const OrderId& id, const MemberId& of) { return find(id, of).state; }

  dropline::testing::RulingManualClock clock{kNoon};
  SeededRandom random{11};
  CommandKeys keys;
  Ground ground{clock};
  std::shared_ptr<stream::MemoryLog> log = std::make_shared<stream::MemoryLog>(
      stream::MemoryLogOptions{.clock = &clock, .threads = false});
  stream::MemoryStream outside{log};
  std::unique_ptr<stream::Producer> producer;
  int said = 0;
};

}  // namespace dropline::ordering::testing
