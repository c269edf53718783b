#include <array>

#include "table_check.hpp"

namespace dropline::audit {
namespace {

const std::string kTransfers = R"(
SELECT 'payments.entries member=' || CAST(member AS text) || ' transfer=' ||
  CAST(transfer AS text) AS w,
  CAST(COUNT(*) AS text) || ' entries sum to ' || CAST(SUM(amount) AS text) ||
  ', or are of different kinds, references, currencies, shards or times' AS t
FROM {payments.entries} GROUP BY member, transfer
HAVING SUM(amount) <> 0 OR COUNT(*) <> 2 OR MIN(kind) <> MAX(kind)
  OR MIN(CAST(reference AS text)) <> MAX(CAST(reference AS text)) OR MIN(currency) <> MAX(currency)
  OR MIN(shard) <> MAX(shard) OR MIN(at) <> MAX(at)
  OR COALESCE(MIN(kind) || ' ' || MIN(CASE WHEN amount < 0 THEN account END) || ' ' ||
    MIN(CASE WHEN amount > 0 THEN account END), '') NOT IN (
    'charge gateway wallet', 'charge suspense wallet', 'capture wallet held', 'refund held wallet',
    'close held wallet', 'capture gateway held', 'capture partial held', 'deposit bank suspense',
    'credit suspense partial', 'stray gateway returning', 'stray suspense returning',
    'refund held returning', 'close held returning', 'close partial returning',
    'returned returning gateway', 'returned returning bank')
)";

/// What goes back stands in `returning` until it is done, and there is nothing else in it.
const std::string kReturns = R"(
WITH e AS MATERIALIZED (
  SELECT member, CAST(SUM(amount) AS bigint) AS owed,
    CAST(SUM(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS bigint) AS came,
    MIN(currency) AS currency
  FROM {payments.entries} WHERE account = 'returning' GROUP BY member
)
SELECT 'payments.returns id=' || CAST(k.id AS text) AS w,
  'state ' || COALESCE(r.state, '(no row)') || ', amount ' ||
  COALESCE(CAST(r.amount AS text), '(none)') || ', the ledger owes ' ||
  COALESCE(CAST(e.owed AS text), '0') || ' of ' || COALESCE(CAST(e.came AS text), '0') AS t
FROM (SELECT id FROM {payments.returns} UNION SELECT member FROM e) AS k
LEFT JOIN {payments.returns} r ON r.id = k.id
LEFT JOIN e ON e.member = k.id
WHERE r.id IS NULL OR e.member IS NULL OR e.came <> r.amount OR e.currency <> r.currency
  OR e.owed <> CASE WHEN r.state = 'done' THEN 0 ELSE r.amount END
  OR r.state NOT IN ('sent', 'waits', 'done') OR r.way NOT IN ('gateway', 'bank')
)";

/// What a bank brought is in suspense until it is taken or sent back.
const std::string kDeposits = R"(
WITH e AS MATERIALIZED (
  SELECT member, CAST(SUM(amount) AS bigint) AS came, MIN(currency) AS currency
  FROM {payments.entries} WHERE kind = 'deposit' AND account = 'suspense' GROUP BY member
)
SELECT 'payments.deposits deposit=' || CAST(k.id AS text) AS w,
  'state ' || COALESCE(d.state, '(no row)') || ', amount ' ||
  COALESCE(CAST(d.amount AS text), '(none)') || ', taken ' ||
  COALESCE(CAST(d.taken AS text), '(none)') || ', returned ' ||
  COALESCE(CAST(d.returned AS text), '(none)') || '; the ledger has ' ||
  COALESCE(CAST(e.came AS text), '0') || ', credits took ' ||
  CAST(COALESCE(c.taken, 0) AS text) || ', returns ' || CAST(COALESCE(b.amount, 0) AS text) AS t
FROM (SELECT deposit AS id FROM {payments.deposits} UNION SELECT member FROM e) AS k
LEFT JOIN {payments.deposits} d ON d.deposit = k.id
LEFT JOIN e ON e.member = k.id
LEFT JOIN (SELECT deposit, CAST(SUM(taken) AS bigint) AS taken FROM {payments.credits}
  GROUP BY deposit) c ON c.deposit = k.id
LEFT JOIN (SELECT deposit, CAST(SUM(amount) AS bigint) AS amount FROM {payments.returns}
  WHERE deposit IS NOT NULL GROUP BY deposit) b ON b.deposit = k.id
WHERE d.deposit IS NULL OR e.member IS NULL OR e.came <> d.amount OR e.currency <> d.currency
  OR d.state NOT IN ('waits', 'done') OR d.taken <> COALESCE(c.taken, 0)
  OR d.returned <> COALESCE(b.amount, 0)
)";

