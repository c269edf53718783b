#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `points.events`: what was given for paid orders, and taken back for refunded ones. Keyed by
/// member.
namespace dropline::contracts {

/// What both changes tell.
struct PointsChange {
  static constexpr std::string_view kTopic = topic::kPointsEvents;

  OrderId order_id;
  MemberId member;
  std::int64_t points = 0;   ///< given, or taken back: more than none
  std::int64_t balance = 0;  ///< after it; below zero where points were taken back once spent
  Timestamp at;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("points", self.points, Bounds{1, kMaxExact});
    visit("balance", self.balance, Bounds{-kMaxExact, kMaxExact});
    visit("at", self.at);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const PointsChange&) const = default;
};

/// Given for a paid order, once. Not said where the order is worth no point.
struct PointsAccrued final : PointsChange {
  static constexpr std::string_view kType = "PointsAccrued";
};

/// Taken back as money went back: in proportion, and all of it once the whole order is refunded.
struct PointsReversed final : PointsChange {
  static constexpr std::string_view kType = "PointsReversed";
};

}  // namespace dropline::contracts
