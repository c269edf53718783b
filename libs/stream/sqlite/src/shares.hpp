#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "catalogue.hpp"
#include "dropline/stream/consumer.hpp"
#include "log_reader.hpp"

namespace dropline::stream::sqlite {

/// The partitions that one consumer reads, and how far it is: what both consumers of this room
/// have in common. One thread.
class Shares final {
 public:
  struct Share {
    TopicPartition at;
    std::shared_ptr<Log> log;  ///< null: it does not exist
    std::int64_t position = 0;
    bool silent = false;  ///< has said what is wrong with it
  };

  /// Resolves kStart, kEnd and checks the position against `extent`. What is wrong is kept for the
  /// next poll.
  void assign(const Catalogue& catalogue, const Position& position,
              const std::function<Extent(Log&)>& extent);
  /// The log that is no longer read, or null.
  std::shared_ptr<Log> unassign(const TopicPartition& at);

  /// Reads what there is: partitions take turns in being first, `end_of` says how far a log goes.
  /// What is wrong with a partition becomes a PartitionError; it is silent from then on.
  void read(LogReader& reader, std::size_t max, std::size_t max_bytes,
            const std::function<std::int64_t(const Log&)>& end_of, BatchBuilder& into);

  [[nodiscard]] bool ready(const std::function<std::int64_t(const Log&)>& end_of) const;

  [[nodiscard]] std::map<TopicPartition, Share>& all() { return shares_; }

 private:
  void complain(Share& share, Error error);
  void read_one(Share& share, LogReader& reader, std::size_t& max, std::size_t& max_bytes,
                BatchBuilder& into);

  std::map<TopicPartition, Share> shares_;
  std::vector<PartitionError> errors_;  // not yet told
  TopicPartition first_;                // whose turn it is
};

}  // namespace dropline::stream::sqlite
