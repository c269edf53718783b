#include <array>

#include "table_check.hpp"

namespace dropline::audit {
namespace {

/// The lines of orders, one row each.
const std::string kLines = R"(
SELECT o.order_id AS order_id, o.drop_id AS drop_id, o.member AS member, o.outcome AS outcome,
  o.settled AS settled, o.currency AS currency, o.total AS total, l.value->>'sku' AS sku,
  l.value->>'product' AS product, CAST(l.value->>'quantity' AS bigint) AS quantity,
  CAST(l.value->'unit_price'->>'amount' AS bigint) AS price,
  CAST(l.value->'amount'->>'amount' AS bigint) AS amount,
  l.value->'amount'->>'currency' AS line_currency
-- only postgresql
FROM {stock.orders} o CROSS JOIN LATERAL json_array_elements(o.lines->'lines') AS l(value)
-- end
-- only sqlite
FROM {stock.orders} o CROSS JOIN json_each(o.lines, '$.lines') AS l
-- end
)";

const std::string kOfferSum = R"(
SELECT 'stock.offers drop=' || CAST(drop_id AS text) || ' sku=' || sku AS w,
  'free ' || CAST(free AS text) || ' + allocated ' || CAST(allocated AS text) ||
  ' + written off ' ||
  CAST(written_off AS text) || ' is not supplied ' ||
  CAST(supplied AS text) ||
  ', or settled ' || CAST(settled AS text) || ' is not among the allocated, or shard ' ||
  CAST(shard AS text) || ' is not where it was last changed' AS t
FROM {stock.offers}
WHERE free + allocated + written_off <> supplied OR free < 0 OR allocated < 0 OR written_off < 0
  OR settled < 0 OR settled > allocated OR price < 0 OR shard <> place_partition
)";

const std::string kOfferOrders = R"(
WITH s AS MATERIALIZED (
  SELECT drop_id, sku, CAST(SUM(quantity) AS bigint) AS units,
    CAST(SUM(CASE WHEN settled THEN quantity ELSE 0 END) AS bigint) AS settled
  FROM ()" + kLines + R"() AS lines
  WHERE outcome = 'reserved' GROUP BY drop_id, sku
)
SELECT 'stock.offers drop=' || CAST(COALESCE(f.drop_id, s.drop_id) AS text) || ' sku=' ||
  COALESCE(f.sku, s.sku) AS w,
  'allocated ' || COALESCE(CAST(f.allocated AS text), '(no row)') || ' settled ' ||
  COALESCE(CAST(f.settled AS text), '(no row)') || ', but orders not released hold ' ||
  CAST(COALESCE(s.units, 0) AS text) || ', settled ones ' ||
  CAST(COALESCE(s.settled, 0) AS text) AS t
FROM (SELECT drop_id, sku FROM {stock.offers} UNION SELECT drop_id, sku FROM s) AS k
LEFT JOIN {stock.offers} f ON f.drop_id = k.drop_id AND f.sku = k.sku
LEFT JOIN s ON s.drop_id = k.drop_id AND s.sku = k.sku
WHERE COALESCE(f.allocated, -1) <> COALESCE(s.units, 0)
  OR COALESCE(f.settled, -1) <> COALESCE(s.settled, 0)
)";

const std::string kHoldings = R"(
WITH s AS MATERIALIZED (
  SELECT drop_id, member, sku,
    CAST(SUM(CASE WHEN outcome = 'reserved' THEN quantity ELSE 0 END) AS bigint) AS units
  FROM ()" + kLines + R"() AS lines GROUP BY drop_id, member, sku
)
SELECT 'stock.holdings drop=' || CAST(b.drop_id AS text) || ' member=' || CAST(b.member AS text) ||
  ' sku=' || b.sku AS w,
  'units ' || COALESCE(CAST(b.units AS text), '(no row)') || ' of product ' ||
  COALESCE(CAST(b.product AS text), '(none)') || ', but unreleased orders hold ' ||
  CAST(COALESCE(b.held, 0) AS text) || ' of product ' ||
  COALESCE(CAST(f.product AS text), '(none)') AS t