/// What the shop holds of an order's card or transfer, and what came of one that is not all.
const std::string kOutsideMoney = R"(
WITH e AS MATERIALIZED (
  SELECT order_id, CAST(SUM(held) AS bigint) AS held, CAST(SUM(partial) AS bigint) AS partial
  FROM (
    SELECT CASE WHEN n.kind = 'refund' THEN r.order_id ELSE n.reference END AS order_id,
      CASE WHEN n.account = 'held' THEN n.amount ELSE 0 END AS held,
      CASE WHEN n.account = 'partial' THEN n.amount ELSE 0 END AS partial
    FROM {payments.entries} n LEFT JOIN {payments.refunds} r
      ON n.kind = 'refund' AND r.refund = n.reference
    WHERE n.account IN ('held', 'partial')
  ) AS moved GROUP BY order_id
)
SELECT 'payments.payments order=' || CAST(p.order_id AS text) AS w,
  'method ' || p.method || ', captured ' || CAST(p.captured AS text) || ', refunded ' ||
  CAST(p.refunded AS text) || ', sending ' || CAST(p.sending AS text) || ', received ' ||
  CAST(p.received AS text) || '; the ledger holds ' || CAST(COALESCE(e.held, 0) AS text) ||
  ' and ' || CAST(COALESCE(e.partial, 0) AS text) AS t
FROM {payments.payments} p LEFT JOIN e ON e.order_id = p.order_id
WHERE p.method IN ('card', 'bank') AND (
  p.captured - p.refunded - p.sending <> COALESCE(e.held, 0)
  OR p.received <> COALESCE(e.partial, 0))
)";

const std::string kWallets = R"(
WITH e AS MATERIALIZED (
  SELECT member, CAST(SUM(amount) AS bigint) AS balance, COUNT(*) AS transfers,
    CAST(SUM(CASE WHEN kind = 'charge' THEN amount ELSE 0 END) AS bigint) AS charged,
    MAX(transfer) AS newest, MIN(transfer) AS oldest, MIN(currency) AS currency,
    MAX(currency) AS other, MIN(shard) AS shard, MAX(shard) AS highest, MAX(at) AS at
  FROM {payments.entries} WHERE account = 'wallet' GROUP BY member
)
SELECT 'payments.wallets member=' || CAST(COALESCE(w.member, e.member) AS text) AS w,
  'balance ' || COALESCE(CAST(w.balance AS text), '(no row)') || ' charged ' ||
  COALESCE(CAST(w.charged AS text), '(no row)') || ' transfers ' ||
  COALESCE(CAST(w.transfers AS text), '(no row)') || ' shard ' ||
  COALESCE(CAST(w.shard AS text), '(no row)') || ', its entries say ' ||
  COALESCE(CAST(e.balance AS text), '0') || ', ' ||
  COALESCE(CAST(e.charged AS text), '0') || ', ' ||
  COALESCE(CAST(e.transfers AS text), '0') || ', ' || COALESCE(CAST(e.shard AS text), '(none)') AS t
FROM (SELECT member FROM {payments.wallets} UNION SELECT member FROM e) AS k
LEFT JOIN {payments.wallets} w ON w.member = k.member
LEFT JOIN e ON e.member = k.member
WHERE w.member IS NULL OR e.member IS NULL OR w.balance <> e.balance OR w.charged <> e.charged
  OR w.transfers <> e.transfers OR e.newest <> e.transfers OR e.oldest <> 1
  OR w.currency <> e.currency OR e.currency <> e.other OR w.shard <> e.shard
  OR e.shard <> e.highest OR w.at < e.at OR w.balance < 0
)";

const std::string kRunning = R"(
SELECT 'payments.entries member=' || CAST(member AS text) || ' transfer=' ||
  CAST(transfer AS text) AS w,
  'says a balance of ' || COALESCE(CAST(balance AS text), '(none)') || ' where the entries give ' ||
  CAST(runs AS text) AS t
FROM (
  SELECT member, transfer, balance,
    CAST(SUM(amount) OVER (PARTITION BY member ORDER BY transfer) AS bigint) AS runs
  FROM {payments.entries} WHERE account = 'wallet'
) AS r
WHERE balance IS DISTINCT FROM runs OR runs < 0
UNION ALL
SELECT 'payments.entries member=' || CAST(member AS text) || ' account=' || account ||
  ' transfer=' || CAST(transfer AS text),
  'says a balance, which only a wallet has'
FROM {payments.entries} WHERE account <> 'wallet' AND balance IS NOT NULL
)";

