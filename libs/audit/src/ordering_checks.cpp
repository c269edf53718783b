#include <array>

#include "dropline/contracts/parts.hpp"
#include "dropline/ordering/ordering.hpp"
#include "table_check.hpp"

namespace dropline::audit {
namespace {

using contracts::OrderState;

/// Steps that leave the state as it is: more time, and a refund of a part.
bool may_stay(OrderState state) {
  return state == OrderState::awaiting_payment || state == OrderState::delivered;
}

/// What the rules of ordering allow, as a list of SQL: 'received>reserved', …
std::string allowed_steps() {
  std::string list;
  const auto names = names_of(OrderState{});
  for (std::size_t from = 0; from < names.size(); ++from)
    for (std::size_t to = 0; to < names.size(); ++to)
      if (ordering::may_follow(static_cast<OrderState>(from), static_cast<OrderState>(to)) ||
          (from == to && may_stay(static_cast<OrderState>(from))))
        list.append(list.empty() ? "'" : ", '").append(names[from]).append(">").append(names[to]) +=
            '\'';
  return list;
}

std::string final_states() {
  std::string list;
  const auto names = names_of(OrderState{});
  for (std::size_t state = 0; state < names.size(); ++state)
    if (ordering::is_final(static_cast<OrderState>(state)))
      list.append(list.empty() ? "'" : ", '").append(names[state]) += '\'';
  return list;
}

const std::string kRow = R"(
SELECT 'ordering.orders order=' || CAST(o.order_id AS text) || ' member=' ||
  CAST(o.member AS text) AS w,
  'state ' || o.state || ' version ' || CAST(o.version AS text) || ' paid ' ||
  CAST(o.paid AS text) || ' refunded ' || CAST(o.refunded AS text) || ' deadline ' ||
  CASE WHEN o.deadline IS NULL THEN 'none' ELSE 'set' END || ', but its facts say paid ' ||
  COALESCE(o.facts->'money'->'captured'->'amount'->>'amount', '0') || ' refunded ' ||
  COALESCE(o.facts->'money'->'closed'->'refunded'->>'amount', '0') AS t
FROM {ordering.orders} o
WHERE o.paid <> CAST(COALESCE(o.facts->'money'->'captured'->'amount'->>'amount', '0') AS bigint)
  OR (o.facts->'given_back' IS NULL AND o.refunded <>
    CAST(COALESCE(o.facts->'money'->'closed'->'refunded'->>'amount', '0') AS bigint))
  OR (o.state = 'refunded' AND o.refunded <> o.paid)
  OR o.facts->'money'->'captured'->'amount'->>'currency' <> o.currency
  OR o.facts->'money'->'closed'->'refunded'->>'currency' <> o.currency
  OR (o.state = 'received') <> (o.placed_at IS NULL)
  OR (o.state IN ()" + final_states() +
                         R"() AND o.deadline IS NOT NULL)
  OR o.paid > o.total OR o.refunded > o.paid OR (o.state = 'paid' AND o.paid +
    CAST(COALESCE(o.facts->'coupon_facts'->'reserved'->'discount'->>'amount', '0') AS bigint)
      <> o.total)
  OR (o.state = 'rejected') <> (o.facts->>'rejected' IS NOT NULL)
)";

/// Every step beside the one before it; a timeline that was cut lacks those behind its first.
const std::string kTimeline = R"(
SELECT 'ordering.orders order=' || CAST(order_id AS text) || ' member=' ||
  CAST(member AS text) AS w,
  'timeline goes from ' || before || ' to ' || COALESCE(state, '(none)') || ' in step ' ||
  CAST(step + 1 AS text) AS t
FROM (
  SELECT order_id, member, version, steps, step, state,
    COALESCE(LAG(state) OVER (PARTITION BY order_id, member ORDER BY step), 'received') AS before
  FROM (
    SELECT o.order_id AS order_id, o.member AS member, o.version AS version,
      json_array_length(o.timeline->'entries') AS steps, e.value->>'state' AS state,
-- only postgresql
      e.place - 1 AS step
    FROM {ordering.orders} o CROSS JOIN LATERAL
      json_array_elements(o.timeline->'entries') WITH ORDINALITY AS e(value, place)
-- end
-- only sqlite
      e.key AS step
    FROM {ordering.orders} o CROSS JOIN json_each(o.timeline, '$.entries') AS e
-- end
  ) AS entries
) AS pairs
WHERE (step <> 1 OR version = steps)
  AND before || '>' || COALESCE(state, '') NOT IN ()" +
                              allowed_steps() + R"()
)";

const std::string kEnd = R"(
SELECT 'ordering.orders order=' || CAST(order_id AS text) || ' member=' ||
  CAST(member AS text) AS w,
  'state ' || state || ' version ' || CAST(version AS text) || ', its timeline ends in ' ||
  COALESCE(last, '(nothing)') || ' after ' || CAST(steps AS text) || ' steps' AS t
FROM (
  SELECT o.order_id, o.member, o.state, o.version,
    json_array_length(o.timeline->'entries') AS steps,
    o.timeline->'entries'->(json_array_length(o.timeline->'entries') - 1)->>'state' AS last
  FROM {ordering.orders} o
) AS ends
WHERE COALESCE(last, 'received') <> state OR version < steps OR (version > steps AND steps < 64)
)";

const std::string kOwner = R"(
SELECT 'ordering.orders member=' || CAST(o.member AS text) AS w,
  'shards ' || CAST(MIN(o.shard) AS text) || ' to ' || CAST(MAX(o.shard) AS text) ||
  ', the wallet of this member is in ' || COALESCE(CAST(MIN(w.shard) AS text), '(none)') AS t
FROM {ordering.orders} o LEFT JOIN {payments.wallets} w ON w.member = o.member
GROUP BY o.member
HAVING MIN(o.shard) <> MAX(o.shard) OR MIN(o.shard) <> MIN(w.shard)
)";

const std::array kChecks{
    TableCheck{"ordering_order_row", "an order's state and money agree with the facts it keeps",
               Reach::always, kRow},
    TableCheck{"ordering_timeline", "states move only along the table", Reach::always, kTimeline},
    TableCheck{"ordering_last_step", "an order is in the state of its last step", Reach::always,
               kEnd},
    TableCheck{"ordering_owner", "all of a member's orders and the wallet have one owner",
               Reach::always, kOwner},
};

}  // namespace

std::span<const TableCheck> ordering_checks() {
  return kChecks;
}

}  // namespace dropline::audit
