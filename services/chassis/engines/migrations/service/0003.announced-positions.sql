-- An append announces its last position, so that whoever waits for events knows without a question whether there is
-- anything that it has not read. Replicas of the version before hear that somebody appended, as they did.
CREATE OR REPLACE FUNCTION append_events(
  ends integer[], streams text[], versions bigint[], topics text[], states bytea[]
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  first integer := 1;
  final integer;
  position bigint;
  positions bigint[] := '{}';
  head bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('caserelay append'), 'stored_events'::regclass::oid::bigint::integer);
  position := append_command(streams, versions, topics, states);
  IF position IS NOT NULL THEN
    head := position;
    FOREACH final IN ARRAY ends LOOP
      positions := array_append(positions, position - cardinality(streams) + final);
    END LOOP;
  ELSE
    FOREACH final IN ARRAY ends LOOP
      position := append_command(streams[first:final], versions[first:final], topics[first:final], states[first:final]);
      positions := array_append(positions, position);
      head := coalesce(position, head);
      first := final + 1;
    END LOOP;
  END IF;
  IF head IS NOT NULL THEN
    PERFORM pg_notify(current_schema(), head::text);
  END IF;
  RETURN positions;
END $$;
