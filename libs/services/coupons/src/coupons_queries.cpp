#include "dropline/coupons/coupons_queries.hpp"

#include <algorithm>
#include <limits>
#include <map>

#include "coupons_rows.hpp"
#include "dropline/store/errors.hpp"

namespace dropline::coupons {
namespace {

// The columns are kCouponColumns.
constexpr store::Statement kCouponsOf{
    "coupons_page", "coupons",
    "SELECT coupon, campaign, member, state, order_id, granted_by, place_partition, place_offset, "
    "issued_at, at FROM {coupons} "
    "WHERE member = :member AND (issued_at, coupon) < (:issued_at, :coupon) "
    "ORDER BY issued_at DESC, coupon DESC LIMIT :limit"};
// … and kCampaignColumns.
constexpr store::Statement kCampaignsAfter{
    "campaigns_page", "coupons",
    "SELECT campaign, standing, quantity, issued, terms, shard, place_partition, place_offset, at "
    "FROM {campaigns} WHERE campaign > :after ORDER BY campaign LIMIT :limit"};

/// Behind every coupon.
Cursor newest() {
  Uuid last;
  last.bytes.fill(0xFF);
  return {from_unix_us(std::numeric_limits<std::int64_t>::max()), CouponId(last)};
}

Result<std::map<CampaignId, Campaign>> campaigns_of(store::Session& session,
                                                    const std::vector<Coupon>& coupons) {
  std::map<CampaignId, Campaign> all;
  for (const auto& coupon : coupons)
    all.try_emplace(coupon.campaign);
  auto keys = store::RowBuffer::keys(kCampaigns);
  for (const auto& [id, campaign] : all)
    keys.add(id);
  auto rows = store::load(session, kCampaigns, keys);
  if (!rows) return rows.error();
  for (const auto row : *rows) {
    auto campaign = read_campaign(row);
    if (!campaign) return campaign.error();
    all[campaign->id] = std::move(*campaign);
  }
  return all;
}

Result<std::vector<Owned>> with_terms(store::Session& session, std::vector<Coupon> coupons) {
  auto campaigns = campaigns_of(session, coupons);
  if (!campaigns) return campaigns.error();
  std::vector<Owned> out;
  out.reserve(coupons.size());
  for (auto& coupon : coupons) {
    auto& terms = campaigns->at(coupon.campaign).terms;
    out.push_back({std::move(coupon), terms});
  }
  return out;
}

}  // namespace

Result<std::optional<Campaign>> find_campaign(store::Session& session, const CampaignId& id) {
  auto keys = store::RowBuffer::keys(kCampaigns);
  keys.add(id);
  auto rows = store::load(session, kCampaigns, keys);
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Campaign>();
  auto campaign = read_campaign(rows->front());
  if (!campaign) return campaign.error();
  return std::optional(std::move(*campaign));
}

Result<std::optional<Owned>> find_coupon(store::Session& session, const CouponId& id,
                                         const MemberId& member) {
  auto keys = store::RowBuffer::keys(kCoupons);
  keys.add(id);
  auto rows = store::load(session, kCoupons, keys);
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Owned>();
  auto coupon = read_coupon(rows->front());
  if (!coupon) return coupon.error();
  if (coupon->member != member) return std::optional<Owned>();
  auto owned = with_terms(session, {std::move(*coupon)});
  if (!owned) return owned.error();
  return std::optional(std::move(owned->front()));
}

Result<Page> coupons_page(store::Session& session, const MemberId& member,
                          const std::optional<Cursor>& after, std::int64_t limit) {
  const auto size = std::clamp(limit, std::int64_t{1}, kMaxPage);
  const auto from = after.value_or(newest());
  store::Params params;
  params.add("member", member).add("issued_at", from.issued_at).add("coupon", from.coupon);
  params.add("limit", size + 1);
  auto rows = store::query(session, kCouponsOf, params,
                           {Type::uuid, Type::uuid, Type::uuid, Type::text, Type::uuid, Type::json,
                            Type::int64, Type::int64, Type::int64, Type::int64});
  if (!rows) return rows.error();
  Page page;
  std::vector<Coupon> coupons;
  for (const auto row : *rows) {
    if (std::ssize(coupons) == size) {
      page.next = {coupons.back().issued_at, coupons.back().id};
      break;
    }
    auto coupon = read_coupon(row);
    if (!coupon) return coupon.error();
    coupons.push_back(std::move(*coupon));
  }
  auto owned = with_terms(session, std::move(coupons));
  if (!owned) return owned.error();
  page.coupons = std::move(*owned);
  return page;
}

Result<std::vector<Campaign>> campaigns_page(store::Session& session,
                                             const std::optional<CampaignId>& after,
                                             std::int64_t limit) {
  store::Params params;
  params.add("after", after.value_or(CampaignId()));
  params.add("limit", std::clamp(limit, std::int64_t{1}, kMaxPage));
  auto rows = store::query(session, kCampaignsAfter, params,
                           {Type::uuid, Type::text, Type::int64, Type::int64, Type::json,
                            Type::int64, Type::int64, Type::int64, Type::int64});
  if (!rows) return rows.error();
  std::vector<Campaign> out;
  for (const auto row : *rows) {
    auto campaign = read_campaign(row);
    if (!campaign) return campaign.error();
    out.push_back(std::move(*campaign));
  }
  return out;
}

}  // namespace dropline::coupons
