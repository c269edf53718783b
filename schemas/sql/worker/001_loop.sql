-- The consumer loop's tables, one set in each service's schema.

-- One row a shard. Who holds the epoch may write; positions and watermarks are the truth about what
-- was read (formats: libs/worker/include/dropline/worker/shard.hpp).
CREATE TABLE {shards} (
  shard      integer NOT NULL PRIMARY KEY,
  epoch      bigint  NOT NULL,
  seq        bigint  NOT NULL,
  positions  text    NOT NULL,
  watermarks text    NOT NULL
);

-- What a committed batch of a shard says to others until it is in the log. Empty in embedded mode.
CREATE TABLE {outbox} (
  shard  integer NOT NULL,
  seq    bigint  NOT NULL,
  frames {bytes} NOT NULL,
  PRIMARY KEY (shard, seq)
);

-- only postgresql
-- Read once and deleted: compressing it costs more than it saves.
ALTER TABLE {outbox} ALTER COLUMN frames SET STORAGE EXTERNAL;
-- end

-- Records set aside because applying them failed for no known reason (reason is not empty), and
-- those of the same order that came later and wait. An operator sets action to 'redrive' or 'drop'
-- on the first; the shard's owner does it.
CREATE TABLE {held} (
  shard      integer NOT NULL,
  order_id   text    NOT NULL,
  place      bigint  NOT NULL,
  topic      text    NOT NULL,
  log_offset bigint  NOT NULL,
  frames     {bytes} NOT NULL,
  reason     text    NOT NULL,
  action     text    NOT NULL,
  PRIMARY KEY (shard, order_id, place)
);
