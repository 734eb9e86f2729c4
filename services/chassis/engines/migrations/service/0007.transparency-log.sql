-- The transparency log of the service's events (services/chassis/audit): its epochs with what was signed last, the private
-- keys that sign it, the tiles of its tree, and its entries. Nothing that appends events looks at any of them.
CREATE TABLE audit_epochs (
  number integer PRIMARY KEY,
  origin text NOT NULL UNIQUE,
  log_epoch text NOT NULL,
  secret bytea NOT NULL,
  reason text NOT NULL,
  signer text NOT NULL DEFAULT '',
  size bigint NOT NULL DEFAULT 0,
  through bigint NOT NULL DEFAULT 0,
  note bytea NOT NULL DEFAULT ''
);

CREATE TABLE audit_keys (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  epoch integer NOT NULL REFERENCES audit_epochs,
  key text NOT NULL
);

CREATE TABLE audit_tiles (
  epoch integer NOT NULL,
  level smallint NOT NULL,
  number bigint NOT NULL,
  hashes bytea NOT NULL,
  PRIMARY KEY (epoch, level, number)
);
-- Hashes do not shrink, so nobody tries.
ALTER TABLE audit_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE audit_entries (
  epoch integer NOT NULL,
  number bigint NOT NULL,
  position bigint NOT NULL,
  event text NOT NULL,
  entry bytea NOT NULL,
  PRIMARY KEY (epoch, number)
);
CREATE INDEX audit_entries_by_event ON audit_entries (event, epoch);
