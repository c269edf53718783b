-- What was sold, less what went back: one row for each SKU, hour and shard, added to by that
-- shard's owner alone.
CREATE TABLE {sales} (
  hour    {int64} NOT NULL,  -- hours since 1970, of when the order was paid
  sku     {text}  NOT NULL,
  shard   {int64} NOT NULL,
  product {uuid}  NOT NULL,
  units   {int64} NOT NULL,
  PRIMARY KEY (hour, sku, shard)
) {clustered};

-- What stands in rankings.snapshots. Written by the owner of shard 0.
CREATE TABLE {snapshots} (
  window_name {text}  NOT NULL PRIMARY KEY,
  version     {int64} NOT NULL,
  until_hour  {int64} NOT NULL,
  body        {text}  NOT NULL
) {clustered};
