#pragma once

#include <doctest/doctest.h>

#include <map>
#include <stdexcept>
#include <string>

#include "dropline/base/random.hpp"
#include "dropline/store/database.hpp"
#include "dropline/store/errors.hpp"
#include "dropline/store/migrations.hpp"
#include "dropline/store/table.hpp"
#include "dropline/store/transaction.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/worker/errors.hpp"
#include "dropline/worker/service.hpp"
#include "worker_migrations.hpp"

/// A service small enough to see through: it counts how often each thing was said, and says so.
/// What a record's body asks for goes wrong.
namespace tally {

using namespace dropline;

inline constexpr std::string_view kSql =
    "CREATE TABLE {seen} (shard integer NOT NULL, thing text NOT NULL, times bigint NOT NULL, "
    "PRIMARY KEY (shard, thing));";

inline constexpr store::Column kSeenColumns[] = {
    {"shard", store::Type::int64}, {"thing", store::Type::text}, {"times", store::Type::int64}};
inline constexpr store::Table kSeen{"tally", "seen", kSeenColumns, 2};

class Tally final : public worker::Service {
 public:
  Tally() {
    spec_.name = "tally";
    spec_.anchor = "tally.commands";
    spec_.topics = {{"tally.commands", worker::TopicKind::commands, {{"Say", false}}},
                    {"other.events", worker::TopicKind::events, {{"Said", false}}}};
  }
  explicit Tally(std::chrono::milliseconds tick) : Tally() { spec_.tick = tick; }

  [[nodiscard]] const worker::ServiceSpec& spec() const override { return spec_; }

  Status apply(std::span<const worker::Incoming> batch, worker::Unit& unit) override {
    ++applies;
    std::map<std::pair<std::int32_t, std::string>, std::int64_t> counts;
    for (const auto& incoming : batch) {
      const std::string thing(incoming.envelope.body);
      if (thing.find("poison") != std::string::npos && !cured) throw std::runtime_error("poison");
      if (thing.find("bury") != std::string::npos) {
        unit.dead_letter(incoming, "bad_thing", "asked for it");
        continue;
      }
      if (thing.find("flaky") != std::string::npos && flaky-- > 0)
        return store::error(store::Errc::deadlock, "as asked");
      ++counts[{worker::number(incoming.shard), thing}];
      unit.emit(incoming.shard,
                {.topic = "tally.events",
                 .key = incoming.record.key.value_or(""),
                 .type = "Counted",
                 .subject = "thing",
                 .correlation = {},
                 .body = incoming.envelope.body},
                &incoming);
    }
    store::RowBuffer rows(kSeen);
    for (const auto& [key, times] : counts)
      rows.add(key.first).add(key.second).add(times);
    return store::add_to(unit.session(), kSeen, rows);
  }

  Status claimed(std::span<const worker::Shard> shards, worker::Unit&) override {
    claims += shards.size();
    return {};
  }
  Status tick(std::span<const worker::Shard> shards, worker::Unit& unit) override {
    for (const auto shard : shards) {
      ++ticks;
      unit.emit(shard, {.topic = "tally.events",
                        .key = "tick",
                        .type = "Ticked",
                        .subject = {},
                        .correlation = {},
                        .body = "{}",
                        .partition = worker::number(shard)});
    }
    return {};
  }
  Status reject(const worker::Incoming& incoming, worker::Unit& unit) override {
    unit.emit(incoming.shard,
              {.topic = "tally.events",
               .key = incoming.record.key.value_or(""),
               .type = "Refused",
               .subject = {},
               .correlation = {},
               .body = incoming.envelope.body},
              &incoming);
    return {};
  }
  void rolled_back() override { ++rollbacks; }

  int flaky = 0;
  bool cured = false;
  std::size_t applies = 0;
  std::size_t claims = 0;
  std::size_t ticks = 0;
  std::size_t rollbacks = 0;

 private:
  worker::ServiceSpec spec_;
};

inline std::vector<stream::TopicSpec> topics(std::int32_t partitions) {
  std::vector<stream::TopicSpec> specs;
  for (const char* name : {"tally.commands", "tally.commands.dead", "tally.events", "other.events",
                           "other.events.dead"})
    specs.push_back({.name = name, .partitions = partitions});
  return specs;
}

inline void migrate(store::Session& session) {
  auto files = embedded::worker_migrations();
  std::vector<std::pair<std::string_view, std::string_view>> all(files.begin(), files.end());
  all.emplace_back("schemas/sql/tally/001_seen.sql", kSql);
  const auto migrations = store::parse_migrations(all);
  REQUIRE(migrations.has_value());
  REQUIRE(store::migrate(session, "tally", *migrations).has_value());
}

/// How often each thing was counted, over all shards.
inline std::map<std::string, std::int64_t> counts(store::Session& session) {
  auto rows = store::query(session, {"count", "tally", "SELECT thing, times FROM {seen}"}, {},
                           {store::Type::text, store::Type::int64});
  REQUIRE(rows.has_value());
  std::map<std::string, std::int64_t> out;
  for (const auto row : *rows)
    out[std::string(row.text(0))] += row.int64(1);
  return out;
}

/// Writes one record to a topic, in the form our services write.
inline void say(stream::Producer& producer, std::string_view topic, std::string_view key,
                std::string_view body, std::string_view source = "ingress/a",
                std::string_view id = "1", std::string_view order = {},
                std::string_view type = {}) {
  contracts::Attributes attributes;
  attributes.id = id;
  attributes.source = source;
  attributes.type = !type.empty() ? type : topic == "tally.commands" ? "Say" : "Said";
  attributes.correlation = order;
  attributes.time = from_unix_ms(1'767'225'600'000);
  const contracts::EnvelopeHeaders headers(attributes);
  REQUIRE(producer.send({topic, key, body, headers.list(), std::nullopt}, 0));
}

/// Every record of a topic: type, a space, the value; partition after partition.
inline std::vector<std::string> read_all(stream::Stream& stream, const std::string& topic,
                                         std::int32_t partitions) {
  auto consumer = stream.consumer().value();
  std::vector<stream::Position> from;
  for (std::int32_t p = 0; p < partitions; ++p)
    from.push_back({{topic, p}, stream::Position::kStart});
  REQUIRE(consumer->assign(from));
  std::vector<std::string> out;
  for (int quiet = 0; quiet < 3;) {
    const auto batch = consumer->poll(1'000, std::chrono::milliseconds(0)).value();
    quiet = batch.empty() ? quiet + 1 : 0;
    for (const auto& record : batch.records())
      out.push_back(std::string(record.header("ce_type").value_or("?")) + ' ' +
                    std::string(record.value.value_or("-")));
  }
  return out;
}

}  // namespace tally
