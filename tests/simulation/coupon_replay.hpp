#pragma once

#include <map>
#include <string>
#include <vector>

#include "dropline/coupons/coupons.hpp"
#include "log_copy.hpp"

namespace dropline::simulation {

/// What `coupons.commands` comes to, by the rules alone, record after record and in one go. A
/// second reading beside the worker's: coupons reads no other topic, so all that it says and keeps
/// is a function of each partition.
struct CouponReplay {
  /// `bad`: records that are set aside.
  CouponReplay(const TopicCopy& commands, const std::map<Place, std::string>& bad);

  coupons::Book book;
  std::map<std::int32_t, std::vector<std::string>> answers;  ///< "<type> <body>", by partition

  /// Who came first, counted by hand: of each campaign the members that have a coupon, with the
  /// place of the record that brought it, under the terms that were told to be in force.
  struct Line {
    contracts::CampaignStanding standing = contracts::CampaignStanding::active;
    contracts::CampaignTerms terms;
    std::map<MemberId, contracts::LogPlace> holders;
  };
  std::map<CampaignId, Line> lines;
  std::map<std::int32_t, std::vector<std::string>> quarrels;  ///< of hand and rules
};

}  // namespace dropline::simulation
