-- From where to where the log's positions have meant the same events (services/chassis/log/epochs.py), with the key of its
-- cursors, which is the same in all of them. `place` is the cluster, the database and the table in which the epoch began:
-- a table that was restored is another one. Emptied, it has the next start begin an epoch.
CREATE TABLE log_epochs (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  begins bigint NOT NULL,
  key bytea NOT NULL,
  place text NOT NULL
);
