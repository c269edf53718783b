-- One order, one transaction. pgbench -D skus=N -D members=N
-- A colon before a word is a variable here, within texts too: hence the times as numbers.
\set sku random(1, :skus)
\set number random(1, :members)
SELECT gen_random_uuid() AS order_id, member FROM peer.wallets WHERE number = :number \gset
BEGIN;
SELECT free, price FROM peer.offers WHERE sku = :sku FOR UPDATE \gset
INSERT INTO peer.holdings AS h VALUES (:member, :sku, 1)
  ON CONFLICT (member, sku) DO UPDATE SET units = h.units + 1;
INSERT INTO peer.stock_orders VALUES (:order_id, :member, :sku, 'reserved',
  '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', :price,
  '[{"sku": "LOAD-0","quantity": 1,"price": {"amount": 1000,"currency": "KRW"}}]', now());
UPDATE peer.wallets
  SET balance = balance - CAST(:price AS bigint), transfers = transfers + 1
  WHERE member = :member RETURNING balance, transfers \gset
INSERT INTO peer.entries VALUES
  (:member, 'wallet', :transfers, 'capture', :order_id, -CAST(:price AS bigint), :balance, now()),
  (:member, 'held', :transfers, 'capture', :order_id, :price, NULL, now());
INSERT INTO peer.payments VALUES (:order_id, :member, 'wallet', 'captured', :price,
  :price, now());
INSERT INTO peer.orders VALUES (:order_id, :member, 'paid', 2, :price, :price,
  '{"lines": [{"sku": "LOAD-0","quantity": 1,"price": {"amount": 1000,"currency": "KRW"}}],
  "money": {"captured": {"amount": {"amount": 1000,"currency": "KRW"}}}}',
  '[{"state": "reserved","at": 1795219200000000},{"state": "paid","at": 1795219200000000}]', now());
INSERT INTO peer.point_entries VALUES (:member, :order_id, 'accrued', CAST(:price AS bigint) / 100);
UPDATE peer.point_balances SET balance = balance + CAST(:price AS bigint) / 100
  WHERE member = :member;
INSERT INTO peer.deliveries VALUES (:order_id, :member, 'preparing', now());
INSERT INTO peer.sales AS s VALUES (:sku, date_trunc('hour', now()), 1)
  ON CONFLICT (sku, hour) DO UPDATE SET units = s.units + 1;
UPDATE peer.offers SET free = free - 1, allocated = allocated + 1, settled = settled + 1
  WHERE sku = :sku;
COMMIT;
