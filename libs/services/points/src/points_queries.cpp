#include "dropline/points/points_queries.hpp"

#include <algorithm>
#include <limits>

#include "points_rows.hpp"

namespace dropline::points {
namespace {

constexpr store::Statement kPage{
    "points_page", "points",
    "SELECT member, number, kind, order_id, points, balance, money, at FROM {entries} "
    "WHERE member = :member AND number < :before AND points <> 0 "
    "ORDER BY number DESC LIMIT :limit"};

}  // namespace

Result<Balance> find_balance(store::Session& session, const MemberId& member) {
  auto keys = store::RowBuffer::keys(kBalances);
  keys.add(member);
  auto rows = store::load(session, kBalances, keys);
  if (!rows) return rows.error();
  if (rows->empty()) return Balance{member, 0, 0, {}};
  return read_balance(rows->front());
}

Result<std::vector<Entry>> points_page(store::Session& session, const MemberId& member,
                                       std::optional<std::int64_t> before, std::int64_t limit) {
  store::Params params;
  params.add("member", member)
      .add("before", before.value_or(std::numeric_limits<std::int64_t>::max()))
      .add("limit", std::clamp(limit, std::int64_t{1}, kMaxPage));
  auto rows = store::query(session, kPage, params,
                           {Type::uuid, Type::int64, Type::text, Type::uuid, Type::int64,
                            Type::int64, Type::int64, Type::int64});
  if (!rows) return rows.error();
  std::vector<Entry> page;
  page.reserve(rows->size());
  for (const auto row : *rows) {
    auto entry = read_entry(row);
    if (!entry) return entry.error();
    page.push_back(*entry);
  }
  return page;
}

}  // namespace dropline::points