const std::string kTotals = R"(
SELECT 'payments.totals account=' || COALESCE(a.account, e.account) || ' shard=' ||
  CAST(COALESCE(a.shard, e.shard) AS text) || ' currency=' ||
  COALESCE(a.currency, e.currency) AS w,
  'balance ' || COALESCE(CAST(a.balance AS text), '(no row)') || ', its entries sum to ' ||
  COALESCE(CAST(e.balance AS text), '0') AS t
FROM {payments.totals} a FULL JOIN (
  SELECT account, shard, currency, CAST(SUM(amount) AS bigint) AS balance
  FROM {payments.entries} GROUP BY account, shard, currency
) e ON e.account = a.account AND e.shard = a.shard AND e.currency = a.currency
WHERE COALESCE(a.balance, 0) <> COALESCE(e.balance, 0) OR (a.account IS NULL)
)";

const std::string kLedger = R"(
SELECT 'payments.entries currency=' || currency AS w,
  'all entries sum to ' || CAST(SUM(amount) AS text) || ', not to zero' AS t
FROM {payments.entries} GROUP BY currency HAVING SUM(amount) <> 0
)";

const std::string kPaymentEntries = R"(
WITH e AS MATERIALIZED (
  SELECT member, order_id, MIN(currency) AS currency,
    CAST(SUM(CASE WHEN kind = 'capture' THEN -amount ELSE 0 END) AS bigint) AS taken,
    CAST(SUM(CASE WHEN kind = 'capture' THEN 0 ELSE amount END) AS bigint) AS given
  FROM (
    SELECT n.member, n.kind, n.amount, n.currency,
      CAST(CASE WHEN n.kind = 'refund' THEN r.order_id ELSE n.reference END AS {uuid})
        AS order_id
    FROM {payments.entries} n
    LEFT JOIN {payments.refunds} r ON r.refund = n.reference AND r.member = n.member
    WHERE n.account = 'wallet' AND n.kind <> 'charge'
  ) AS moved GROUP BY member, order_id
)
SELECT 'payments.payments order=' || CAST(COALESCE(p.order_id, e.order_id) AS text) || ' member=' ||
  CAST(COALESCE(p.member, e.member) AS text) AS w,
  'method ' || COALESCE(p.method, '(none)') || ' captured ' ||
  COALESCE(CAST(p.captured AS text), '(no row)') || ' refunded ' ||
  COALESCE(CAST(p.refunded AS text), '(no row)') || ', the ledger took ' ||
  CAST(COALESCE(e.taken, 0) AS text) || ' and gave back ' ||
  CAST(COALESCE(e.given, 0) AS text) AS t
FROM (SELECT order_id, member FROM {payments.payments} UNION SELECT order_id, member FROM e) AS k
LEFT JOIN {payments.payments} p ON p.order_id = k.order_id AND p.member = k.member
LEFT JOIN e ON e.order_id = k.order_id AND e.member = k.member
WHERE p.order_id IS NULL
  OR ((p.method = 'wallet' OR e.order_id IS NOT NULL)
    AND (p.captured <> COALESCE(e.taken, 0) OR p.refunded <> COALESCE(e.given, 0)
      OR e.currency <> p.currency))
)";

const std::string kPaymentRow = R"(
SELECT 'payments.payments order=' || CAST(order_id AS text) || ' member=' ||
  CAST(member AS text) AS w,
  'state ' || state || ', method ' || COALESCE(method, '(none)') || ', amount ' ||
  CAST(amount AS text) || ', captured ' || CAST(captured AS text) || ', refunded ' ||
  CAST(refunded AS text) || ', cause ' || COALESCE(cause, '(none)') || ', declined ' ||
  COALESCE(declined, '(no)') || ': these do not go together' AS t
FROM {payments.payments}
WHERE state NOT IN ('open', 'captured', 'closed')
  OR (method IS NOT NULL AND method NOT IN ('wallet', 'card', 'bank'))
  OR (method IS NULL AND (state <> 'closed' OR captured <> 0))
  OR (state = 'captured' AND (captured <> amount OR captured_at IS NULL))
  OR (state = 'open' AND (captured <> 0 OR refunded <> 0 OR captured_at IS NOT NULL))
  OR (state = 'closed' AND refunded <> captured)
  OR (state = 'closed') <> (cause IS NOT NULL)
  OR (declined IS NOT NULL AND (state <> 'closed' OR captured <> 0 OR method IS NULL
    OR cause <> 'payment_failed'))
  OR (captured > 0 AND captured_at IS NULL) OR (captured_at IS NOT NULL AND captured <> amount)
  OR captured < 0 OR refunded < 0 OR refunded > captured
  OR (received <> 0 AND (state <> 'open' OR COALESCE(method, '') <> 'bank' OR received < 0
    OR received >= amount))
  OR (sending <> 0 AND (state <> 'captured' OR COALESCE(method, '') <> 'card' OR sending < 0
    OR refunded + sending > captured))
  OR (closing IS NOT NULL AND (state = 'closed' OR COALESCE(method, '') <> 'card'
    OR closing NOT IN ('cancelled', 'expired', 'payment_failed', 'coupon_refused', 'voided')))
  OR (account IS NOT NULL AND COALESCE(method, '') <> 'bank')
)";

