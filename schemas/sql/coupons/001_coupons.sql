-- What coupons knows. Written only by the owner of a campaign's shard: a coupon's id begins as its
-- campaign's does.

-- issued counts coupons, grants included; terms holds the rest of what was promised.
CREATE TABLE {campaigns} (
  campaign        {uuid}  NOT NULL PRIMARY KEY,
  standing        {text}  NOT NULL,
  quantity        {int64} NOT NULL,
  issued          {int64} NOT NULL CHECK (issued >= 0),
  terms           {json}  NOT NULL,
  shard           {int64} NOT NULL,
  place_partition {int64} NOT NULL,
  place_offset    {int64} NOT NULL,
  at              {int64} NOT NULL,
  CHECK (issued <= quantity)
) {clustered};

-- One a member and campaign. order_id: which order has it, where one does.
CREATE TABLE {coupons} (
  coupon          {uuid}  NOT NULL PRIMARY KEY,
  campaign        {uuid}  NOT NULL,
  member          {uuid}  NOT NULL,
  state           {text}  NOT NULL,
  order_id        {uuid},
  granted_by      {json},
  place_partition {int64} NOT NULL,
  place_offset    {int64} NOT NULL,
  issued_at       {int64} NOT NULL,
  at              {int64} NOT NULL,
  CHECK ((state = 'free') = (order_id IS NULL))
) {clustered};
CREATE INDEX {index:coupons_by_member} ON {coupons} (member, issued_at, coupon);
CREATE INDEX {index:coupons_by_campaign} ON {coupons} (campaign, coupon);

-- What became of a coupon at an order: one row for ever, so that each is answered alike every time.
CREATE TABLE {uses} (
  coupon   {uuid}  NOT NULL,
  order_id {uuid}  NOT NULL,
  member   {uuid}  NOT NULL,
  state    {text}  NOT NULL,
  reason   {text},
  discount {int64} NOT NULL CHECK (discount >= 0),
  currency {text}  NOT NULL,
  at       {int64} NOT NULL,
  PRIMARY KEY (coupon, order_id),
  CHECK ((state = 'declined') = (reason IS NOT NULL))
) {clustered};

-- Changes made or refused, so that each is once.
CREATE TABLE {changes} (
  change_id {uuid}  NOT NULL PRIMARY KEY,
  at        {int64} NOT NULL
) {clustered};
