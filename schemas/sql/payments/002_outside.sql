-- Money by card and bank: what is not in our hands.

ALTER TABLE {payments} ADD COLUMN received {int64} NOT NULL DEFAULT 0;  -- by bank, not all yet
ALTER TABLE {payments} ADD COLUMN sending {int64} NOT NULL DEFAULT 0;   -- the gateway gives it back
ALTER TABLE {payments} ADD COLUMN closing {text};  -- the gateway is asked before it is closed
ALTER TABLE {payments} ADD COLUMN account {text};  -- sealed: where a bank payer's money goes to

-- Calls out: libs/worker/include/dropline/worker/calls.hpp.
CREATE TABLE {calls} (
  call     {uuid}  NOT NULL PRIMARY KEY,
  shard    {int64} NOT NULL,
  kind     {text}  NOT NULL,
  request  {text}  NOT NULL,
  attempts {int64} NOT NULL,
  due_at   {int64},  -- null: answered
  at       {int64} NOT NULL
) {clustered};
CREATE INDEX {index:calls_due} ON {calls} (shard, due_at) WHERE due_at IS NOT NULL;

-- What goes back to its payer outside of wallets.
CREATE TABLE {returns} (
  id        {uuid}  NOT NULL,
  owner     {uuid}  NOT NULL,  -- the member, or a deposit that is nobody's
  order_id  {uuid},
  charge    {uuid},
  refund    {uuid},
  deposit   {uuid},
  amount    {int64} NOT NULL CHECK (amount > 0),
  currency  {text}  NOT NULL,
  cause     {text}  NOT NULL,
  way       {text}  NOT NULL,
  state     {text}  NOT NULL,
  attempt   {int64} NOT NULL,
  reference {text}  NOT NULL,
  account   {text},
  told      {text}  NOT NULL,
  reason    {text},
  actor     {text},
  made_at   {int64} NOT NULL,
  at        {int64} NOT NULL,
  member    {uuid},  -- who is told
  PRIMARY KEY (id, owner)
) {clustered};
CREATE INDEX {index:returns_waiting} ON {returns} (made_at) WHERE state = 'waits';

-- One row a bank transaction for ever. What is neither taken nor returned is in suspense.
CREATE TABLE {deposits} (
  deposit     {uuid}  NOT NULL PRIMARY KEY,
  bank_name   {text}  NOT NULL,  -- of the transaction
  amount      {int64} NOT NULL CHECK (amount > 0),
  currency    {text}  NOT NULL,
  reference   {text},
  payer       {text},  -- sealed
  state       {text}  NOT NULL,
  attempt     {int64} NOT NULL,
  taken       {int64} NOT NULL CHECK (taken >= 0),
  returned    {int64} NOT NULL CHECK (returned >= 0),
  member      {uuid},
  order_id    {uuid},
  charge      {uuid},
  refusal     {text},
  actor       {text},
  reason      {text},
  made_at     {int64} NOT NULL,
  at          {int64} NOT NULL,
  CHECK (taken + returned <= amount),
  CHECK (state <> 'done' OR taken + returned = amount)
) {clustered};
CREATE INDEX {index:deposits_waiting} ON {deposits} (made_at) WHERE state = 'waits';

-- What was taken of deposits, each offer once.
CREATE TABLE {credits} (
  deposit  {uuid}  NOT NULL,
  attempt  {int64} NOT NULL,
  member   {uuid}  NOT NULL,
  order_id {uuid},
  charge   {uuid},
  amount   {int64} NOT NULL,
  currency {text}  NOT NULL,
  taken    {int64} NOT NULL CHECK (taken >= 0 AND taken <= amount),
  refusal  {text},
  at       {int64} NOT NULL,
  PRIMARY KEY (deposit, attempt, member)
) {clustered};