const std::string kRefunds = R"(
WITH e AS MATERIALIZED (
  SELECT member, reference, CAST(SUM(amount) AS bigint) AS amount, MIN(currency) AS currency
  FROM {payments.entries} WHERE account = 'wallet' AND kind = 'refund' GROUP BY member, reference
)
SELECT 'payments.refunds refund=' || CAST(COALESCE(r.refund, e.reference) AS text) || ' member=' ||
  CAST(COALESCE(r.member, e.member) AS text) AS w,
  'amount ' || COALESCE(CAST(r.amount AS text), '(no row)') || ', refused ' ||
  COALESCE(r.refused, '(no)') || ', the ledger gave back ' ||
  COALESCE(CAST(e.amount AS text), 'nothing') AS t
FROM (SELECT refund, member FROM {payments.refunds} UNION SELECT reference, member FROM e) AS k
LEFT JOIN {payments.refunds} r ON r.refund = k.refund AND r.member = k.member
LEFT JOIN e ON e.reference = k.refund AND e.member = k.member
LEFT JOIN {payments.payments} p ON p.order_id = r.order_id AND p.member = r.member
WHERE r.refund IS NULL OR (r.refused IS NOT NULL AND e.member IS NOT NULL)
  OR (r.refused IS NULL AND (p.order_id IS NULL
    OR (p.method = 'wallet' AND r.amount <> COALESCE(e.amount, 0))
    OR e.amount <> r.amount OR e.currency <> r.currency))
)";

const std::string kCharges = R"(
WITH e AS MATERIALIZED (
  SELECT member, reference, COUNT(*) AS times, CAST(SUM(amount) AS bigint) AS amount,
    MIN(currency) AS currency
  FROM {payments.entries} WHERE account = 'wallet' AND kind = 'charge' GROUP BY member, reference
)
SELECT 'payments.charges charge=' || CAST(COALESCE(c.charge, e.reference) AS text) || ' member=' ||
  CAST(COALESCE(c.member, e.member) AS text) AS w,
  'state ' || COALESCE(c.state, '(no row)') || ' amount ' ||
  COALESCE(CAST(c.amount AS text), '(no row)') || ', ' || CAST(COALESCE(e.times, 0) AS text) ||
  ' entries credited ' || CAST(COALESCE(e.amount, 0) AS text) AS t
FROM (SELECT charge, member FROM {payments.charges} UNION SELECT reference, member FROM e) AS k
LEFT JOIN {payments.charges} c ON c.charge = k.charge AND c.member = k.member
LEFT JOIN e ON e.reference = k.charge AND e.member = k.member
WHERE c.charge IS NULL OR c.state NOT IN ('requested', 'captured', 'declined')
  OR (c.state = 'captured') <> (e.member IS NOT NULL)
  OR (c.state = 'declined') <> (c.declined IS NOT NULL)
  OR e.times > 1 OR e.amount <> c.amount OR e.currency <> c.currency
)";

const std::array kChecks{
    TableCheck{"payments_transfers", "the entries of a transfer sum to zero", Reach::always,
               kTransfers},
    TableCheck{"payments_ledger", "all entries sum to zero", Reach::always, kLedger},
    TableCheck{"payments_wallets", "a wallet is the sum of its entries", Reach::always, kWallets},
    TableCheck{"payments_running", "the balance after each entry is the sum up to it",
               Reach::always, kRunning},
    TableCheck{"payments_totals", "totals are the sums of entries", Reach::always, kTotals},
    TableCheck{"payments_payment_entries", "what was captured and refunded is in the ledger",
               Reach::always, kPaymentEntries},
    TableCheck{"payments_payment_row", "a payment's state and amounts agree", Reach::always,
               kPaymentRow},
    TableCheck{"payments_refunds", "refunds made are in the ledger once, refused ones are not",
               Reach::always, kRefunds},
    TableCheck{"payments_returns", "what goes back is owed until it is gone", Reach::always,
               kReturns},
    TableCheck{"payments_deposits", "what a bank brought was taken, sent back or waits",
               Reach::at_rest, kDeposits},
    TableCheck{"payments_outside", "what is held of cards and transfers is in the ledger",
               Reach::always, kOutsideMoney},
    TableCheck{"payments_charges", "a captured charge is credited once, no other is", Reach::always,
               kCharges},
};

}  // namespace

std::span<const TableCheck> payments_checks() {
  return kChecks;
}

}  // namespace dropline::audit
