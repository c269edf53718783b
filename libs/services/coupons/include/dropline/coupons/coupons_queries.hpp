#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/coupons/coupons.hpp"
#include "dropline/store/database.hpp"

namespace dropline::coupons {

/// Absent where there is none of that id.
[[nodiscard]] Result<std::optional<Campaign>> find_campaign(store::Session& session,
                                                            const CampaignId& id);

/// A coupon and what its campaign promises.
struct Owned {
  Coupon coupon;
  contracts::CampaignTerms terms;
};

/// Absent where there is none of that id, or it is another member's.
[[nodiscard]] Result<std::optional<Owned>> find_coupon(store::Session& session, const CouponId& id,
                                                       const MemberId& member);

/// The end of a page: what follows was issued before it, or at that time under a lower id.
struct Cursor {
  Timestamp issued_at;
  CouponId coupon;
  auto operator<=>(const Cursor&) const = default;
};

inline constexpr std::int64_t kMaxPage = 100;

struct Page {
  std::vector<Owned> coupons;  ///< newest first
  std::optional<Cursor> next;  ///< absent: this is the last page
};

/// A member's coupons: those behind `after` (absent: from the newest), at most `limit` (1 to
/// kMaxPage; beyond it the nearest of these). Two statements.
[[nodiscard]] Result<Page> coupons_page(store::Session& session, const MemberId& member,
                                        const std::optional<Cursor>& after, std::int64_t limit);

/// Campaigns behind `after` in the order of their ids, at most `limit`.
[[nodiscard]] Result<std::vector<Campaign>> campaigns_page(store::Session& session,
                                                           const std::optional<CampaignId>& after,
                                                           std::int64_t limit);

}  // namespace dropline::coupons
