#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dropline/contracts/signature.hpp"
#include "dropline/stock/stock.hpp"
#include "dropline/stock/stock_store.hpp"
#include "dropline/stream/stream.hpp"
#include "dropline/worker/shard.hpp"

namespace dropline::simulation {

/// A topic, read from its start to its end, by partition.
class TopicCopy final {
 public:
  TopicCopy(stream::Stream& stream, std::string_view topic);
  [[nodiscard]] const std::vector<stream::Record>& partition(std::int32_t number) const {
    return partitions_.at(static_cast<std::size_t>(number));
  }

 private:
  std::vector<stream::Batch> owners_;
  std::vector<std::vector<stream::Record>> partitions_;
};

/// What `orders.commands` comes to, by the rules alone, record after record and in one go: a second
/// reading beside the worker's, which shares with it the contracts and the rules but no loop, no
/// store and no batch. Ordinary offers are shared between partitions, so of ordinary orders it only
/// tells which there must be.
struct Replay {
  Replay(const TopicCopy& commands, const contracts::CommandKeys& keys);

  stock::Book book;                                                   ///< of all drops
  std::map<std::int32_t, std::vector<std::string>> answers;           ///< of drops, "<type> <body>"
  std::map<std::pair<std::int32_t, std::int64_t>, std::string> dead;  ///< place to reason
  std::map<std::int32_t, worker::Watermarks> watermarks;
  std::map<OrderId, stock::Order> ordinary;  ///< first copies: id, member, hash and place only
  stock::Wanted wanted;                      ///< every row that the log can have made
};

}  // namespace dropline::simulation
