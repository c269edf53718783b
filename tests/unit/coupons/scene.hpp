#pragma once

#include <doctest/doctest.h>

#include <string>

#include "dropline/coupons/coupons.hpp"

/// Short names for campaigns, coupons and commands.
namespace dropline::coupons::testing {

using namespace contracts;  // NOLINT: tests of rules speak of little else

template <class Id>
Id numbered(std::uint8_t kind, std::uint32_t number) {
  Uuid uuid;
  uuid.bytes[0] = kind;
  uuid.bytes[6] = 0x80;
  uuid.bytes[8] = 0x80;
  for (std::size_t i = 0; i < 4; ++i)
    uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return Id(uuid);
}
inline MemberId member(std::uint32_t number) {
  return numbered<MemberId>(1, number);
}
inline OrderId order(std::uint32_t number) {
  return numbered<OrderId>(2, number);
}
inline ChangeId change_id(std::uint32_t number) {
  return numbered<ChangeId>(4, number);
}
inline CampaignId campaign(std::uint32_t number = 1) {
  return numbered<CampaignId>(8, number);
}
inline CouponId coupon(std::uint32_t of, std::uint32_t from = 1) {
  return make_coupon_id(campaign(from), member(of));
}
inline Money won(std::int64_t amount) {
  return {amount, Currency::parse("KRW").value()};
}

inline const Timestamp kNoon = from_unix_ms(1'767'225'600'000);

/// 5,000 won off orders of 10,000 and more; issued and good for an hour from noon.
inline CampaignTerms terms(std::int64_t quantity = 3) {
  CampaignTerms out;
  out.name.en = "Opening";
  out.quantity = quantity;
  out.discount.amount = won(5'000);
  out.least_order = won(10'000);
  out.issue_from = out.use_from = kNoon;
  out.issue_until = out.use_until = kNoon + std::chrono::hours(1);
  return out;
}
inline const Actor kAnn{ActorKind::admin, "ann"};

inline PutCampaign put(std::uint32_t change, const CampaignTerms& with, std::uint32_t number = 1) {
  return {change_id(change), campaign(number), with, kAnn};
}
template <class Command>
Command switched(std::uint32_t change, std::uint32_t number = 1) {
  Command out;
  out.change = change_id(change);
  out.campaign = campaign(number);
  out.reason = "because";
  out.actor = kAnn;
  return out;
}
inline IssueCoupon wish(std::uint32_t of, std::uint32_t from = 1) {
  return {campaign(from), member(of)};
}
inline GrantCoupon granted(std::uint32_t change, std::uint32_t of) {
  return {change_id(change), campaign(), member(of), "sorry", kAnn};
}
inline ReserveCoupon reserve_for(std::uint32_t number, std::uint32_t of,
                                 std::int64_t total = 20'000) {
  return {coupon(of), order(number), member(of), won(total), kNoon};
}
inline RedeemCoupon redeem_for(std::uint32_t number, std::uint32_t of) {
  return {coupon(of), order(number), member(of)};
}
inline ReleaseCoupon release_for(std::uint32_t number, std::uint32_t of) {
  return {coupon(of), order(number), member(of), EndCause::cancelled};
}

}  // namespace dropline::coupons::testing
