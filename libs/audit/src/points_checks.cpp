#include <array>

#include "table_check.hpp"

namespace dropline::audit {
namespace {

const std::string kLedger = R"(
SELECT 'points.entries member=' || CAST(member AS text) || ' number=' || CAST(number AS text) AS w,
  'is the entry ' || CAST(place AS text) || ', says a balance of ' || CAST(balance AS text) ||
  ' where the entries give ' || CAST(runs AS text) AS t
FROM (
  SELECT member, number, balance,
    ROW_NUMBER() OVER (PARTITION BY member ORDER BY number) AS place,
    CAST(SUM(points) OVER (PARTITION BY member ORDER BY number) AS bigint) AS runs
  FROM {points.entries}
) AS r
WHERE number <> place OR balance <> runs
)";

const std::string kBalances = R"(
WITH e AS MATERIALIZED (
  SELECT member, CAST(SUM(points) AS bigint) AS balance, COUNT(*) AS entries,
    MAX(number) AS newest
  FROM {points.entries} GROUP BY member
)
SELECT 'points.balances member=' || CAST(k.member AS text) AS w,
  'balance ' || COALESCE(CAST(b.balance AS text), '(no row)') || ' of ' ||
  COALESCE(CAST(b.entries AS text), '(none)') || ' entries, which say ' ||
  COALESCE(CAST(e.balance AS text), '0') || ' by ' ||
  COALESCE(CAST(e.entries AS text), '0') AS t
FROM (SELECT member FROM {points.balances} UNION SELECT member FROM e) AS k
LEFT JOIN {points.balances} b ON b.member = k.member
LEFT JOIN e ON e.member = k.member
LEFT JOIN {points.entries} n ON n.member = k.member AND n.number = e.newest
WHERE b.member IS NULL OR e.member IS NULL OR b.balance <> e.balance OR b.entries <> e.entries
  OR b.at <> n.at
)";

/// Never more is taken back than was given, and all of it where all the money went back.
const std::string kReversed = R"(
SELECT 'points.entries order=' || CAST(order_id AS text) || ' member=' || CAST(member AS text) AS w,
  'gave ' || CAST(SUM(CASE WHEN kind = 'accrual' THEN points ELSE 0 END) AS text) ||
  ' and took back ' || CAST(-SUM(CASE WHEN kind = 'reversal' THEN points ELSE 0 END) AS text) AS t
FROM {points.entries} GROUP BY order_id, member
HAVING SUM(points) < 0 OR (SUM(points) > 0 AND
  MAX(CASE WHEN kind = 'reversal' THEN money ELSE 0 END) >=
  MAX(CASE WHEN kind = 'accrual' THEN money END) AND
  MAX(CASE WHEN kind = 'reversal' THEN money ELSE 0 END) > 0)
)";

/// Each order that was paid gave points once, for what was paid.
const std::string kOrders = R"(
WITH a AS MATERIALIZED (
  SELECT order_id, member, COUNT(*) AS accruals, MAX(money) AS money
  FROM {points.entries} WHERE kind = 'accrual' GROUP BY order_id, member
)
SELECT 'points.entries order=' || CAST(k.order_id AS text) || ' member=' ||
  CAST(k.member AS text) AS w,
  CAST(COALESCE(a.accruals, 0) AS text) || ' accruals for ' ||
  COALESCE(CAST(a.money AS text), '(nothing)') || ', ordering.orders says ' ||
  COALESCE(o.state || ', paid ' || CAST(o.paid AS text), '(no row)') AS t
FROM (SELECT order_id, member FROM a UNION SELECT order_id, member FROM {ordering.orders}
  WHERE placed_at IS NOT NULL AND facts->'money'->'captured' IS NOT NULL) AS k
LEFT JOIN a ON a.order_id = k.order_id AND a.member = k.member
LEFT JOIN {ordering.orders} o ON o.order_id = k.order_id AND o.member = k.member
WHERE a.order_id IS NULL OR o.order_id IS NULL OR a.accruals <> 1 OR a.money <> o.paid
)";

const std::array kChecks{
    TableCheck{"points_ledger", "a member's entries count up and run to the balance told",
               Reach::always, kLedger},
    TableCheck{"points_balance", "points are the sum of their ledger", Reach::always, kBalances},
    TableCheck{"points_reversed", "what money took back, its points did", Reach::always, kReversed},
    TableCheck{"points_order", "every paid order gave its points once", Reach::at_rest, kOrders},
};

}  // namespace

std::span<const TableCheck> points_checks() {
  return kChecks;
}

}  // namespace dropline::audit
