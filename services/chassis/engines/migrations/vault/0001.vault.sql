-- What may have to be forgotten. Every record is encrypted under a key of its own; the keys have a table of their own,
-- which is small and can be rewritten when some of them are forgotten.
CREATE TABLE keys (slot bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key bytea NOT NULL);

CREATE TABLE records (
  ref text PRIMARY KEY,
  stream text NOT NULL,
  kept_at double precision NOT NULL,
  settled boolean NOT NULL DEFAULT false,
  slot bigint NOT NULL,
  record bytea NOT NULL
);

CREATE INDEX records_unsettled ON records (kept_at) WHERE NOT settled;

CREATE INDEX records_by_stream ON records (stream);

CREATE TABLE secrets (name text PRIMARY KEY, secret bytea NOT NULL);
