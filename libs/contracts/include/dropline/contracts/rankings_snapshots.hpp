#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `rankings.snapshots`: what sells best, compacted. Written by the owner of shard 0, which adds up
/// what every shard counted; readers keep the highest version of each window.
namespace dropline::contracts {

enum class RankingWindow {
  days3,  ///< the 72 hours before, by the hour; follows what is sold
  week,   ///< of seven days that end on a Friday at 17:00 in Seoul; stands until the next
};
constexpr auto names_of(RankingWindow) {
  return std::to_array<std::string_view>({"3d", "week"});
}

inline constexpr std::int64_t kMaxRanks = 5;

struct RankedSku {
  Sku sku;
  ProductId product;
  std::int64_t units = 0;  ///< sold in the window, refunds taken off

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("sku", self.sku);
    visit("product", self.product);
    visit("units", self.units, Bounds{1, kMaxExact});
  }
  bool operator==(const RankedSku&) const = default;
};

struct RankingSnapshot {
  static constexpr std::string_view kType = "RankingSnapshot";
  static constexpr std::string_view kTopic = topic::kRankingsSnapshots;

  RankingWindow window = RankingWindow::days3;
  std::int64_t version = 0;
  Timestamp from;
  Timestamp until;  ///< exclusive; both on a full hour
  Timestamp as_of;
  std::vector<RankedSku> best;  ///< most units first; of as many, by SKU

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("window", self.window);
    visit("version", self.version, kVersionBounds);
    visit("from", self.from);
    visit("until", self.until);
    visit("as_of", self.as_of);
    visit("best", self.best, Bounds{0, kMaxRanks});
  }
  [[nodiscard]] std::string partition_key() const { return std::string(to_text(window)); }
  [[nodiscard]] std::string subject() const { return partition_key(); }
  bool operator==(const RankingSnapshot&) const = default;
};

}  // namespace dropline::contracts
