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
#include "log_copy.hpp"

namespace dropline::simulation {

/// What `orders.commands` comes to, by the rules alone, record after record and in one go: a second
/// reading beside the worker's, which shares with it the contracts and the rules but no loop, no
/// store and no batch. Ordinary offers are shared between partitions, so of ordinary orders it only
/// tells which there must be.
struct Replay {
  Replay(const TopicCopy& commands, const contracts::CommandKeys& keys);

  stock::Book book;                                          ///< of all drops
  std::map<std::int32_t, std::vector<std::string>> answers;  ///< of drops, "<type> <body>"
  std::map<Place, std::string> dead;                         ///< what must be set aside, and why
  std::map<std::int32_t, worker::Watermarks> watermarks;
  std::map<OrderId, stock::Order> ordinary;  ///< first copies: id, member, hash and place only
  stock::Wanted wanted;                      ///< every row that the log can have made
};

}  // namespace dropline::simulation
