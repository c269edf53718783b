#include "coupons_rows.hpp"

#include "dropline/contracts/codec.hpp"
#include "dropline/store/errors.hpp"

namespace dropline::coupons {
namespace {

Error damaged(std::string_view column, std::string_view value) {
  return store::error(store::Errc::failed, "coupons." + std::string(column) + " holds '" +
                                               std::string(value) + "', which means nothing");
}

}  // namespace

void put(store::RowBuffer& rows, const Campaign& campaign) {
  rows.add(campaign.id).add(contracts::to_text(campaign.standing)).add(campaign.terms.quantity);
  rows.add(campaign.issued).add(contracts::encode(campaign.terms)).add(campaign.shard);
  rows.add(campaign.place.partition).add(campaign.place.offset).add(campaign.at);
}

void put(store::RowBuffer& rows, const Coupon& coupon) {
  rows.add(coupon.id).add(coupon.campaign).add(coupon.member);
  rows.add(contracts::to_text(coupon.state)).add(coupon.order);
  if (coupon.granted_by)
    rows.add(contracts::encode(*coupon.granted_by));
  else
    rows.null();
  rows.add(coupon.place.partition).add(coupon.place.offset).add(coupon.issued_at).add(coupon.at);
}

void put(store::RowBuffer& rows, const Use& use) {
  rows.add(use.key.coupon).add(use.key.order).add(use.member).add(contracts::to_text(use.state));
  if (use.declined)
    rows.add(contracts::to_text(*use.declined));
  else
    rows.null();
  rows.add(use.discount.minor).add(use.discount.currency.text()).add(use.at);
}

Result<Campaign> read_campaign(const store::Rows::Row& row) {
  Campaign campaign;
  campaign.id = row.id<CampaignId>(0);
  const auto standing = contracts::parse_enum<contracts::CampaignStanding>(row.text(1));
  if (!standing) return damaged("campaigns.standing", row.text(1));
  campaign.standing = *standing;
  campaign.issued = row.int64(3);
  auto terms = contracts::decode<contracts::CampaignTerms>(row.text(4));
  if (!terms) return damaged("campaigns.terms", row.text(4));
  campaign.terms = std::move(*terms);
  campaign.shard = static_cast<std::int32_t>(row.int64(5));
  campaign.place = {static_cast<std::int32_t>(row.int64(6)), row.int64(7)};
  campaign.at = row.time(8);
  return campaign;
}

Result<Coupon> read_coupon(const store::Rows::Row& row) {
  Coupon coupon;
  coupon.id = row.id<CouponId>(0);
  coupon.campaign = row.id<CampaignId>(1);
  coupon.member = row.id<MemberId>(2);
  const auto state = contracts::parse_enum<CouponState>(row.text(3));
  if (!state) return damaged("coupons.state", row.text(3));
  coupon.state = *state;
  if (!row.is_null(4)) coupon.order = row.id<OrderId>(4);
  if (!row.is_null(5)) {
    auto actor = contracts::decode<contracts::Actor>(row.text(5));
    if (!actor) return damaged("coupons.granted_by", row.text(5));
    coupon.granted_by = std::move(*actor);
  }
  coupon.place = {static_cast<std::int32_t>(row.int64(6)), row.int64(7)};
  coupon.issued_at = row.time(8);
  coupon.at = row.time(9);
  return coupon;
}

Result<Use> read_use(const store::Rows::Row& row) {
  Use use;
  use.key = {row.id<CouponId>(0), row.id<OrderId>(1)};
  use.member = row.id<MemberId>(2);
  const auto state = contracts::parse_enum<UseState>(row.text(3));
  if (!state) return damaged("uses.state", row.text(3));
  use.state = *state;
  if (!row.is_null(4)) {
    use.declined = contracts::parse_enum<contracts::CouponDecline>(row.text(4));
    if (!use.declined) return damaged("uses.reason", row.text(4));
  }
  const auto currency = Currency::parse(row.text(6));
  if (!currency) return damaged("uses.currency", row.text(6));
  use.discount = {row.int64(5), *currency};
  use.at = row.time(7);
  return use;
}

}  // namespace dropline::coupons
