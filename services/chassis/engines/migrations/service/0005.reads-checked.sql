-- An append checks what its events rest on, streams that were read and are not written, under the lock under which it
-- stores them: a decision on something that has moved since is a conflict (docs/decisions/0050-one-round-trip.md).

-- The number, among these reads, of the first whose stream is not at the version that was read; NULL when all are.
-- Only for callers that hold the lock of append_events.
CREATE FUNCTION stale_read(streams text[], versions bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  RETURN (
    SELECT min(nth)
    FROM (
      -- Commands of the same moment rest on the same few streams.
      SELECT stream, version, min(n) AS nth
      FROM unnest(streams, versions) WITH ORDINALITY AS given (stream, version, n)
      GROUP BY stream, version
    ) AS seen
    WHERE version <> (
      SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = seen.stream
    )
  );
END $$;

-- The same as append_events without reads, which stays for services of the version before. read_ends[i] is the number
-- of reads up to the end of command i. Returns for each command its last position; NULL for a conflict, and -n where the
-- n-th of all reads was stale. With `independent` the caller has seen to it that no command reads what one before it
-- writes.
CREATE FUNCTION append_events(
  ends integer[], streams text[], versions bigint[], topics text[], states bytea[],
  read_ends integer[], read_streams text[], read_versions bigint[], independent boolean
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  first integer := 1;
  final integer;
  first_read integer := 1;
  stale bigint;
  position bigint;
  positions bigint[] := '{}';
  head bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('caserelay append'), 'stored_events'::regclass::oid::bigint::integer);
  IF cardinality(read_streams) > 0 THEN
    stale := stale_read(read_streams, read_versions);
  END IF;
  IF independent AND stale IS NULL THEN
    position := append_command(streams, versions, topics, states);
  END IF;
  IF position IS NOT NULL THEN
    head := position;
    FOREACH final IN ARRAY ends LOOP
      positions := array_append(positions, position - cardinality(streams) + final);
    END LOOP;
  ELSE
    FOR command IN 1 .. cardinality(ends) LOOP
      final := ends[command];
      stale := stale_read(read_streams[first_read:read_ends[command]], read_versions[first_read:read_ends[command]]);
      IF stale IS NULL THEN
        position := append_command(
          streams[first:final], versions[first:final], topics[first:final], states[first:final]
        );
        head := coalesce(position, head);
      ELSE
        position := 1 - first_read - stale;
      END IF;
      positions := array_append(positions, position);
      first := final + 1;
      first_read := read_ends[command] + 1;
    END LOOP;
  END IF;
  IF head IS NOT NULL THEN
    PERFORM pg_notify(current_schema(), head::text);
  END IF;
  RETURN positions;
END $$;
