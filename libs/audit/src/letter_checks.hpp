#pragma once

#include <map>
#include <string>
#include <tuple>

#include "dropline/stream/consumer.hpp"
#include "outcomes.hpp"
#include "readers.hpp"

namespace dropline::audit {

/// One bad record, one dead letter: each names a record that is there, once with one reason, and
/// what no service can read has one.
class LetterChecks final {
 public:
  explicit LetterChecks(Outcomes& out) : out_(out) {}
  static void announce(Outcomes& out);

  /// A record of a topic that cannot be read as a message at all.
  void unreadable(const stream::Record& record, std::string_view topic);
  void topic_end(std::string_view topic, const std::vector<stream::Extent>& extents);
  /// A record of a dead letter topic.
  void take(const stream::Record& record, std::string_view topic);
  void finish(const Shards& shards);

  /// Whether the service set that record aside.
  [[nodiscard]] bool has_letter(std::string_view service, std::string_view topic,
                                std::int32_t partition, std::int64_t offset) const;

  /// Of a service's shard: each cost a place in what it said that has no id in the log.
  [[nodiscard]] std::int64_t letters(const std::string& service, std::int32_t shard) const;

 private:
  using Place = std::tuple<std::string, std::int32_t, std::int64_t>;  // topic, partition, offset
  Outcomes& out_;
  std::map<std::string, std::vector<stream::Extent>, std::less<>> extents_;
  std::map<Place, std::string> unreadable_;
  std::map<std::pair<std::string, Place>, std::string> letters_;  ///< reason by service and record
};

}  // namespace dropline::audit
