#include "reward_checks.hpp"

#include <functional>
#include <string>

#include "dropline/contracts/orders_events.hpp"
#include "dropline/contracts/points_events.hpp"
#include "dropline/store/table.hpp"

namespace dropline::audit {
namespace {

using namespace contracts;  // NOLINT: messages are what this file compares
using store::Type;

/// Entries that are read at once.
constexpr std::int64_t kPage = 20'000;

constexpr store::Statement kEntries{
    "audit points", "points",
    "SELECT member, number, kind, order_id, points, balance, money, at FROM {entries} "
    "WHERE (member, number) > (:member, :number) ORDER BY member, number LIMIT :page"};

std::uint64_t print_of(const Uuid& order, const Uuid& member, std::string_view what,
                       std::int64_t amount, std::int64_t at) {
  return std::hash<std::string>{}(order.text() + member.text() + std::string(what) + ' ' +
                                  std::to_string(amount) + ' ' + std::to_string(at));
}

}  // namespace

void RewardChecks::announce(Outcomes& out) {
  out.announce("points_told", "points' ledger has what orders' steps gave and took, as was told",
               Reach::at_rest);
}

void RewardChecks::take(const stream::Record& record, const Envelope& envelope) {
  const auto at = unix_us(record.append_time);
  const auto cause = [&]<class T>(T*, std::string_view kind, auto money_of) {
    if (envelope.type != T::kType) return;
    if (const auto step = decode<T>(envelope))
      causes_.insert(
          print_of(step->order_id.uuid(), step->member.uuid(), kind, money_of(*step), at));
  };
  cause(static_cast<OrderPaid*>(nullptr), "accrual",
        [](const OrderPaid& step) { return step.paid.minor; });
  cause(static_cast<OrderPartlyRefunded*>(nullptr), "reversal",
        [](const OrderPartlyRefunded& step) { return step.refunded_total.minor; });
  cause(static_cast<OrderRefunded*>(nullptr), "reversal",
        [](const OrderRefunded&) { return kMaxExact; });
  cause(static_cast<OrderCancelled*>(nullptr), "reversal",
        [](const OrderCancelled&) { return kMaxExact; });
  const auto told = [&]<class T>(T*, std::int64_t sign) {
    if (envelope.type != T::kType) return;
    if (const auto change = decode<T>(envelope))
      told_.insert(print_of(change->order_id.uuid(), change->member.uuid(),
                            std::to_string(sign * change->points), change->balance,
                            unix_us(change->at)));
  };
  told(static_cast<PointsAccrued*>(nullptr), 1);
  told(static_cast<PointsReversed*>(nullptr), -1);
}

void RewardChecks::compare(const store::Rows::Row& row) {
  const auto where =
      "points.entries member=" + row.uuid(0).text() + " number=" + std::to_string(row.int64(1));
  const auto& member = row.uuid(0);
  const auto order = row.uuid(3);
  const auto is = std::string(row.text(2)) + " of order " + order.text() + ", points " +
                  std::to_string(row.int64(4)) + ", balance " + std::to_string(row.int64(5)) +
                  ", money " + std::to_string(row.int64(6)) + ", at " +
                  std::to_string(row.int64(7));
  if (!causes_.contains(print_of(order, member, row.text(2), row.int64(6), row.int64(7))))
    out_.add("points_told", where, is + ": no step of the order was that");
  if (row.int64(4) == 0) return;
  if (told_.contains(
          print_of(order, member, std::to_string(row.int64(4)), row.int64(5), row.int64(7))))
    ++entries_told_;
  else
    out_.add("points_told", where, is + ": points told no such change");
}

Status RewardChecks::finish() {
  Uuid member;
  std::int64_t number = 0;
  for (;;) {
    store::Params params;
    params.add("member", member).add("number", number).add("page", kPage);
    auto rows = store::query(session_, kEntries, params,
                             {Type::uuid, Type::int64, Type::text, Type::uuid, Type::int64,
                              Type::int64, Type::int64, Type::int64});
    if (!rows) return rows.error();
    if (rows->empty()) break;
    for (const auto row : *rows) {
      member = row.uuid(0);
      number = row.int64(1);
      compare(row);
    }
  }
  if (entries_told_ < told_.size())
    out_.add(
        "points_told", "points.entries",
        std::to_string(told_.size() - entries_told_) + " changes that points told have no entry");
  return {};
}

}  // namespace dropline::audit
