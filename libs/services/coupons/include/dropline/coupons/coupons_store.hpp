#pragma once

#include <vector>

#include "dropline/base/error.hpp"
#include "dropline/coupons/coupons.hpp"
#include "dropline/store/database.hpp"

namespace dropline::coupons {

/// Which rows a batch needs. Duplicates do no harm.
struct Wanted {
  std::vector<CampaignId> campaigns;
  std::vector<CouponId> coupons;
  std::vector<UseKey> uses;
  std::vector<contracts::ChangeId> changes;
};

/// Loads a batch's rows, a statement a table: coupons first, then their campaigns beside those
/// wanted. Within the caller's transaction.
[[nodiscard]] Result<Book> load(store::Session& session, Wanted wanted);

/// Writes what changed, a statement a table.
[[nodiscard]] Status save(store::Session& session, const Book& book, Timestamp now);

}  // namespace dropline::coupons
