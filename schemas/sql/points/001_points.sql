-- The ledger, only added to: each paid order has one accrual (of no points, where it is worth
-- none), each refund at most one reversal. A member's entries sum to the balance.
CREATE TABLE {entries} (
  member   {uuid}  NOT NULL,
  number   {int64} NOT NULL,  -- counts up from 1 within a member
  kind     {text}  NOT NULL CHECK (kind IN ('accrual', 'reversal')),
  order_id {uuid}  NOT NULL,
  points   {int64} NOT NULL,  -- below zero: taken back
  balance  {int64} NOT NULL,  -- after it
  money    {int64} NOT NULL,  -- accrual: what was paid; reversal: what has gone back of it so far
  at       {int64} NOT NULL,
  PRIMARY KEY (member, number),
  CHECK ((kind = 'accrual' AND points >= 0) OR (kind = 'reversal' AND points <= 0))
) {clustered};

CREATE INDEX {index:entries_of_order} ON {entries} (order_id, member);
-- One accrual a paid order.
CREATE UNIQUE INDEX {index:one_accrual} ON {entries} (order_id, member) WHERE kind = 'accrual';

CREATE TABLE {balances} (
  member  {uuid}  NOT NULL PRIMARY KEY,
  balance {int64} NOT NULL,
  entries {int64} NOT NULL,
  at      {int64} NOT NULL
) {clustered};
