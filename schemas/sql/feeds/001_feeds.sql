-- The call under way of each member: see dropline/worker/calls.hpp.
CREATE TABLE {calls} (
  call     {uuid}  NOT NULL PRIMARY KEY,
  shard    {int64} NOT NULL,
  kind     {text}  NOT NULL,
  request  {text}  NOT NULL,
  attempts {int64} NOT NULL,
  due_at   {int64},
  at       {int64} NOT NULL
) {clustered};
CREATE INDEX {index:calls_due} ON {calls} (shard, due_at) WHERE due_at IS NOT NULL;

-- What is to be told yet, in order for each member; the first of each is the call under way.
CREATE TABLE {backlog} (
  member   {uuid}  NOT NULL,
  position {int64} NOT NULL,  -- the record's offset in the member's partition
  event    {uuid}  NOT NULL,
  shard    {int64} NOT NULL,
  kind     {text}  NOT NULL,
  body     {text}  NOT NULL,
  at       {int64} NOT NULL,
  PRIMARY KEY (member, position)
) {clustered};
CREATE UNIQUE INDEX {index:backlog_event} ON {backlog} (event);
