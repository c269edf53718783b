#include "dropline/coupons/coupons_store.hpp"

#include <algorithm>

#include "coupons_rows.hpp"

namespace dropline::coupons {
namespace {

template <class T>
void once_each(std::vector<T>& keys) {
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
}

/// Nothing is asked where nothing is wanted.
template <class Keys, class Add, class Take>
Status take(store::Session& session, const store::Table& table, Keys& wanted, Add add,
            Take take_row) {
  once_each(wanted);
  auto keys = store::RowBuffer::keys(table);
  keys.reserve(wanted.size());
  for (const auto& key : wanted)
    add(keys, key);
  auto rows = store::load(session, table, keys);
  if (!rows) return rows.error();
  for (const auto row : *rows)
    if (auto done = take_row(row); !done) return done;
  return {};
}

const auto kAddId = [](store::RowBuffer& keys, const auto& id) { keys.add(id); };

template <class Changed, class Rows>
Status write(store::Session& session, const store::Table& table, const Changed& changed,
             const Rows& all) {
  store::RowBuffer rows(table);
  rows.reserve(changed.size());
  for (const auto& key : changed)
    put(rows, all.at(key));
  return store::upsert(session, table, rows);
}

}  // namespace

Result<Book> load(store::Session& session, Wanted wanted) {
  Book book;
  auto done =
      take(session, kCoupons, wanted.coupons, kAddId, [&](const store::Rows::Row& row) -> Status {
        auto coupon = read_coupon(row);
        if (!coupon) return coupon.error();
        wanted.campaigns.push_back(coupon->campaign);
        book.coupons.emplace(coupon->id, std::move(*coupon));
        return {};
      });
  if (!done) return done.error();
  done = take(session, kCampaigns, wanted.campaigns, kAddId,
              [&](const store::Rows::Row& row) -> Status {
                auto campaign = read_campaign(row);
                if (!campaign) return campaign.error();
                book.campaigns.emplace(campaign->id, std::move(*campaign));
                return {};
              });
  if (!done) return done.error();
  done = take(
      session, kUses, wanted.uses,
      [](store::RowBuffer& keys, const UseKey& key) { keys.add(key.coupon).add(key.order); },
      [&](const store::Rows::Row& row) -> Status {
        auto use = read_use(row);
        if (!use) return use.error();
        book.uses.emplace(use->key, std::move(*use));
        return {};
      });
  if (!done) return done.error();
  done =
      take(session, kChanges, wanted.changes, kAddId, [&](const store::Rows::Row& row) -> Status {
        book.changes.insert(row.id<contracts::ChangeId>(0));
        return {};
      });
  if (!done) return done.error();
  return book;
}

Status save(store::Session& session, const Book& book, Timestamp now) {
  if (auto done = write(session, kCampaigns, book.campaigns_changed, book.campaigns); !done)
    return done;
  if (auto done = write(session, kCoupons, book.coupons_changed, book.coupons); !done) return done;
  if (auto done = write(session, kUses, book.uses_changed, book.uses); !done) return done;
  store::RowBuffer changes(kChanges);
  for (const auto& id : book.changes_new)
    changes.add(id).add(now);
  auto added = store::insert(session, kChanges, changes, store::OnConflict::ignore);
  if (!added) return added.error();
  return {};
}

}  // namespace dropline::coupons
