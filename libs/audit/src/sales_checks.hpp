#pragma once

#include <map>
#include <set>
#include <vector>

#include "dropline/contracts/envelope.hpp"
#include "dropline/rankings/rebuild.hpp"
#include "dropline/store/database.hpp"
#include "dropline/stream/consumer.hpp"
#include "outcomes.hpp"
#include "readers.hpp"

namespace dropline::audit {

/// What rankings counted beside the same sales counted again from `orders.events`.
class SalesChecks final {
 public:
  /// `shards`: how far rankings had read before the topic is read here.
  SalesChecks(Outcomes& out, store::Session& session, const Shards& shards);
  static void announce(Outcomes& out);

  void take(const stream::Record& record, const contracts::Envelope& envelope);
  /// Where the topic was cut short there is nothing to compare with.
  [[nodiscard]] Status finish(const std::vector<stream::Extent>& extents);

 private:
  Outcomes& out_;
  store::Session& session_;
  rankings::Recount recount_;
  std::map<Sku, std::set<ProductId>> products_;  ///< under which each SKU was ever sold
};

}  // namespace dropline::audit
