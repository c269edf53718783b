#pragma once

#include <map>
#include <string>
#include <vector>

#include "dropline/contracts/envelope.hpp"
#include "dropline/contracts/signature.hpp"
#include "dropline/contracts/topics.hpp"
#include "dropline/stream/consumer.hpp"
#include "dropline/worker/shard.hpp"
#include "outcomes.hpp"
#include "readers.hpp"

namespace dropline::audit {

/// What services' shards said in one topic: copies, order, placement; and how far readers got.
class SpeechChecks final {
 public:
  /// Messages on command topics are looked at where their signatures can be verified: without keys
  /// they prove nothing.
  SpeechChecks(Outcomes& out, const Shards& shards, std::int32_t partitions,
               const contracts::CommandKeys* keys)
      : out_(out), shards_(shards), partitions_(partitions), keys_(keys) {
    parse_rows();
  }
  static void announce(Outcomes& out);

  void begin(const contracts::Topic& topic);
  /// Every record, message or not: the one before a position must be the one that was read.
  void look(const stream::Record& record);
  void take(const stream::Record& record, const contracts::Envelope& envelope);
  /// The topic is read; its partitions began and ended there.
  void end(const std::vector<stream::Extent>& extents);

  /// The highest batch number that each shard was heard to say, over all topics.
  [[nodiscard]] const std::map<std::pair<std::string, std::int32_t>, std::int64_t>& heard() const {
    return heard_;
  }

 private:
  struct Copy {
    contracts::Sequence id;
    std::int64_t offset = 0;
    std::uint64_t print = 0;
    std::uint32_t readers = 0;  ///< a bit for each of services() that takes messages of its type
  };
  void parse_rows();
  void check_reader(std::size_t service, const worker::TopicUse& use, std::int32_t partition,
                    const stream::Extent& extent);
  [[nodiscard]] bool credible(const stream::Record& record,
                              const contracts::Envelope& envelope) const;
  void check_watermarks(std::size_t service, std::int32_t partition, std::int64_t next);
  /// A watermark of a source that never spoke there.
  void check_strangers(std::size_t service, std::int32_t partition,
                       const worker::Watermarks& marks);
  [[nodiscard]] std::string place(std::int32_t partition, std::int64_t offset) const;

  Outcomes& out_;
  const Shards& shards_;
  std::int32_t partitions_;
  const contracts::CommandKeys* keys_;
  const contracts::Topic* topic_ = nullptr;
  std::map<std::pair<std::string, std::int32_t>, worker::Positions> positions_;
  std::map<std::pair<std::string, std::int32_t>, worker::Watermarks> watermarks_;
  /// Of the topic being read: readers' positions by partition, ascending.
  struct Mark {
    std::int64_t next = 0;
    std::uint64_t fingerprint = 0;
    std::string service;
  };
  std::map<std::int32_t, std::vector<Mark>> marks_;
  /// First copies by partition and source, ascending.
  std::map<std::int32_t, std::map<std::string, std::vector<Copy>, std::less<>>> copies_;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> heard_;
};

}  // namespace dropline::audit
