#include "dropline/payments/payments_queries.hpp"

#include <algorithm>
#include <limits>

#include "payments_rows.hpp"

namespace dropline::payments {
namespace {

template <class Row>
Result<std::optional<Row>> find_one(store::Session& session, const store::Table& table,
                                    const store::RowBuffer& keys,
                                    Result<Row> (*read)(const store::Rows::Row&)) {
  auto rows = store::load(session, table, keys);
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<Row>();
  auto row = read(rows->front());
  if (!row) return row.error();
  return std::optional<Row>(std::move(*row));
}

constexpr store::Statement kPage{
    "wallet_page", "payments",
    "SELECT member, account, transfer, kind, reference, amount, currency, balance, shard, at "
    "FROM {entries} WHERE member = :member AND account = 'wallet' AND transfer < :before "
    "ORDER BY transfer DESC LIMIT :limit"};

}  // namespace

Result<std::optional<Wallet>> find_wallet(store::Session& session, const MemberId& member) {
  auto keys = store::RowBuffer::keys(kWallets);
  keys.add(member);
  return find_one(session, kWallets, keys, read_wallet);
}

Result<std::vector<Entry>> wallet_page(store::Session& session, const MemberId& member,
                                       std::optional<std::int64_t> before, std::int64_t limit) {
  store::Params params;
  params.add("member", member)
      .add("before", before.value_or(std::numeric_limits<std::int64_t>::max()))
      .add("limit", std::clamp(limit, std::int64_t{1}, kMaxPage));
  auto rows = store::query(session, kPage, params,
                           {Type::uuid, Type::text, Type::int64, Type::text, Type::uuid,
                            Type::int64, Type::text, Type::int64, Type::int64, Type::int64});
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

Result<std::optional<Payment>> find_payment(store::Session& session, const OrderId& order,
                                            const MemberId& member) {
  auto keys = store::RowBuffer::keys(kPayments);
  keys.add(order).add(member);
  return find_one(session, kPayments, keys, read_payment);
}

Result<std::optional<Charge>> find_charge(store::Session& session, const ChargeId& charge,
                                          const MemberId& member) {
  auto keys = store::RowBuffer::keys(kCharges);
  keys.add(charge).add(member);
  return find_one(session, kCharges, keys, read_charge);
}

}  // namespace dropline::payments
