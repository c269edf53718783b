-- What payments knows of money. Every row belongs to a member, and is written only by the owner of
-- that member's shard.

CREATE TABLE {wallets} (
  member    {uuid}  NOT NULL PRIMARY KEY,
  currency  {text}  NOT NULL,
  balance   {int64} NOT NULL CHECK (balance >= 0),
  charged   {int64} NOT NULL CHECK (charged >= balance),
  transfers {int64} NOT NULL,
  shard     {int64} NOT NULL,
  at        {int64} NOT NULL
) {clustered};

-- The ledger, only added to. The entries of one (member, transfer) sum to zero; a wallet's sum to
-- its balance.
CREATE TABLE {entries} (
  member    {uuid}  NOT NULL,
  account   {text}  NOT NULL,
  transfer  {int64} NOT NULL,
  kind      {text}  NOT NULL,
  reference {uuid}  NOT NULL,
  amount    {int64} NOT NULL,
  currency  {text}  NOT NULL,
  balance   {int64},  -- of the wallet, after it
  shard     {int64} NOT NULL,
  at        {int64} NOT NULL,
  PRIMARY KEY (member, account, transfer)
) {clustered};

-- What the entries sum to, by shard, so that no two shards share a row.
CREATE TABLE {totals} (
  account  {text}  NOT NULL,
  shard    {int64} NOT NULL,
  currency {text}  NOT NULL,
  balance  {int64} NOT NULL,
  PRIMARY KEY (account, shard, currency)
) {clustered};

-- One row an order for ever.
CREATE TABLE {payments} (
  order_id    {uuid}  NOT NULL,
  member      {uuid}  NOT NULL,
  drop_id     {uuid},
  method      {text},  -- null: closed before it opened
  state       {text}  NOT NULL,
  amount      {int64} NOT NULL CHECK (amount >= 0),
  currency    {text}  NOT NULL,
  captured    {int64} NOT NULL CHECK (captured = 0 OR captured = amount),
  refunded    {int64} NOT NULL CHECK (refunded >= 0 AND refunded <= captured),
  cause       {text},
  declined    {text},
  opened_at   {int64} NOT NULL,
  captured_at {int64},
  at          {int64} NOT NULL,
  PRIMARY KEY (order_id, member),
  CHECK (state <> 'open' OR captured = 0),
  CHECK (state <> 'closed' OR refunded = captured)
) {clustered};

CREATE TABLE {refunds} (
  refund   {uuid}  NOT NULL,
  member   {uuid}  NOT NULL,
  order_id {uuid}  NOT NULL,
  amount   {int64} NOT NULL,
  currency {text}  NOT NULL,
  refused  {text},
  at       {int64} NOT NULL,
  PRIMARY KEY (refund, member)
) {clustered};

CREATE TABLE {charges} (
  charge   {uuid}  NOT NULL,
  member   {uuid}  NOT NULL,
  method   {text},  -- null: the gateway's word came first
  state    {text}  NOT NULL,
  amount   {int64} NOT NULL,
  currency {text}  NOT NULL,
  declined {text},
  at       {int64} NOT NULL,
  PRIMARY KEY (charge, member)
) {clustered};