FROM (
  SELECT COALESCE(h.drop_id, s.drop_id) AS drop_id, COALESCE(h.member, s.member) AS member,
    COALESCE(h.sku, s.sku) AS sku, h.units AS units, h.product AS product, s.units AS held
  FROM (SELECT drop_id, member, sku FROM {stock.holdings}
    UNION SELECT drop_id, member, sku FROM s) AS k
  LEFT JOIN {stock.holdings} h ON h.drop_id = k.drop_id AND h.member = k.member AND h.sku = k.sku
  LEFT JOIN s ON s.drop_id = k.drop_id AND s.member = k.member AND s.sku = k.sku
) AS b
LEFT JOIN {stock.offers} f ON f.drop_id = b.drop_id AND f.sku = b.sku
LEFT JOIN {stock.drops} d ON d.drop_id = b.drop_id
WHERE (b.units IS NOT NULL AND b.units <> COALESCE(b.held, -1))
  OR (b.units IS NOT NULL AND b.product IS DISTINCT FROM f.product)
  OR (b.units IS NULL AND b.held > 0 AND (d.drop_id IS NULL OR f.member_limit IS NOT NULL
    OR d.limit_per_member IS NOT NULL OR EXISTS (
-- only postgresql
      SELECT 1 FROM json_array_elements(d.lists->'product_limits') AS x(value)
-- end
-- only sqlite
      SELECT 1 FROM json_each(d.lists, '$.product_limits') AS x
-- end
      WHERE x.value->>'product' = CAST(f.product AS text))))
)";

const std::string kOrderRow = R"(
SELECT 'stock.orders order=' || CAST(o.order_id AS text) AS w,
  'outcome ' || o.outcome || ', reason ' || COALESCE(o.reason, '(none)') || ', settled ' ||
  CASE WHEN o.settled THEN 'yes' ELSE 'no' END || ', total ' || CAST(o.total AS text) || ' ' ||
  o.currency || ', its lines cost ' || COALESCE(CAST(s.amount AS text), '(no lines)') || ', ' ||
  CAST(COALESCE(s.wrong, 0) AS text) || ' lines are not quantity times price' AS t
FROM {stock.orders} o LEFT JOIN (
  SELECT order_id, CAST(SUM(amount) AS bigint) AS amount,
    SUM(CASE WHEN quantity * price = amount AND quantity > 0 AND line_currency = currency
      THEN 0 ELSE 1 END) AS wrong
  FROM ()" + kLines + R"() AS lines GROUP BY order_id
) s ON s.order_id = o.order_id
WHERE o.outcome NOT IN ('reserved', 'refused', 'released')
  OR (o.outcome = 'refused') <> (o.reason IS NOT NULL)
  OR (o.outcome = 'refused' AND (o.lines IS NOT NULL OR o.settled))
  OR (o.outcome = 'refused' AND o.reason <> 'price_changed' AND o.total <> 0)
  OR (o.outcome <> 'refused' AND (s.amount IS NULL OR s.amount <> o.total OR s.wrong > 0))
)";

const std::string kDropRow = R"(
SELECT 'stock.drops drop=' || CAST(drop_id AS text) AS w,
  'standing ' || standing || ', shard ' || CAST(shard AS text) || ', last changed in partition ' ||
  CAST(place_partition AS text) || ', ' || CASE WHEN closes_at > opens_at
  THEN 'closes after it opens' ELSE 'closes before it opens' END AS t
FROM {stock.drops}
WHERE standing NOT IN ('active', 'paused', 'ended') OR shard <> place_partition
  OR closes_at <= opens_at
)";

/// A drop's orders lie in the drop's partition, whose number its shard is.
const std::string kOrderPlace = R"(
SELECT 'stock.orders order=' || CAST(o.order_id AS text) AS w,
  'lies in partition ' || CAST(o.place_partition AS text) || ', its drop in ' ||
  CAST(d.shard AS text) AS t
FROM {stock.orders} o JOIN {stock.drops} d ON d.drop_id = o.drop_id
WHERE o.place_partition <> d.shard OR o.place_offset < 0
)";

const std::array kChecks{
    TableCheck{"stock_offer_sum", "free + allocated + written off = supplied, settled is allocated",
               Reach::always, kOfferSum},
    TableCheck{"stock_offer_orders", "allocated and settled are the units of orders not released",
               Reach::always, kOfferOrders},
    TableCheck{"stock_holdings", "what members hold is what their unreleased orders say",
               Reach::always, kHoldings},
    TableCheck{"stock_order_row", "an order's outcome, reason, lines and total agree",
               Reach::always, kOrderRow},
    TableCheck{"stock_order_place", "a drop's orders lie in the drop's partition", Reach::always,
               kOrderPlace},
    TableCheck{"stock_drop_row", "a drop's row agrees with itself", Reach::always, kDropRow},
};

}  // namespace

std::span<const TableCheck> stock_checks() {
  return kChecks;
}

}  // namespace dropline::audit
