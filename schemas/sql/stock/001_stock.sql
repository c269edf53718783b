-- What stock knows. Written only by the owners of its shards.

CREATE TABLE {drops} (
  drop_id          {uuid}   NOT NULL PRIMARY KEY,
  version          {int64}  NOT NULL,
  revision         {int64}  NOT NULL,
  standing         {text}   NOT NULL,
  opens_at         {int64}  NOT NULL,
  closes_at        {int64}  NOT NULL,
  limit_per_member {int64},
  lists            {json}   NOT NULL,  -- product limits and SKUs
  shard            {int64}  NOT NULL,
  place_partition  {int64}  NOT NULL,
  place_offset     {int64}  NOT NULL,
  at               {int64}  NOT NULL
) {clustered};
CREATE INDEX {index:drops_by_shard} ON {drops} (shard, closes_at);

-- Ordinary offers carry the nil drop. free = supplied - allocated - written_off is kept for people
-- and checked, so that a row changed by hand shows.
CREATE TABLE {offers} (
  drop_id         {uuid}  NOT NULL,
  sku             {text}  NOT NULL,
  product         {uuid}  NOT NULL,
  price           {int64} NOT NULL,
  currency        {text}  NOT NULL,
  member_limit    {int64},
  supplied        {int64} NOT NULL,
  free            {int64} NOT NULL CHECK (free >= 0),
  allocated       {int64} NOT NULL CHECK (allocated >= 0),
  settled         {int64} NOT NULL,
  written_off     {int64} NOT NULL,
  version         {int64} NOT NULL,
  shard           {int64} NOT NULL,
  place_partition {int64} NOT NULL,
  place_offset    {int64} NOT NULL,
  at              {int64} NOT NULL,
  PRIMARY KEY (drop_id, sku),
  CHECK (free + allocated + written_off = supplied)
) {clustered};
CREATE INDEX {index:offers_by_shard} ON {offers} (shard);

-- One row an order for ever, refusals too: what a repeat is answered from.
CREATE TABLE {orders} (
  order_id        {uuid}  NOT NULL PRIMARY KEY,
  member          {uuid}  NOT NULL,
  drop_id         {uuid}  NOT NULL,
  outcome         {text}  NOT NULL,
  reason          {text},
  body_hash       {text}  NOT NULL,
  place_partition {int64} NOT NULL,
  place_offset    {int64} NOT NULL,
  placed_at       {int64} NOT NULL,
  total           {int64} NOT NULL,
  currency        {text}  NOT NULL,
  lines           {json},
  settled         {boolean} NOT NULL
) {clustered};

-- Units that a member's unreleased orders hold, where a limit counts them.
CREATE TABLE {holdings} (
  drop_id {uuid}  NOT NULL,
  member  {uuid}  NOT NULL,
  sku     {text}  NOT NULL,
  product {uuid}  NOT NULL,
  units   {int64} NOT NULL,
  PRIMARY KEY (drop_id, member, sku)
) {clustered};

-- Changes applied or refused, so that each is once.
CREATE TABLE {changes} (
  change_id {uuid}  NOT NULL PRIMARY KEY,
  at        {int64} NOT NULL
) {clustered};
