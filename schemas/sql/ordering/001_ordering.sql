-- What ordering knows of an order: one row for ever. Every row belongs to a member; the owner of
-- that member's shard alone writes it.

-- placed_at is null as long as stock's fact is not in: the row then only keeps what came early.
-- currency to refunded are of that fact and of payments'; facts holds the rest of both, timeline
-- the public steps. deadline is when the sweep has to look at the order.
CREATE TABLE {orders} (
  order_id  {uuid}  NOT NULL,
  member    {uuid}  NOT NULL,
  drop_id   {uuid},
  state     {text}  NOT NULL,
  version   {int64} NOT NULL CHECK (version >= 0),
  placed_at {int64},
  currency  {text}  NOT NULL,
  total     {int64} NOT NULL CHECK (total >= 0),
  paid      {int64} NOT NULL CHECK (paid >= 0),
  refunded  {int64} NOT NULL CHECK (refunded >= 0),
  due_at    {int64},
  shard     {int64} NOT NULL,
  deadline  {int64},
  facts     {json}  NOT NULL,
  timeline  {json}  NOT NULL,
  PRIMARY KEY (order_id, member),
  CHECK ((state = 'received') = (placed_at IS NULL))
) {clustered};
CREATE INDEX {index:orders_by_member} ON {orders} (member, placed_at, order_id);
CREATE INDEX {index:orders_by_deadline} ON {orders} (shard, deadline) WHERE deadline IS NOT NULL;

-- only postgresql
-- A row is written once or twice more within seconds: room for its next version on the same page
-- keeps the indexes out of it.
ALTER TABLE {orders} SET (fillfactor = 60);
-- end
