#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "dropline/contracts/coupons_events.hpp"

/// Who gets a coupon, and what becomes of it: the rules, without a clock, a database or a stream.
/// Who gets one is a function of one partition of the log.
namespace dropline::coupons {

struct Campaign {
  CampaignId id;
  contracts::CampaignStanding standing = contracts::CampaignStanding::active;
  contracts::CampaignTerms terms;
  std::int64_t issued = 0;  ///< grants included; at most terms.quantity
  std::int32_t shard = 0;
  contracts::LogPlace place;  ///< of its last change
  Timestamp at;
  bool operator==(const Campaign&) const = default;
};

/// `free → reserved → redeemed`, and back to free where the order came to nothing.
enum class CouponState { free, reserved, redeemed };
constexpr auto names_of(CouponState) {
  return std::to_array<std::string_view>({"free", "reserved", "redeemed"});
}

struct Coupon {
  CouponId id;
  CampaignId campaign;
  MemberId member;
  CouponState state = CouponState::free;
  std::optional<OrderId> order;  ///< that has it
  std::optional<contracts::Actor> granted_by;
  contracts::LogPlace place;  ///< of the record that it was issued for
  Timestamp issued_at;
  Timestamp at;  ///< of the last change
  bool operator==(const Coupon&) const = default;
};

/// What became of a coupon at one order. `released` may come first: the order had ended.
enum class UseState { reserved, redeemed, released, declined };
constexpr auto names_of(UseState) {
  return std::to_array<std::string_view>({"reserved", "redeemed", "released", "declined"});
}

struct UseKey {
  CouponId coupon;
  OrderId order;
  auto operator<=>(const UseKey&) const = default;
};
struct Use {
  UseKey key;
  MemberId member;
  UseState state = UseState::reserved;
  std::optional<contracts::CouponDecline> declined;
  Money discount;
  Timestamp at;
  bool operator==(const Use&) const = default;
};

/// The rows that a batch needs, and which of them it changed. Whoever calls a rule must have loaded
/// the campaign, coupon, use and change that it names, and the campaign of that coupon.
struct Book {
  std::map<CampaignId, Campaign> campaigns;
  std::map<CouponId, Coupon> coupons;
  std::map<UseKey, Use> uses;
  std::set<contracts::ChangeId> changes;  ///< made or refused before

  std::set<CampaignId> campaigns_changed;
  std::set<CouponId> coupons_changed;
  std::set<UseKey> uses_changed;
  std::set<contracts::ChangeId> changes_new;
};

/// Where and when the log took a record, and the shard that judges it.
struct Placed {
  contracts::LogPlace place;
  Timestamp at;
};

/// A change was made, was not, or had been made before (nothing is answered).
using ChangeAnswer =
    std::variant<std::monostate, contracts::CampaignChanged, contracts::CampaignChangeRefused>;

[[nodiscard]] ChangeAnswer change(Book& book, const contracts::PutCampaign& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::PauseCampaign& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::ResumeCampaign& command,
                                  const Placed& placed);
[[nodiscard]] ChangeAnswer change(Book& book, const contracts::EndCampaign& command,
                                  const Placed& placed);

using IssueAnswer = std::variant<std::monostate, contracts::CouponIssued, contracts::CouponRefused>;

/// Gives the campaign's next coupon, where there is one, to who has none. Always answered.
[[nodiscard]] IssueAnswer issue(Book& book, const contracts::IssueCoupon& command,
                                const Placed& placed);
/// The same by an operator, whatever the window and while it is paused. Nothing is answered where
/// that grant was made or refused before.
[[nodiscard]] IssueAnswer grant(Book& book, const contracts::GrantCoupon& command,
                                const Placed& placed);

/// What a discount takes off a total: never more than it.
[[nodiscard]] Money discount_of(const contracts::Discount& discount, const Money& total);

/// Held for the order, or not: the first answer of an order stands, and is given again.
using ReserveAnswer = std::variant<contracts::CouponReserved, contracts::CouponDeclined>;
[[nodiscard]] ReserveAnswer reserve(Book& book, const contracts::ReserveCoupon& command,
                                    const Placed& placed);

/// Absent where the order does not hold it.
[[nodiscard]] std::optional<contracts::CouponRedeemed> redeem(
    Book& book, const contracts::RedeemCoupon& command, const Placed& placed);

/// Absent where the order did not hold it; from now on it cannot.
[[nodiscard]] std::optional<contracts::CouponReleased> release(
    Book& book, const contracts::ReleaseCoupon& command, const Placed& placed);

}  // namespace dropline::coupons
