#pragma once

#include "dropline/contracts/parts.hpp"
#include "dropline/contracts/topics.hpp"

/// `coupons.commands`, all signed: a coupon is worth money. Keyed by campaign, so that the order of
/// arrival in its partition decides who gets a coupon.
///
/// A coupon's id begins as its campaign's does, so that whoever knows a coupon knows its key: the
/// first 13 characters of either ("0190b2a4-7b10"). Campaigns that begin alike share a partition,
/// nothing else.
namespace dropline::contracts {

inline constexpr std::int64_t kMaxCoupons = 10'000'000;  ///< of one campaign
inline constexpr std::int64_t kMaxPercent = 100;

/// Which partition a campaign's and its coupons' records belong to.
[[nodiscard]] std::string campaign_key(const CampaignId& campaign);
[[nodiscard]] std::string campaign_key(const CouponId& coupon);

/// A member has one coupon of a campaign, and this is its id: a UUID of version 8 that follows from
/// both, so that asking twice is asking for the same one. Byte by byte:
///
///   h = SHA-256( "dropline coupon 1" 0x00 | campaign, 16 bytes | member, 16 bytes )
///   id = the campaign's bytes 0 to 5 | h[0..9]
///   then id[6] = id[6] & 0x0F | 0x80 and id[8] = id[8] & 0x3F | 0x80
[[nodiscard]] CouponId make_coupon_id(const CampaignId& campaign, const MemberId& member) noexcept;

/// What a coupon takes off: an amount, or a percentage of the order's total (rounded down), at most
/// `cap`. Never more than the total.
struct Discount {
  std::optional<Money> amount;  ///< given exactly where `percent` is not
  std::optional<std::int32_t> percent;
  std::optional<Money> cap;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("amount", self.amount, Bounds{1, kMaxExact});
    visit("percent", self.percent, Bounds{1, kMaxPercent});
    visit("cap", self.cap, Bounds{1, kMaxExact});
  }
  [[nodiscard]] Status check() const;
  bool operator==(const Discount&) const = default;
};

/// What a campaign gives. Issue and use have a window each: from inclusive, until exclusive, held
/// against the log's times.
struct CampaignTerms {
  LocalText name;
  std::int64_t quantity = 0;  ///< coupons in all, grants counted
  Discount discount;
  Money least_order;  ///< an order's total must reach it; its currency is the campaign's
  Timestamp issue_from;
  Timestamp issue_until;
  Timestamp use_from;  ///< an order must have been placed in this window
  Timestamp use_until;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("name", self.name);
    visit("quantity", self.quantity, Bounds{1, kMaxCoupons});
    visit("discount", self.discount);
    visit("least_order", self.least_order);
    visit("issue_from", self.issue_from);
    visit("issue_until", self.issue_until);
    visit("use_from", self.use_from);
    visit("use_until", self.use_until);
  }
  /// Windows begin before they end, and all money is of one currency.
  [[nodiscard]] Status check() const;
  bool operator==(const CampaignTerms&) const = default;
};

/// Makes a campaign, or changes one: before its first coupon all of it; afterwards the name, a
/// quantity not below what is issued, and later ends of its windows. Answered CampaignChanged or
/// CampaignChangeRefused.
struct PutCampaign {
  static constexpr std::string_view kType = "PutCampaign";
  static constexpr std::string_view kTopic = topic::kCouponsCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  CampaignId campaign;
  CampaignTerms terms;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("campaign", self.campaign);
    CampaignTerms::fields(self.terms, visit);
    visit("actor", self.actor);
  }
  [[nodiscard]] Status check() const { return terms.check(); }
  [[nodiscard]] std::string partition_key() const { return campaign_key(campaign); }
  [[nodiscard]] std::string subject() const { return campaign.text(); }
  bool operator==(const PutCampaign&) const = default;
};

/// What pausing, resuming and ending a campaign have in common: they are about its issue; coupons
/// that members have stay good.
struct CampaignSwitch {
  static constexpr std::string_view kTopic = topic::kCouponsCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  CampaignId campaign;
  std::string reason;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("campaign", self.campaign);
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return campaign_key(campaign); }
  [[nodiscard]] std::string subject() const { return campaign.text(); }
  bool operator==(const CampaignSwitch&) const = default;
};

