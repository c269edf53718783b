-- What catalog knows. Each row is written only by the owner of its shard, but for skus.

CREATE TABLE {products} (
  product_id {uuid}    NOT NULL PRIMARY KEY,
  version    {int64}   NOT NULL,
  retired    {boolean} NOT NULL,
  shard      {int64}   NOT NULL,
  at         {int64}   NOT NULL,
  state      {json}    NOT NULL  -- as it was last told (ProductState)
) {clustered};
CREATE INDEX {index:products_by_shard} ON {products} (shard);

CREATE TABLE {drops} (
  drop_id   {uuid}  NOT NULL PRIMARY KEY,
  version   {int64} NOT NULL,
  revision  {int64} NOT NULL,
  opens_at  {int64} NOT NULL,
  closes_at {int64} NOT NULL,
  shard     {int64} NOT NULL,
  at        {int64} NOT NULL,
  listing   {json}  NOT NULL  -- as it was last told (DropListing)
) {clustered};
CREATE INDEX {index:drops_by_shard} ON {drops} (shard);
CREATE INDEX {index:drops_by_time} ON {drops} (opens_at, drop_id);

-- Whose option a SKU is, for ever. The one table that shards share: rows are added, never changed,
-- and of two shards that add the same SKU the second tries its batch again.
CREATE TABLE {skus} (
  sku     {text} NOT NULL PRIMARY KEY,
  product {uuid} NOT NULL
) {clustered};

-- How each change was answered. `subject` is its product or drop, so that a row has one owner.
CREATE TABLE {changes} (
  change_id {uuid}    NOT NULL,
  subject   {uuid}    NOT NULL,
  made      {boolean} NOT NULL,
  answer    {json}    NOT NULL,
  at        {int64}   NOT NULL,
  PRIMARY KEY (change_id, subject)
) {clustered};
