#include <array>

#include "table_check.hpp"

namespace dropline::audit {
namespace {

/// As many coupons are out as the campaign counts, and no more than there are.
const std::string kCampaigns = R"(
WITH given AS MATERIALIZED (
  SELECT campaign, COUNT(*) AS coupons, MIN(place_partition) AS lowest,
    MAX(place_partition) AS highest
  FROM {coupons.coupons} GROUP BY campaign
)
SELECT 'coupons.campaigns campaign=' || CAST(k.campaign AS text) AS w,
  'standing ' || COALESCE(g.standing, '(no row)') || ', quantity ' ||
  COALESCE(CAST(g.quantity AS text), '(none)') || ', issued ' ||
  COALESCE(CAST(g.issued AS text), '(none)') || ', shard ' ||
  COALESCE(CAST(g.shard AS text), '(none)') || '; ' ||
  CAST(COALESCE(c.coupons, 0) AS text) || ' of its coupons are out, of partitions ' ||
  COALESCE(CAST(c.lowest AS text), '') || ' to ' || COALESCE(CAST(c.highest AS text), '') AS t
FROM (SELECT campaign FROM {coupons.campaigns} UNION SELECT campaign FROM given) AS k
LEFT JOIN {coupons.campaigns} g ON g.campaign = k.campaign
LEFT JOIN given c ON c.campaign = k.campaign
WHERE g.campaign IS NULL OR g.issued <> COALESCE(c.coupons, 0) OR g.issued > g.quantity
  OR g.quantity <> COALESCE(CAST(g.terms->>'quantity' AS bigint), -1)
  OR g.standing NOT IN ('active', 'paused', 'ended') OR g.shard <> g.place_partition
  OR c.lowest <> g.shard OR c.highest <> g.shard
)";

/// What an order has of a coupon, both rows say; and one order at a time has it.
const std::string kUses = R"(
SELECT 'coupons.coupons coupon=' || CAST(c.coupon AS text) AS w,
  'state ' || c.state || ' of order ' || COALESCE(CAST(c.order_id AS text), '(none)') ||
  ', that use is ' || COALESCE(u.state, '(no row)') AS t
FROM {coupons.coupons} c
LEFT JOIN {coupons.uses} u ON u.coupon = c.coupon AND u.order_id = c.order_id
WHERE c.state NOT IN ('free', 'reserved', 'redeemed')
  OR (c.state = 'free') <> (c.order_id IS NULL)
  OR (c.order_id IS NOT NULL AND
    (u.coupon IS NULL OR u.state <> c.state OR u.member <> c.member OR u.at <> c.at))
UNION ALL
SELECT 'coupons.uses coupon=' || CAST(u.coupon AS text) || ' order=' || CAST(u.order_id AS text),
  'state ' || u.state || ', reason ' || COALESCE(u.reason, '(none)') || ', discount ' ||
  CAST(u.discount AS text) || ' ' || u.currency || ', the coupon is ' ||
  COALESCE(c.state, '(no row)') || ' of order ' || COALESCE(CAST(c.order_id AS text), '(none)')
FROM {coupons.uses} u LEFT JOIN {coupons.coupons} c ON c.coupon = u.coupon
WHERE u.state NOT IN ('reserved', 'redeemed', 'released', 'declined')
  OR (u.state IN ('reserved', 'redeemed') AND
    (c.coupon IS NULL OR c.order_id IS NULL OR c.order_id <> u.order_id))
  OR (u.state = 'declined') <> (u.reason IS NOT NULL)
  OR (u.state = 'declined' AND u.discount <> 0) OR length(u.currency) <> 3
)";

/// A coupon ends as its order does, and the order pays that much less.
const std::string kOrders = R"(
SELECT 'coupons.uses order=' || CAST(o.order_id AS text) AS w,
  'the use is ' || COALESCE(u.state, '(no row)') || ', discount ' ||
  COALESCE(CAST(u.discount AS text), '(none)') || '; ordering.orders says ' || o.state ||
  ', discount ' || COALESCE(o.facts->'coupon_facts'->'reserved'->'discount'->>'amount', '0') ||
  ' of ' || CAST(o.total AS text) || ', payments.payments asks for ' ||
  COALESCE(CAST(p.amount AS text), '(none)') AS t
FROM {ordering.orders} o
LEFT JOIN {coupons.uses} u
  ON u.order_id = o.order_id AND u.coupon = CAST(o.facts->>'coupon' AS {uuid})
LEFT JOIN {payments.payments} p ON p.order_id = o.order_id AND p.member = o.member
WHERE o.placed_at IS NOT NULL AND o.facts->>'coupon' IS NOT NULL AND (
  u.member <> o.member
  OR (o.state = 'coupon_refused' AND COALESCE(u.state, '') <> 'declined')
  OR (o.state = 'awaiting_payment' AND COALESCE(u.state, '') <> 'reserved')
  OR (o.state IN ('paid', 'preparing', 'shipped', 'delivered', 'completed')
    AND COALESCE(u.state, '') <> 'redeemed')
  OR (o.state IN ('cancelled', 'expired', 'payment_failed', 'refunded')
    AND COALESCE(u.state, '') NOT IN ('released', 'declined'))
  OR (o.facts->'coupon_facts'->'reserved' IS NOT NULL AND (
    u.discount <> CAST(o.facts->'coupon_facts'->'reserved'->'discount'->>'amount' AS bigint)
    OR u.currency <> o.currency))
  OR (p.method IS NOT NULL AND p.amount <> o.total -
    CAST(COALESCE(o.facts->'coupon_facts'->'reserved'->'discount'->>'amount', '0') AS bigint)))
UNION ALL
SELECT 'coupons.uses coupon=' || CAST(u.coupon AS text) || ' order=' || CAST(u.order_id AS text),
  'state ' || u.state || ', and ordering.orders knows no such order of that member'
FROM {coupons.uses} u LEFT JOIN {ordering.orders} o
  ON o.order_id = u.order_id AND o.member = u.member
WHERE o.placed_at IS NULL
)";

const std::array kChecks{
    TableCheck{"coupons_campaign", "as many coupons are out as a campaign says, and no more",
               Reach::always, kCampaigns},
    TableCheck{"coupons_use", "a coupon is with one order, which uses it", Reach::always, kUses},
    TableCheck{"coupons_order", "a coupon ends as its order does", Reach::at_rest, kOrders},
};

}  // namespace

std::span<const TableCheck> coupons_checks() {
  return kChecks;
}

}  // namespace dropline::audit