/// Wishes at later offsets are refused (`paused`) until ResumeCampaign.
struct PauseCampaign final : CampaignSwitch {
  static constexpr std::string_view kType = "PauseCampaign";
};
struct ResumeCampaign final : CampaignSwitch {
  static constexpr std::string_view kType = "ResumeCampaign";
};
/// No coupon is issued or granted any more.
struct EndCampaign final : CampaignSwitch {
  static constexpr std::string_view kType = "EndCampaign";
};

/// A member wants the campaign's coupon. First come, first served, by offset. Answered CouponIssued
/// (also who has it and asks again) or CouponRefused, after which the member may ask again.
struct IssueCoupon {
  static constexpr std::string_view kType = "IssueCoupon";
  static constexpr std::string_view kTopic = topic::kCouponsCommands;
  static constexpr bool kSigned = true;

  CampaignId campaign;
  MemberId member;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("campaign", self.campaign);
    visit("member", self.member);
  }
  [[nodiscard]] std::string partition_key() const { return campaign_key(campaign); }
  [[nodiscard]] std::string subject() const { return make_coupon_id(campaign, member).text(); }
  bool operator==(const IssueCoupon&) const = default;
};

/// An operator gives a member the campaign's coupon, whatever its issue window; out of the same
/// quantity. Answered as IssueCoupon is, with the change.
struct GrantCoupon {
  static constexpr std::string_view kType = "GrantCoupon";
  static constexpr std::string_view kTopic = topic::kCouponsCommands;
  static constexpr bool kSigned = true;

  ChangeId change;
  CampaignId campaign;
  MemberId member;
  std::string reason;
  Actor actor;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("change", self.change);
    visit("campaign", self.campaign);
    visit("member", self.member);
    visit("reason", self.reason, kReasonBounds);
    visit("actor", self.actor);
  }
  [[nodiscard]] std::string partition_key() const { return campaign_key(campaign); }
  [[nodiscard]] std::string subject() const { return make_coupon_id(campaign, member).text(); }
  bool operator==(const GrantCoupon&) const = default;
};

/// Holds a coupon for an order, and says what it takes off. Answered CouponReserved or
/// CouponDeclined; the same each time for the same order.
struct ReserveCoupon {
  static constexpr std::string_view kType = "ReserveCoupon";
  static constexpr std::string_view kTopic = topic::kCouponsCommands;
  static constexpr bool kSigned = true;

  CouponId coupon;
  OrderId order_id;
  MemberId member;
  Money total;          ///< of the order, as stock priced it
  Timestamp placed_at;  ///< the coupon must have been good then

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("total", self.total);
    visit("placed_at", self.placed_at);
  }
  [[nodiscard]] std::string partition_key() const { return campaign_key(coupon); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const ReserveCoupon&) const = default;
};

/// The order is paid: its coupon is used. Answered CouponRedeemed.
struct RedeemCoupon {
  static constexpr std::string_view kType = "RedeemCoupon";
  static constexpr std::string_view kTopic = topic::kCouponsCommands;
  static constexpr bool kSigned = true;

  CouponId coupon;
  OrderId order_id;
  MemberId member;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("order_id", self.order_id);
    visit("member", self.member);
  }
  [[nodiscard]] std::string partition_key() const { return campaign_key(coupon); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const RedeemCoupon&) const = default;
};

/// The order came to nothing: its coupon, reserved or used, is the member's again. May come before
/// ReserveCoupon, which is then declined. Answered CouponReleased, once, where the order had it.
struct ReleaseCoupon {
  static constexpr std::string_view kType = "ReleaseCoupon";
  static constexpr std::string_view kTopic = topic::kCouponsCommands;
  static constexpr bool kSigned = true;

  CouponId coupon;
  OrderId order_id;
  MemberId member;
  EndCause cause = EndCause::cancelled;

  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit("coupon", self.coupon);
    visit("order_id", self.order_id);
    visit("member", self.member);
    visit("cause", self.cause);
  }
  [[nodiscard]] std::string partition_key() const { return campaign_key(coupon); }
  [[nodiscard]] std::string subject() const { return order_id.text(); }
  bool operator==(const ReleaseCoupon&) const = default;
};

}  // namespace dropline::contracts
