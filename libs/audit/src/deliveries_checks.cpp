#include <array>

#include "table_check.hpp"

namespace dropline::audit {
namespace {

const std::string kRows = R"(
SELECT 'deliveries.deliveries order=' || CAST(order_id AS text) || ' member=' ||
  CAST(member AS text) AS w,
  'state ' || state || ', paid in step ' || CAST(paid_version AS text) || ', closed in step ' ||
  COALESCE(CAST(closed_version AS text), '(none)') || ' for ' || COALESCE(cause, '(none)') ||
  ', recipient ' || CASE WHEN recipient IS NULL THEN 'none' ELSE 'kept' END || ', shipped by ' ||
  COALESCE(shipped_by, '(none)') || ', delivered by ' || COALESCE(delivered_by, '(none)') AS t
FROM {deliveries.deliveries}
WHERE (state = 'closed') <> (closed_version IS NOT NULL)
  OR (closed_version IS NULL) <> (cause IS NULL)
  OR (state <> 'closed' AND paid_version < 1) OR paid_version < 0 OR closed_version < 0
  OR (recipient IS NULL) <> (recipient_digest IS NULL)
  OR (state = 'closed' AND recipient IS NOT NULL)
  OR (shipped_at IS NULL) <> (shipped_by IS NULL) OR (shipped_at IS NULL) <> (carrier IS NULL)
  OR (shipped_at IS NULL AND shipped_change IS NOT NULL)
  OR (delivered_at IS NULL) <> (delivered_by IS NULL)
  OR (delivered_at IS NULL AND delivered_change IS NOT NULL)
)";

/// Goods are where their order says: none are on their way whose money went back.
const std::string kOrders = R"(
SELECT 'deliveries.deliveries order=' || CAST(k.order_id AS text) || ' member=' ||
  CAST(k.member AS text) AS w,
  'state ' || COALESCE(d.state, '(no row)') || ', drop ' ||
  COALESCE(CAST(d.drop_id AS text), '(none)') || ', by ' ||
  COALESCE(d.carrier || ' ' || d.waybill, '(nobody)') || '; ordering.orders says ' ||
  COALESCE(o.state, '(no row)') || ', drop ' || COALESCE(CAST(o.drop_id AS text), '(none)') ||
  ', by ' || COALESCE(o.facts->'goods'->'shipped'->>'carrier' || ' ' ||
  (o.facts->'goods'->'shipped'->>'waybill'), '(nobody)') ||
  ', or its recipient is another' AS t
FROM (SELECT order_id, member FROM {deliveries.deliveries} UNION
  SELECT order_id, member FROM {ordering.orders}
  WHERE state IN ('preparing', 'shipped', 'delivered', 'completed', 'refunded')) AS k
LEFT JOIN {deliveries.deliveries} d ON d.order_id = k.order_id AND d.member = k.member
LEFT JOIN {ordering.orders} o ON o.order_id = k.order_id AND o.member = k.member
WHERE d.order_id IS NULL OR o.order_id IS NULL OR o.placed_at IS NULL
  OR (d.state = 'preparing' AND o.state <> 'preparing')
  OR (d.state = 'shipped' AND o.state <> 'shipped')
  OR (d.state = 'delivered' AND o.state NOT IN ('delivered', 'completed', 'refunded'))
  OR (d.state = 'closed' AND
    o.state NOT IN ('cancelled', 'expired', 'payment_failed', 'coupon_refused', 'rejected'))
  OR (d.paid_version > 0 AND (d.drop_id IS DISTINCT FROM o.drop_id
    OR o.facts->'money'->'captured' IS NULL OR d.paid_version > o.version))
  OR (d.paid_version > 0 AND d.state <> 'closed' AND (
    d.recipient IS DISTINCT FROM o.facts->'delivery'->>'sealed'
    OR d.recipient_digest IS DISTINCT FROM o.facts->'delivery'->>'digest'))
  OR d.carrier IS DISTINCT FROM o.facts->'goods'->'shipped'->>'carrier'
  OR d.waybill IS DISTINCT FROM o.facts->'goods'->'shipped'->>'waybill'
)";

const std::array kChecks{
    TableCheck{"deliveries_row", "a delivery keeps what its state has, and nothing else",
               Reach::always, kRows},
    TableCheck{"deliveries_order", "goods are where their order says", Reach::at_rest, kOrders},
};

}  // namespace

std::span<const TableCheck> deliveries_checks() {
  return kChecks;
}

}  // namespace dropline::audit
