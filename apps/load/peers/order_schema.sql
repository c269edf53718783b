-- A shop that takes each order in one transaction. :skus and :members are set by psql -v.
DROP SCHEMA IF EXISTS peer CASCADE;
CREATE SCHEMA peer;
SET search_path = peer;

CREATE TABLE offers (
  sku int PRIMARY KEY, free bigint NOT NULL CHECK (free >= 0), allocated bigint NOT NULL,
  settled bigint NOT NULL, price bigint NOT NULL
) WITH (fillfactor = 10);
CREATE TABLE holdings (
  member uuid, sku int, units bigint NOT NULL, PRIMARY KEY (member, sku)
);
CREATE TABLE stock_orders (
  order_id uuid PRIMARY KEY, member uuid NOT NULL, sku int NOT NULL, outcome text NOT NULL,
  body_hash text NOT NULL, total bigint NOT NULL, lines jsonb NOT NULL, placed_at timestamptz
);
CREATE TABLE wallets (
  member uuid PRIMARY KEY, number int UNIQUE, balance bigint NOT NULL CHECK (balance >= 0),
  transfers bigint NOT NULL
) WITH (fillfactor = 60);
CREATE TABLE entries (
  member uuid, account text, transfer bigint, kind text NOT NULL, reference uuid NOT NULL,
  amount bigint NOT NULL, balance bigint, at timestamptz NOT NULL,
  PRIMARY KEY (member, account, transfer)
);
CREATE TABLE payments (
  order_id uuid PRIMARY KEY, member uuid NOT NULL, method text NOT NULL, state text NOT NULL,
  amount bigint NOT NULL, captured bigint NOT NULL, at timestamptz NOT NULL
);
CREATE TABLE orders (
  order_id uuid PRIMARY KEY, member uuid NOT NULL, state text NOT NULL, version int NOT NULL,
  total bigint NOT NULL, paid bigint NOT NULL, facts jsonb NOT NULL, timeline jsonb NOT NULL,
  placed_at timestamptz NOT NULL
);
CREATE INDEX ON orders (member, placed_at, order_id);
CREATE TABLE point_entries (
  member uuid, order_id uuid, kind text, points bigint NOT NULL,
  PRIMARY KEY (member, order_id, kind)
);
CREATE TABLE point_balances (member uuid PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE deliveries (
  order_id uuid PRIMARY KEY, member uuid NOT NULL, state text NOT NULL, at timestamptz NOT NULL
);
CREATE TABLE sales (
  sku int, hour timestamptz, units bigint NOT NULL, PRIMARY KEY (sku, hour)
) WITH (fillfactor = 10);

INSERT INTO offers SELECT n, 1000000000, 0, 0, 1000 FROM generate_series(1, :skus) n;
INSERT INTO wallets SELECT gen_random_uuid(), n, 1000000000, 0 FROM generate_series(1, :members) n;
INSERT INTO point_balances SELECT member, 0 FROM wallets;
ANALYZE;
