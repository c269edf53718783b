#include <algorithm>

#include "dropline/contracts/coupons_events.hpp"
#include "dropline/crypto/sha256.hpp"

namespace dropline::contracts {
namespace {

constexpr std::string_view kDomain("dropline coupon 1\0", 18);
/// Bytes of a campaign's id that its coupons' ids begin with, and how long they are as text.
constexpr std::size_t kSharedBytes = 6;
constexpr std::size_t kSharedText = 13;

Error contradiction(std::string what) {
  return error(Errc::contradiction, std::move(what));
}

}  // namespace

std::string campaign_key(const CampaignId& campaign) {
  return campaign.text().substr(0, kSharedText);
}

std::string campaign_key(const CouponId& coupon) {
  return coupon.text().substr(0, kSharedText);
}

CouponId make_coupon_id(const CampaignId& campaign, const MemberId& member) noexcept {
  const auto digest = crypto::Sha256()
                          .update(kDomain)
                          .update(campaign.uuid().bytes)
                          .update(member.uuid().bytes)
                          .finish();
  Uuid id;
  auto* from = std::copy_n(campaign.uuid().bytes.begin(), kSharedBytes, id.bytes.begin());
  std::copy_n(digest.begin(), id.bytes.end() - from, from);
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x80);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return CouponId(id);
}

Status Discount::check() const {
  if (amount.has_value() == percent.has_value())
    return contradiction("must give exactly one of amount and percent");
  if (cap && !percent) return contradiction("only a percentage has a cap");
  return {};
}

Status CampaignTerms::check() const {
  if (issue_from >= issue_until) return contradiction("issue_until must be later than issue_from");
  if (use_from >= use_until) return contradiction("use_until must be later than use_from");
  for (const auto& money : {discount.amount, discount.cap})
    if (money && money->currency != least_order.currency)
      return contradiction("the discount is of another currency than least_order");
  return {};
}

}  // namespace dropline::contracts
