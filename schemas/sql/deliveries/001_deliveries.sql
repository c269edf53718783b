-- One row an order for ever, also where it was closed before it was known. Written only by the
-- owner of the member's shard.

CREATE TABLE {deliveries} (
  order_id         {uuid}  NOT NULL,
  member           {uuid}  NOT NULL,
  state            {text}  NOT NULL,
  paid_version     {int64} NOT NULL,  -- the order's step that opened it; 0: none yet
  closed_version   {int64},           -- the order's last step when it was closed
  cause            {text},
  drop_id          {uuid},
  recipient        {text},            -- sealed
  recipient_digest {text},
  carrier          {text},
  waybill          {text},
  shipped_by       {text},            -- kind and id of who said so
  shipped_change   {uuid},
  shipped_at       {int64},
  delivered_by     {text},
  delivered_change {uuid},
  delivered_at     {int64},
  opened_at        {int64} NOT NULL,
  at               {int64} NOT NULL,
  PRIMARY KEY (order_id, member),
  CHECK (state IN ('preparing', 'shipped', 'delivered', 'closed')),
  CHECK ((state IN ('shipped', 'delivered')) = (shipped_at IS NOT NULL)),
  CHECK ((shipped_at IS NULL) = (waybill IS NULL)),
  CHECK ((state = 'delivered') = (delivered_at IS NOT NULL)),
  CHECK (state <> 'closed' OR closed_version IS NOT NULL)
) {clustered};

-- What an operator lists, oldest first.
CREATE INDEX {index:by_state} ON {deliveries} (state, opened_at, order_id);
-- What a courier knows.
CREATE INDEX {index:by_waybill} ON {deliveries} (waybill) WHERE waybill IS NOT NULL;
