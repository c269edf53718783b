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

constexpr store::Statement kWaitingDeposits{
    "waiting_deposits", "payments",
    "SELECT deposit, bank_name, amount, currency, reference, payer, state, attempt, taken, "
    "returned, member, order_id, charge, refusal, actor, reason, made_at, at "
    "FROM {deposits} WHERE state = 'waits' AND made_at >= :made_at AND (made_at > :made_at OR "
    "deposit > :id) ORDER BY made_at, deposit LIMIT :limit"};
constexpr store::Statement kWaitingReturns{
    "waiting_returns", "payments",
    "SELECT id, owner, order_id, charge, refund, deposit, amount, currency, cause, way, state, "
    "attempt, reference, account, told, reason, actor, made_at, at, member "
    "FROM {returns} WHERE state = 'waits' AND made_at >= :made_at AND (made_at > :made_at OR "
    "id > :id) ORDER BY made_at, id LIMIT :limit"};
constexpr store::Statement kReturn{
    "find_return", "payments",
    "SELECT id, owner, order_id, charge, refund, deposit, amount, currency, cause, way, state, "
    "attempt, reference, account, told, reason, actor, made_at, at, member "
    "FROM {returns} WHERE id = :id"};

template <class Row>
Result<std::vector<Row>> read_all(const Result<store::Rows>& rows,
                                  Result<Row> (*read)(const store::Rows::Row&)) {
  if (!rows) return rows.error();
  std::vector<Row> out;
  for (const auto row : *rows) {
    auto value = read(row);
    if (!value) return value.error();
    out.push_back(std::move(*value));
  }
  return out;
}

store::Params page_of(const Behind& behind, std::int64_t limit) {
  store::Params params;
  params.add("made_at", behind.made_at).add("id", behind.id);
  params.add("limit", std::clamp(limit, std::int64_t{1}, kMaxPage));
  return params;
}

constexpr auto kU = Type::uuid;
constexpr auto kT = Type::text;
constexpr auto kI = Type::int64;

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

Result<std::optional<MemberId>> find_payer(store::Session& session, const OrderId& order) {
  store::Params params;
  params.add("order_id", order);
  const auto rows = store::query(
      session,
      {"find_payer", "payments",
       "SELECT member FROM {payments} WHERE order_id = :order_id AND method IS NOT NULL"},
      params, {kU});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<MemberId>();
  return std::optional(rows->front().id<MemberId>(0));
}

Result<std::optional<Deposit>> find_deposit(store::Session& session,
                                            const contracts::DepositId& deposit) {
  auto keys = store::RowBuffer::keys(kDeposits);
  keys.add(deposit);
  return find_one(session, kDeposits, keys, read_deposit);
}

Result<std::optional<Return>> find_return(store::Session& session, const contracts::ReturnId& id) {
  store::Params params;
  params.add("id", id);
  auto found =
      read_all(store::query(session, kReturn, params, {kU, kU, kU, kU, kU, kU, kI, kT, kT, kT,
                                                       kT, kI, kT, kT, kT, kT, kT, kI, kI, kU}),
               read_return);
  if (!found) return found.error();
  if (found->empty()) return std::optional<Return>();
  return std::optional(std::move(found->front()));
}

Result<std::vector<Deposit>> waiting_deposits(store::Session& session, const Behind& behind,
                                              std::int64_t limit) {
  return read_all(
      store::query(session, kWaitingDeposits, page_of(behind, limit),
                   {kU, kT, kI, kT, kT, kT, kT, kI, kI, kI, kU, kU, kU, kT, kT, kT, kI, kI}),
      read_deposit);
}

Result<std::vector<Return>> waiting_returns(store::Session& session, const Behind& behind,
                                            std::int64_t limit) {
  return read_all(store::query(session, kWaitingReturns, page_of(behind, limit),
                               {kU, kU, kU, kU, kU, kU, kI, kT, kT, kT,
                                kT, kI, kT, kT, kT, kT, kT, kI, kI, kU}),
                  read_return);
}

}  // namespace dropline::payments
