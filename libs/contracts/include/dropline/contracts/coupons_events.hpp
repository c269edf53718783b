#pragma once

#include "dropline/contracts/coupons_commands.hpp"

/// `coupons.events`: who has which coupon, and what became of it. Of coupons keyed by member, of
/// campaigns as their commands are.
namespace dropline::contracts {

/// The member has it. Said again to who has it and asks once more.
struct CouponIssued {
  static constexpr std::string_view kType = "CouponIssued";
  static constexpr std::string_view kTopic = topic::kCouponsEvents;

  CouponId coupon;
  CampaignId campaign;
  MemberId member;
  LocalText name;
  Discount discount;
  Money least_order;
  Timestamp use_from;
  Timestamp use_until;
  LogPlace place;  ///< of the record that it was issued for: the member's place in line
  Timestamp at;
  std::optional<ChangeId> change;  ///< where an operator granted it now

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("campaign", self.campaign);
    visit("member", self.member);
    visit("name", self.name);
    visit("discount", self.discount);
    visit("least_order", self.least_order);
    visit("use_from", self.use_from);
    visit("use_until", self.use_until);
    visit("place", self.place);
    visit("at", self.at);
    visit("change", self.change);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return coupon.text(); }
  bool operator==(const CouponIssued&) const = default;
};

enum class IssueRefusal {
  unknown_campaign,
  not_open,     ///< its issue has not begun
  issue_ended,  ///< its window has passed, or an operator ended it
  paused,
  sold_out,  ///< all are given away
};
constexpr auto names_of(IssueRefusal) {
  return std::to_array<std::string_view>(
      {"unknown_campaign", "not_open", "issue_ended", "paused", "sold_out"});
}

/// The member did not get it, this time.
struct CouponRefused {
  static constexpr std::string_view kType = "CouponRefused";
  static constexpr std::string_view kTopic = topic::kCouponsEvents;

  CouponId coupon;  ///< that it would have been
  CampaignId campaign;
  MemberId member;
  IssueRefusal reason = IssueRefusal::unknown_campaign;
  LogPlace place;
  std::optional<ChangeId> change;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("campaign", self.campaign);
    visit("member", self.member);
    visit("reason", self.reason);
    visit("place", self.place);
    visit("change", self.change);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return coupon.text(); }
  bool operator==(const CouponRefused&) const = default;
};

/// Held for the order, which pays that much less.
struct CouponReserved {
  static constexpr std::string_view kType = "CouponReserved";
  static constexpr std::string_view kTopic = topic::kCouponsEvents;

  CouponId coupon;
  CampaignId campaign;
  MemberId member;
  OrderId order_id;
  Money discount;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("campaign", self.campaign);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("discount", self.discount);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const CouponReserved&) const = default;
};

enum class CouponDecline {
  unknown_coupon,  ///< there is none of that id, or it is another member's: nobody is told which
  not_yet_valid,
  no_longer_valid,
  below_least_order,
  wrong_currency,
  in_use,  ///< another order holds it
  used,
  order_ended,  ///< it was released for this order before
};
constexpr auto names_of(CouponDecline) {
  return std::to_array<std::string_view>({"unknown_coupon", "not_yet_valid", "no_longer_valid",
                                          "below_least_order", "wrong_currency", "in_use", "used",
                                          "order_ended"});
}

/// The order cannot have it.
struct CouponDeclined {
  static constexpr std::string_view kType = "CouponDeclined";
  static constexpr std::string_view kTopic = topic::kCouponsEvents;

  CouponId coupon;
  MemberId member;
  OrderId order_id;
  CouponDecline reason = CouponDecline::unknown_coupon;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("reason", self.reason);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const CouponDeclined&) const = default;
};

/// The order is paid, and the coupon is used.
struct CouponRedeemed {
  static constexpr std::string_view kType = "CouponRedeemed";
  static constexpr std::string_view kTopic = topic::kCouponsEvents;

  CouponId coupon;
  CampaignId campaign;
  MemberId member;
  OrderId order_id;
  Money discount;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("campaign", self.campaign);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("discount", self.discount);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const CouponRedeemed&) const = default;
};

/// The order came to nothing, and the coupon is the member's again, as long as it is valid.
struct CouponReleased {
  static constexpr std::string_view kType = "CouponReleased";
  static constexpr std::string_view kTopic = topic::kCouponsEvents;

  CouponId coupon;
  MemberId member;
  OrderId order_id;
  EndCause cause = EndCause::cancelled;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("member", self.member);
    visit("order_id", self.order_id);
    visit("cause", self.cause);
  }
  [[nodiscard]] std::string partition_key() const { return member.text(); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const CouponReleased&) const = default;
};

enum class CampaignStanding { active, paused, ended };
constexpr auto names_of(CampaignStanding) {
  return std::to_array<std::string_view>({"active", "paused", "ended"});
}

/// A campaign as it is after a change.
struct CampaignChanged {
  static constexpr std::string_view kType = "CampaignChanged";
  static constexpr std::string_view kTopic = topic::kCouponsEvents;

  ChangeId change;
  CampaignId campaign;
  std::string command;  ///< its type
  CampaignStanding standing = CampaignStanding::active;
  CampaignTerms terms;
  std::int64_t issued = 0;
  std::optional<std::string> reason;
  Actor actor;
  LogPlace place;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("campaign", self.campaign);
    visit("command", self.command, kNameBounds);
    visit("standing", self.standing);
    CampaignTerms::fields(self.terms, visit);
    visit("issued", self.issued, Bounds{0, kMaxCoupons});
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
    visit("place", self.place);
  }
  [[nodiscard]] Status check() const { return terms.check(); }
  [[nodiscard]] std::string partition_key() const { return campaign_key(campaign); }
  [[nodiscard]] std::string subject() const { return campaign.text(); }
  bool operator==(const CampaignChanged&) const = default;
};

enum class CampaignRefusal {
  unknown_campaign,
  terms_fixed,   ///< coupons of it are out: what they promise stays
  below_issued,  ///< fewer coupons than are out
  already_ended,
  already_paused,
  not_paused,
};
constexpr auto names_of(CampaignRefusal) {
  return std::to_array<std::string_view>({"unknown_campaign", "terms_fixed", "below_issued",
                                          "already_ended", "already_paused", "not_paused"});
}

/// A change of a campaign did not happen.
struct CampaignChangeRefused {
  static constexpr std::string_view kType = "CampaignChangeRefused";
  static constexpr std::string_view kTopic = topic::kCouponsEvents;

  ChangeId change;
  CampaignId campaign;
  std::string command;
  CampaignRefusal reason = CampaignRefusal::unknown_campaign;
  Actor actor;
  LogPlace place;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("campaign", self.campaign);
    visit("command", self.command, kNameBounds);
    visit("reason", self.reason);
    visit("actor", self.actor);
    visit("place", self.place);
  }
  [[nodiscard]] std::string partition_key() const { return campaign_key(campaign); }
  [[nodiscard]] std::string subject() const { return campaign.text(); }
  bool operator==(const CampaignChangeRefused&) const = default;
};

}  // namespace dropline::contracts
