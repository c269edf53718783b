// What two services say of one order.
#include <array>

#include "table_check.hpp"

namespace dropline::audit {
namespace {

/// An order that stock has judged is public, and in a state that fits stock's outcome. Rows of
/// ordering without a time of placing only keep what came early.
const std::string kOrderState = R"(
SELECT 'ordering.orders order=' || CAST(COALESCE(o.order_id, s.order_id) AS text) || ' member=' ||
  CAST(COALESCE(o.member, s.member) AS text) AS w,
  'state ' || COALESCE(o.state, '(no row)') || ', stock.orders says ' ||
  COALESCE(s.outcome || COALESCE(' ' || s.reason, '') ||
    CASE WHEN s.settled THEN ' settled' ELSE ' not settled' END, '(no row)') AS t
FROM {ordering.orders} o FULL JOIN {stock.orders} s
  ON s.order_id = o.order_id AND s.member = o.member
WHERE (o.placed_at IS NOT NULL OR s.order_id IS NOT NULL) AND (
  s.order_id IS NULL OR o.placed_at IS NULL
  OR (s.outcome = 'refused') <> (o.state = 'rejected')
  OR (s.outcome = 'released')
    <> (o.state IN ('cancelled', 'expired', 'payment_failed', 'coupon_refused'))
  OR (s.outcome = 'reserved' AND s.settled
    AND o.state IN ('received', 'reserved', 'awaiting_payment'))
  OR (s.outcome = 'reserved' AND NOT s.settled
    AND o.state NOT IN ('reserved', 'awaiting_payment'))
  OR (s.settled AND o.facts->'money'->'captured' IS NULL))
)";

/// What does not change of an order, as both keep it. What it would have cost by the price in
/// force, stock alone keeps.
const std::string kOrderTerms = R"(
SELECT 'stock.orders order=' || CAST(s.order_id AS text) AS w,
  'drop, total, time, place, body hash, reason or lines differ from ordering.orders: drop ' ||
  CAST(s.drop_id AS text) || '/' || COALESCE(CAST(o.drop_id AS text), '(none)') || ', total ' ||
  CAST(s.total AS text) || ' ' || s.currency || '/' || CAST(o.total AS text) || ' ' ||
  o.currency || ', placed at ' || CAST(s.placed_at AS text) || '/' ||
  CAST(o.placed_at AS text) || ', reason ' || COALESCE(s.reason, '(none)') || '/' ||
  COALESCE(o.facts->>'rejected', '(none)') || ', place ' || CAST(s.place_partition AS text) ||
  '@' || CAST(s.place_offset AS text) || '/' ||
  COALESCE(CAST(o.facts->'place'->>'partition' AS text), '') || '@' ||
  COALESCE(CAST(o.facts->'place'->>'offset' AS text), '') || ', lines ' ||
  COALESCE(CAST(s.lines->'lines' AS text), '(none)') || '/' ||
  COALESCE(CAST(o.facts->'lines' AS text), '(none)') AS t
FROM {stock.orders} s JOIN {ordering.orders} o ON o.order_id = s.order_id AND o.member = s.member
WHERE o.placed_at IS NOT NULL AND (
  s.drop_id <> COALESCE(o.drop_id, CAST('00000000-0000-0000-0000-000000000000' AS {uuid}))
  OR o.total <> CASE WHEN s.reason = 'price_changed' THEN 0 ELSE s.total END
  OR o.currency <> CASE WHEN s.reason = 'price_changed' THEN 'KRW' ELSE s.currency END
  OR s.placed_at <> o.placed_at OR s.reason IS DISTINCT FROM o.facts->>'rejected'
  OR s.body_hash <> COALESCE(o.facts->>'body_hash', '')
  OR s.place_partition <> COALESCE(CAST(o.facts->'place'->>'partition' AS bigint), -1)
  OR s.place_offset <> COALESCE(CAST(o.facts->'place'->>'offset' AS bigint), -1)
  OR (o.facts->>'coupon' IS NULL AND
    COALESCE(CAST(s.lines->'lines' AS text), '') <> COALESCE(CAST(o.facts->'lines' AS text), '')))
)";

