-- The event log in the layout of the eventsourcing library's PostgresApplicationRecorder (text originator ids), so
-- that its recorder reads what is written here. Its database functions are not used: they draw positions without a
-- lock, and readers lose events (docs/decisions/0021-postgresql.md).
CREATE TABLE stored_events (
  originator_id text NOT NULL,
  originator_version bigint NOT NULL,
  topic text,
  state bytea,
  notification_id bigserial,
  PRIMARY KEY (originator_id, originator_version)
) WITH (
  autovacuum_enabled = true,
  autovacuum_vacuum_threshold = 100000000,
  autovacuum_vacuum_scale_factor = 0.5,
  autovacuum_analyze_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.01
);

CREATE UNIQUE INDEX stored_events_notification_id_idx ON stored_events (notification_id);

-- Appends the events of one command behind what the streams hold, all or none. The last position, or NULL on a
-- conflict: each stream's versions must go on where the stream ends, in the order in which they are given. Only for
-- callers that hold the lock of append_events.
CREATE FUNCTION append_command(streams text[], versions bigint[], topics text[], states bytea[]) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM (
      SELECT stream, min(version - nth) AS least, max(version - nth) AS most
      FROM (
        SELECT stream, version, row_number() OVER (PARTITION BY stream ORDER BY n) AS nth
        FROM unnest(streams, versions) WITH ORDINALITY AS given (stream, version, n)
      ) AS numbered
      GROUP BY stream
    ) AS expected
    WHERE least <> most OR least <> (
      SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = expected.stream
    )
  ) THEN
    RETURN NULL;
  END IF;
  INSERT INTO stored_events (originator_id, originator_version, topic, state)
    SELECT stream, version, topic, state
    FROM unnest(streams, versions, topics, states) WITH ORDINALITY AS given (stream, version, topic, state, n)
    ORDER BY n;
  RETURN lastval();
END $$;

-- Appends the events of many commands in one transaction; ends[i] is the number of events up to the end of command i.
-- Returns each command's last position, NULL for one that conflicts, of which nothing is stored.
--
-- Positions are drawn under a lock that is held until the commit is visible, so they become visible in their order.
-- All of it is one statement: the lock is never held across a round trip to a client that may have stopped.
CREATE FUNCTION append_events(ends integer[], streams text[], versions bigint[], topics text[], states bytea[])
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  first integer := 1;
  final integer;
  position bigint;
  positions bigint[] := '{}';
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('caserelay append'), 'stored_events'::regclass::oid::bigint::integer);
  position := append_command(streams, versions, topics, states);
  IF position IS NOT NULL THEN
    FOREACH final IN ARRAY ends LOOP
      positions := array_append(positions, position - cardinality(streams) + final);
    END LOOP;
  ELSE
    FOREACH final IN ARRAY ends LOOP
      position := append_command(streams[first:final], versions[first:final], topics[first:final], states[first:final]);
      positions := array_append(positions, position);
      first := final + 1;
    END LOOP;
  END IF;
  PERFORM pg_notify(current_schema(), '');
  RETURN positions;
END $$;

-- Where the service's consumers have come to, and the messages that wait aside.
CREATE TABLE consumer_positions (topic text PRIMARY KEY, through bigint NOT NULL);

CREATE TABLE consumer_parked (
  topic text NOT NULL,
  position bigint NOT NULL,
  key text NOT NULL,
  id text NOT NULL,
  body bytea NOT NULL,
  tries integer NOT NULL,
  failure text NOT NULL,
  retry_at double precision,
  PRIMARY KEY (topic, position)
);

CREATE INDEX consumer_parked_by_key ON consumer_parked (topic, key, position);
