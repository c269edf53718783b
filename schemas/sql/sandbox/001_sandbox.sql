-- The books of the sandbox, which plays a payment gateway and a bank.

-- One payment a reference: what a shop's payer did, or that it never will.
CREATE TABLE {payments} (
  reference {text}  NOT NULL PRIMARY KEY,
  payment   {text}  NOT NULL,
  state     {text}  NOT NULL,
  amount    {int64} NOT NULL,
  captured  {int64} NOT NULL,
  refunded  {int64} NOT NULL CHECK (refunded >= 0 AND refunded <= captured),
  currency  {text}  NOT NULL,
  reason    {text},
  script    {text}  NOT NULL,  -- of the notices that a capture sends
  at        {int64} NOT NULL
) {clustered};
CREATE UNIQUE INDEX {index:payments_by_name} ON {payments} (payment);

-- What was done for an idempotency key: the same key has the same answer for ever.
CREATE TABLE {answers} (
  name   {text}  NOT NULL PRIMARY KEY,
  digest {text}  NOT NULL,
  status {int64} NOT NULL,
  body   {text}  NOT NULL
) {clustered};

CREATE TABLE {moves} (
  move     {text}  NOT NULL PRIMARY KEY,
  kind     {text}  NOT NULL,  -- refund, payout, deposit
  about    {text}  NOT NULL,
  amount   {int64} NOT NULL,
  currency {text}  NOT NULL,
  detail   {text}  NOT NULL,
  at       {int64} NOT NULL
) {clustered};

CREATE TABLE {notices} (
  notice   {text}  NOT NULL PRIMARY KEY,
  path     {text}  NOT NULL,
  body     {text}  NOT NULL,
  due_at   {int64},  -- null: taken, refused for good, or given up
  attempts {int64} NOT NULL
) {clustered};
CREATE INDEX {index:notices_due} ON {notices} (due_at) WHERE due_at IS NOT NULL;
