#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "dropline/contracts/codec.hpp"
#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/stream/stream.hpp"
#include "findings.hpp"

namespace dropline::simulation {

/// A topic, read from its start to its end, by partition.
class TopicCopy final {
 public:
  TopicCopy(stream::Stream& stream, std::string_view topic);
  [[nodiscard]] const std::vector<stream::Record>& partition(std::int32_t number) const {
    return partitions_.at(static_cast<std::size_t>(number));
  }
  [[nodiscard]] std::int32_t partitions() const {
    return static_cast<std::int32_t>(partitions_.size());
  }
  /// Of each record of a partition what it says; absent where it is no message.
  [[nodiscard]] const std::vector<std::optional<contracts::Envelope>>& envelopes(
      std::int32_t number) const {
    return envelopes_.at(static_cast<std::size_t>(number));
  }

 private:
  std::vector<stream::Batch> owners_;
  std::vector<std::vector<stream::Record>> partitions_;
  std::vector<std::vector<std::optional<contracts::Envelope>>> envelopes_;
};

/// One message of a service's shard: its first copy in the log.
struct Said {
  std::string topic;
  std::string type;
  std::string body;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
};

/// Where a record lies: topic, partition, offset.
using Place = std::tuple<std::string, std::int32_t, std::int64_t>;

/// Every topic, and what each source said in it.
class LogCopy final {
 public:
  explicit LogCopy(stream::Stream& stream);

  [[nodiscard]] const TopicCopy& topic(std::string_view name) const;
  /// Of `<topic>.dead`: which records the service set aside, and why.
  [[nodiscard]] std::map<Place, std::string> dead(std::string_view service, Findings& out) const;

  /// Holds each service's messages to the promise: twice perhaps, never a first copy out of order,
  /// and each where its key belongs. By source and id.
  using Speech = std::map<std::string, std::map<contracts::Sequence, Said>>;
  [[nodiscard]] Speech speech(Findings& out) const;

  void mix(Findings& out) const;

  /// Calls `take(record, envelope)` for the first copy of every readable record of a type.
  template <class Take>
  void each(std::string_view topic, std::string_view type, Take take) const {
    std::set<std::pair<std::string_view, std::string_view>> seen;
    for_all_read(topic, [&](const stream::Record& record, const contracts::Envelope* envelope) {
      if (envelope && envelope->type == type && seen.emplace(envelope->source, envelope->id).second)
        take(record, *envelope);
    });
  }
  /// Calls `take(message)` for every record that is such a message and not among `bad`.
  template <class T, class Take>
  void each_good(const std::map<Place, std::string>& bad, Take take) const {
    for_all_read(T::kTopic, [&](const stream::Record& record, const contracts::Envelope* envelope) {
      if (!envelope || envelope->type != T::kType) return;
      if (bad.contains({std::string(T::kTopic), record.partition, record.offset})) return;
      if (const auto message = contracts::decode<T>(*envelope)) take(*message);
    });
  }
  /// Calls `take(record, envelope)` for every record; nullptr where it is no message.
  template <class Take>
  void for_all_read(std::string_view name, Take take) const {
    const auto& copy = topic(name);
    for (std::int32_t p = 0; p < copy.partitions(); ++p)
      for (std::size_t i = 0; i < copy.partition(p).size(); ++i) {
        const auto& envelope = copy.envelopes(p)[i];
        take(copy.partition(p)[i], envelope ? &*envelope : nullptr);
      }
  }
  template <class Take>
  void for_all(std::string_view name, Take take) const {
    for (const auto& record : in_order(name))
      take(*record);
  }

 private:
  [[nodiscard]] std::vector<const stream::Record*> in_order(std::string_view name) const;

  std::map<std::string, TopicCopy, std::less<>> topics_;
};

}  // namespace dropline::simulation
