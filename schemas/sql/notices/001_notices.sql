-- Each notice is a call out, under its own id: see dropline/worker/calls.hpp. Answered ones stay:
-- the record of what was told to whom.
CREATE TABLE {calls} (
  call     {uuid}  NOT NULL PRIMARY KEY,
  shard    {int64} NOT NULL,
  kind     {text}  NOT NULL,
  request  {text}  NOT NULL,  -- the notice, as it is sent
  attempts {int64} NOT NULL,
  due_at   {int64},           -- null: told
  at       {int64} NOT NULL
) {clustered};
CREATE INDEX {index:calls_due} ON {calls} (shard, due_at) WHERE due_at IS NOT NULL;

-- What came of each attempt that this side saw the end of.
CREATE TABLE {attempts} (
  notice  {uuid}    NOT NULL,
  number  {int64}   NOT NULL,
  at      {int64}   NOT NULL,
  outcome {text}    NOT NULL CHECK (outcome IN ('told', 'refused', 'failed')),
  detail  {text}    NOT NULL,
  PRIMARY KEY (notice, number)
) {clustered};