/// Paid orders have a capture, and what is held of it is what they cost; ended orders hold no
/// money.
const std::string kOrderMoney = R"(
SELECT 'payments.payments order=' || CAST(COALESCE(p.order_id, o.order_id) AS text) || ' member=' ||
  CAST(COALESCE(p.member, o.member) AS text) AS w,
  'state ' || COALESCE(p.state, '(no row)') || ', cause ' || COALESCE(p.cause, '(none)') ||
  ', declined ' || COALESCE(p.declined, '(no)') || ', method ' || COALESCE(p.method, '(none)') ||
  ', drop ' || COALESCE(CAST(p.drop_id AS text), '(none)') || ', amount ' ||
  COALESCE(CAST(p.amount AS text), '(none)') || ', captured ' ||
  COALESCE(CAST(p.captured AS text), '0') || ', refunded ' ||
  COALESCE(CAST(p.refunded AS text), '0') || '; ordering.orders says ' ||
  COALESCE(o.state, '(no row)') || ', total ' || COALESCE(CAST(o.total AS text), '(none)') ||
  ', paid ' || COALESCE(CAST(o.paid AS text), '0') || ', refunded ' ||
  COALESCE(CAST(o.refunded AS text), '0') AS t
FROM {payments.payments} p FULL JOIN {ordering.orders} o
  ON o.order_id = p.order_id AND o.member = p.member
WHERE (p.order_id IS NULL AND o.placed_at IS NOT NULL AND o.state <> 'rejected'
    AND NOT (o.state IN ('reserved', 'coupon_refused') AND o.facts->>'coupon' IS NOT NULL))
  OR (o.order_id IS NULL AND p.method IS NOT NULL)
  OR (o.state = 'rejected' AND p.method IS NOT NULL)
  OR (p.order_id IS NOT NULL AND o.placed_at IS NULL AND p.method IS NOT NULL)
  OR (p.order_id IS NOT NULL AND o.placed_at IS NOT NULL AND o.state <> 'rejected' AND (
    (p.state = 'open') <> (o.state = 'awaiting_payment')
    OR (p.state = 'captured')
      <> (o.state IN ('paid', 'preparing', 'shipped', 'delivered', 'completed', 'refunded'))
    OR (p.state = 'closed') <> (o.state IN
      ('cancelled', 'expired', 'payment_failed', 'coupon_refused'))
    OR p.captured <> o.paid OR (p.state = 'closed' AND p.refunded <> o.refunded)
    OR p.drop_id IS DISTINCT FROM o.drop_id
    OR (p.method IS NOT NULL AND (p.method <> COALESCE(o.facts->'payment'->>'method', '')
      OR p.currency <> o.currency
      OR (p.amount <> o.total AND o.facts->>'coupon' IS NULL)))
    OR p.declined IS DISTINCT FROM o.facts->'money'->'declined'->>'reason'
    OR p.cause <> o.facts->'money'->'closed'->>'cause'
    OR (o.state = 'expired') <> (COALESCE(p.cause, '') = 'expired')
    OR (o.state = 'payment_failed' AND p.declined IS NULL AND p.cause <> 'payment_failed')))
)";

const std::string kCapturedWithoutUnits = R"(
SELECT 'payments.payments order=' || CAST(p.order_id AS text) || ' member=' ||
  CAST(p.member AS text) AS w,
  'holds ' || CAST(p.captured - p.refunded AS text) || ', stock.orders says ' ||
  COALESCE(s.outcome, '(no row)') AS t
FROM {payments.payments} p LEFT JOIN {stock.orders} s
  ON s.order_id = p.order_id AND s.member = p.member
WHERE p.captured > p.refunded AND COALESCE(s.outcome, '') <> 'reserved'
)";

const std::array kChecks{
    TableCheck{"order_state", "every order of stock rests in one public state that fits it",
               Reach::at_rest, kOrderState},
    TableCheck{"order_terms", "stock and ordering keep the same order", Reach::at_rest,
               kOrderTerms},
    TableCheck{"order_money", "paid orders have their money, ended ones hold none", Reach::at_rest,
               kOrderMoney},
    TableCheck{"captured_without_units", "no money is held without units", Reach::at_rest,
               kCapturedWithoutUnits},
};

}  // namespace

std::span<const TableCheck> joint_checks() {
  return kChecks;
}

}  // namespace dropline::audit
