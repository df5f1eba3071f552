/**
 * Over 400 lines because it is the SQL of one schema, which is read from its first version to its
 * last.
 */

/** How many segments the log goes around in. */
const segments = 8

/** Names of one kind of the log's tables. */
const eachSegment = (sql: (segment: number) => string): string =>
  Array.from({ length: segments }, (_, segment) => sql(segment)).join("\n")

/**
 * The log: entries in a ring of segments, which are emptied whole by TRUNCATE, so that trimming
 * costs the same however much there is to trim, needs no right to make or drop tables, and leaves
 * nothing to vacuum.
 *
 * Positions count entries from 1 without a gap: the row `log` is locked by whoever gives them, up
 * to its commit, so they become visible in their order. What is large goes in before that lock is
 * taken.
 *
 * A statement names the tables of the segments it needs: one on the parent would lock all of them,
 * and keep them from being emptied.
 */
export const log = (s: string): string => `
CREATE TABLE ${s}.log (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  -- The last entry appended: its position, its time, and the sums up to it.
  head bigint NOT NULL,
  head_at double precision NOT NULL,
  head_events bigint NOT NULL,
  head_bytes bigint NOT NULL,
  -- The last entry trimmed, and the time of the first one kept.
  tail bigint NOT NULL,
  tail_events bigint NOT NULL,
  tail_bytes bigint NOT NULL,
  oldest_at double precision,
  -- Up to where all cursors are through.
  released bigint NOT NULL,
  -- Where entries are appended.
  segment smallint NOT NULL
-- Room for new versions of the row on its own page.
) WITH (fillfactor = 10);
INSERT INTO ${s}.log VALUES (true, 0, '-Infinity', 0, 0, 0, 0, 0, NULL, 0, 0);

-- A segment is free while it has no first position. It ends where the one with the next first position begins.
-- opened_at is the time of its first entry, opened_bytes the sum of bytes in front of it.
CREATE TABLE ${s}.segments (
  segment smallint PRIMARY KEY,
  first_position bigint,
  opened_at double precision,
  opened_bytes bigint,
  -- It has been trimmed whole, and may be emptied.
  remembered boolean NOT NULL DEFAULT false
);
INSERT INTO ${s}.segments (segment) SELECT generate_series(0, ${segments - 1});
UPDATE ${s}.segments SET first_position = 1, opened_bytes = 0 WHERE segment = 0;

CREATE SEQUENCE ${s}.batches;

CREATE TABLE ${s}.bodies (
  segment smallint NOT NULL,
  batch bigint NOT NULL,
  item integer NOT NULL,
  envelope bytea NOT NULL,
  body bytea NOT NULL
) PARTITION BY LIST (segment);

CREATE TABLE ${s}.entries (
  segment smallint NOT NULL,
  position bigint NOT NULL,
  batch bigint NOT NULL,
  item integer NOT NULL,
  appended_at double precision NOT NULL,
  events integer NOT NULL,
  total_events bigint NOT NULL,
  total_bytes bigint NOT NULL,
  id uuid NOT NULL
) PARTITION BY LIST (segment);

${eachSegment(
  (segment) => `
CREATE TABLE ${s}.bodies_${segment} PARTITION OF ${s}.bodies FOR VALUES IN (${segment});
CREATE UNIQUE INDEX ON ${s}.bodies_${segment} (batch, item);
CREATE TABLE ${s}.entries_${segment} PARTITION OF ${s}.entries FOR VALUES IN (${segment});
CREATE UNIQUE INDEX ON ${s}.entries_${segment} (position);
CREATE INDEX ON ${s}.entries_${segment} (id);`,
)}

-- A body is JSON: lz4 takes less time than writing what it saves. Servers before 14 have only a slower way.
DO $do$
DECLARE
  compressed boolean := current_setting('server_version_num')::int >= 140000
    AND EXISTS (SELECT FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals));
BEGIN
  FOR n IN 0..${segments - 1} LOOP
    EXECUTE format(
      CASE WHEN compressed
        THEN 'ALTER TABLE ${s}.bodies_%s ALTER body SET COMPRESSION lz4'
        ELSE 'ALTER TABLE ${s}.bodies_%s ALTER body SET STORAGE EXTERNAL' END, n);
  END LOOP;
END $do$;

-- Ids of the last entries whose segment has been emptied, so that a retry is known as such even then.
CREATE TABLE ${s}.trimmed_ids (position bigint PRIMARY KEY, id uuid NOT NULL);
CREATE INDEX ON ${s}.trimmed_ids (id);

-- What a commit of this transaction will have survived. Asynchronous commit is refused for it, whatever the session says.
CREATE FUNCTION ${s}.durability() RETURNS text LANGUAGE plpgsql AS $fn$
BEGIN
  IF current_setting('synchronous_commit') = 'off' THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  RETURN CASE
    WHEN current_setting('fsync') = 'off' THEN 'memory'
    WHEN current_setting('synchronous_standby_names') <> ''
      AND current_setting('synchronous_commit') IN ('on', 'remote_apply') THEN 'replicated'
    ELSE 'disk'
  END;
END $fn$;

CREATE FUNCTION ${s}.require_durability(declared text) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  levels CONSTANT text[] := '{memory,disk,replicated}';
  given text := ${s}.durability();
BEGIN
  IF array_position(levels, given) < array_position(levels, declared) THEN
    RAISE EXCEPTION USING ERRCODE = 'ML003', MESSAGE = given;
  END IF;
END $fn$;

CREATE FUNCTION ${s}.segment_of(wanted bigint) RETURNS smallint LANGUAGE sql STABLE AS $fn$
  SELECT segment FROM ${s}.segments WHERE first_position <= wanted ORDER BY first_position DESC LIMIT 1
$fn$;

-- The entry at a position, without what is large. No row when its segment has been emptied.
CREATE FUNCTION ${s}.entry_at(wanted bigint) RETURNS ${s}.entries LANGUAGE plpgsql STABLE AS $fn$
DECLARE
  entry ${s}.entries;
  part smallint := ${s}.segment_of(wanted);
BEGIN
  IF part IS NOT NULL THEN
    EXECUTE format('SELECT * FROM ${s}.entries_%s WHERE position = $1', part) INTO entry USING wanted;
  END IF;
  RETURN entry;
END $fn$;

-- The first position of (low, high] whose entry is of a time or later, or where the sum of bytes reaches a number;
-- high + 1 when there is none. Both only grow.
CREATE FUNCTION ${s}.first_reaching(low bigint, high bigint, of_time double precision, of_bytes bigint)
RETURNS bigint LANGUAGE plpgsql STABLE AS $fn$
DECLARE
  part record;
  entry ${s}.entries;
  found bigint;
BEGIN
  FOR part IN
    SELECT segment, greatest(first_position - 1, low) AS low, least(last_position, high) AS high
    FROM (
      SELECT segment, first_position, lead(first_position) OVER (ORDER BY first_position) - 1 AS last_position
      FROM ${s}.segments WHERE first_position IS NOT NULL
    ) AS used
    WHERE first_position <= first_reaching.high AND coalesce(last_position > first_reaching.low, true)
    ORDER BY first_position
  LOOP
    CONTINUE WHEN part.high <= part.low;
    entry := ${s}.entry_at(part.high);
    CONTINUE WHEN entry.appended_at < of_time OR entry.total_bytes < of_bytes;
    EXECUTE format(
      'WITH RECURSIVE halves (low, high) AS (
         SELECT $1, $2
         UNION ALL
         SELECT CASE WHEN reached THEN low ELSE middle END, CASE WHEN reached THEN middle ELSE high END
         FROM halves, LATERAL (
           SELECT position AS middle, coalesce(appended_at >= $3, total_bytes >= $4) AS reached
           FROM ${s}.entries_%s WHERE position = (low + high) / 2
         ) AS entry
         WHERE high - low > 1
       )
       SELECT min(high) FROM halves', part.segment)
      INTO found USING part.low, part.high, of_time, of_bytes;
    RETURN found;
  END LOOP;
  RETURN high + 1;
END $fn$;

-- The position of each id among the last thousand entries and more, 0 for those not there. Volatile, and in this order,
-- so that it finds an id wherever it is while its segment is being emptied. Every append asks, so every segment has a
-- statement whose plan is kept.
CREATE FUNCTION ${s}.known_positions(ids uuid[]) RETURNS bigint[] LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
DECLARE
  positions bigint[] := array_fill(0::bigint, ARRAY[cardinality(ids)]);
  part smallint;
  known record;
BEGIN
  FOR part IN
    SELECT segment FROM ${s}.segments
    WHERE first_position >= coalesce(
      (SELECT max(first_position) FROM ${s}.segments, ${s}.log WHERE first_position <= head - 999), 1)
    ORDER BY first_position
  LOOP
    CASE part${eachSegment(
      (segment) => `
    WHEN ${segment} THEN
      FOR known IN
        SELECT n, position FROM unnest(ids) WITH ORDINALITY AS given (id, n) JOIN ${s}.entries_${segment} USING (id)
      LOOP
        positions[known.n] := known.position;
      END LOOP;`,
    )}
    END CASE;
  END LOOP;
  FOR known IN
    SELECT n, position FROM unnest(ids) WITH ORDINALITY AS given (id, n)
    JOIN ${s}.trimmed_ids USING (id)
  LOOP
    positions[known.n] := known.position;
  END LOOP;
  RETURN positions;
END $fn$;

-- The same of the entries after a position, which are in one segment.
CREATE FUNCTION ${s}.appended_since(part smallint, after bigint, ids uuid[])
RETURNS TABLE (n bigint, at bigint) LANGUAGE plpgsql
SET jit = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off AS $fn$
BEGIN
  CASE part${eachSegment(
    (segment) => `
  WHEN ${segment} THEN
    RETURN QUERY SELECT given.n, position FROM ${s}.entries_${segment}
      JOIN unnest(ids) WITH ORDINALITY AS given (id, n) USING (id) WHERE position > after;`,
  )}
  END CASE;
END $fn$;

-- Which entries of some calls to store: those not known, of the calls whose unknown entries find room, in their order.
CREATE FUNCTION ${s}.admitted(
  state ${s}.log, max_bytes bigint, positions bigint[], sizes bigint[], calls integer[]
) RETURNS boolean[] LANGUAGE plpgsql STABLE AS $fn$
DECLARE
  result boolean[] := array_fill(false, ARRAY[cardinality(positions)]);
  -- When what is still to come is released too, everything that is appended makes room for what follows.
  endless boolean := state.released > state.head;
  room bigint := max_bytes - state.head_bytes + CASE
    WHEN endless THEN state.head_bytes
    WHEN state.released <= state.tail THEN state.tail_bytes
    -- Without the lock it may have been trimmed by now.
    ELSE coalesce((${s}.entry_at(state.released)).total_bytes, state.head_bytes)
  END;
  first integer := 1;
  size integer;
  needed bigint;
BEGIN
  FOREACH size IN ARRAY calls LOOP
    needed := 0;
    FOR n IN first .. first + size - 1 LOOP
      IF positions[n] = 0 THEN needed := needed + sizes[n]; END IF;
    END LOOP;
    IF needed <= room THEN
      FOR n IN first .. first + size - 1 LOOP
        result[n] := positions[n] = 0;
      END LOOP;
      IF NOT endless THEN room := room - needed; END IF;
    END IF;
    first := first + size;
  END LOOP;
  RETURN result;
END $fn$;

-- Drops the entries up to a position. To be called with the row of the log locked.
CREATE FUNCTION ${s}.drop_up_to(wanted bigint) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  last ${s}.entries := ${s}.entry_at(wanted);
BEGIN
  UPDATE ${s}.log SET
    tail = last.position,
    tail_events = last.total_events,
    tail_bytes = last.total_bytes,
    oldest_at = CASE WHEN head > last.position THEN (${s}.entry_at(last.position + 1)).appended_at END;
END $fn$;

-- Goes on in a free segment when the present one has been open long enough, or is large enough. When there is no free
-- one, the present one grows. To be called with the row of the log locked.
CREATE FUNCTION ${s}.go_on(present double precision, segment_bytes bigint) RETURNS boolean LANGUAGE plpgsql AS $fn$
DECLARE
  state ${s}.log;
  used ${s}.segments;
  next smallint;
BEGIN
  SELECT * INTO state FROM ${s}.log;
  SELECT * INTO used FROM ${s}.segments WHERE segment = state.segment;
  IF state.head < used.first_position THEN RETURN false; END IF;
  IF used.opened_at IS NULL THEN
    UPDATE ${s}.segments SET opened_at = present WHERE segment = used.segment;
    used.opened_at := present;
  END IF;
  IF state.head_bytes - used.opened_bytes < segment_bytes AND present - used.opened_at < 86400000 THEN
    RETURN false;
  END IF;
  SELECT segment INTO next FROM ${s}.segments WHERE first_position IS NULL
    ORDER BY (segment - state.segment + ${segments}) % ${segments} LIMIT 1;
  IF next IS NULL THEN RETURN false; END IF;
  UPDATE ${s}.segments SET first_position = state.head + 1, opened_at = NULL, opened_bytes = state.head_bytes
    WHERE segment = next;
  UPDATE ${s}.log SET segment = next;
  RETURN true;
END $fn$;

-- Appends the entries of some calls, each call whole or not at all. No id stands in it twice. 'data' holds their
-- envelopes and bodies one after the other. The position of an entry whose call finds the log full is 0.
CREATE FUNCTION ${s}.append(
  declared text, max_bytes bigint, segment_bytes bigint,
  calls integer[], times double precision[],
  ids uuid[], events integer[], envelope_sizes integer[], body_sizes integer[], data bytea,
  OUT positions bigint[], OUT emptied boolean
) LANGUAGE plpgsql AS $fn$
DECLARE
  before ${s}.log;
  state ${s}.log;
  batch bigint := nextval('${s}.batches');
  sizes bigint[];
  stored boolean[];
  insertable boolean[];
  added record;
  item integer := 0;
  kept integer[] := '{}';
  kept_positions bigint[] := '{}';
  kept_times double precision[] := '{}';
  kept_events bigint[] := '{}';
  kept_bytes bigint[] := '{}';
BEGIN
  emptied := false;
  PERFORM ${s}.require_durability(declared);
  SELECT * INTO before FROM ${s}.log;
  SELECT array_agg(e::bigint + b ORDER BY n) INTO sizes
    FROM unnest(envelope_sizes, body_sizes) WITH ORDINALITY AS given (e, b, n);
  positions := ${s}.known_positions(ids);
  stored := ${s}.admitted(before, max_bytes, positions, sizes, calls);
  INSERT INTO ${s}.bodies
    SELECT before.segment, batch, n, substring(data FROM first FOR e), substring(data FROM first + e FOR b)
    FROM (
      SELECT n, e, b, s, (1 + sum(e::bigint + b) OVER (ORDER BY n) - e - b)::integer AS first
      FROM unnest(envelope_sizes, body_sizes, stored) WITH ORDINALITY AS given (e, b, s, n)
    ) AS cut
    WHERE s;

  -- From here to the commit nobody else appends. It writes even when all is known: then what was written before is
  -- as safe as this.
  SELECT * INTO state FROM ${s}.log FOR UPDATE;
  IF state.segment <> before.segment THEN
    RAISE EXCEPTION USING ERRCODE = 'ML001', MESSAGE = 'the log has gone on to another segment';
  END IF;
  IF state IS DISTINCT FROM before THEN
    FOR added IN SELECT * FROM ${s}.appended_since(state.segment, before.head, ids) LOOP
      positions[added.n] := added.at;
    END LOOP;
    insertable := stored;
    stored := ${s}.admitted(state, max_bytes, positions, sizes, calls);
    FOR n IN 1 .. cardinality(ids) LOOP
      -- Without its body it has to be refused after all.
      stored[n] := stored[n] AND insertable[n];
    END LOOP;
  END IF;

  FOR c IN 1 .. cardinality(calls) LOOP
    FOR n IN item + 1 .. item + calls[c] LOOP
      CONTINUE WHEN NOT stored[n];
      state.head := state.head + 1;
      state.head_at := greatest(state.head_at, times[c]);
      state.head_events := state.head_events + events[n];
      state.head_bytes := state.head_bytes + sizes[n];
      positions[n] := state.head;
      kept := kept || n;
      kept_positions := kept_positions || state.head;
      kept_times := kept_times || state.head_at;
      kept_events := kept_events || state.head_events;
      kept_bytes := kept_bytes || state.head_bytes;
    END LOOP;
    item := item + calls[c];
  END LOOP;
  IF cardinality(kept) = 0 THEN RETURN; END IF;

  INSERT INTO ${s}.entries
    SELECT state.segment, p, batch, n, t, events[n], e, b, ids[n]
    FROM unnest(kept, kept_positions, kept_times, kept_events, kept_bytes) AS given (n, p, t, e, b);
  UPDATE ${s}.log SET
    head = state.head,
    head_at = state.head_at,
    head_events = state.head_events,
    head_bytes = state.head_bytes,
    oldest_at = coalesce(oldest_at, kept_times[1]);
  IF state.head_bytes - state.tail_bytes > max_bytes THEN
    PERFORM ${s}.drop_up_to(${s}.first_reaching(state.tail, state.head, NULL, state.head_bytes - max_bytes));
  END IF;
  emptied := ${s}.go_on(state.head_at, segment_bytes);
END $fn$;

-- Raised for a position outside the log.
CREATE FUNCTION ${s}.require_inside(state ${s}.log, wanted bigint) RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
  IF wanted IS NULL OR wanted < state.tail OR wanted > state.head THEN
    RAISE EXCEPTION USING ERRCODE = 'ML002', MESSAGE = state.tail || ' ' || state.head;
  END IF;
END $fn$;

-- The entries after a position. A segment may be emptied while it runs: then the position is outside by now.
CREATE FUNCTION ${s}.read(after bigint, max_entries bigint, max_bytes bigint)
RETURNS TABLE (at bigint, appended_at double precision, events integer, id uuid, envelope bytea, body bytea)
LANGUAGE plpgsql SET jit = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
DECLARE
  state ${s}.log;
  last bigint;
  part record;
  count bigint;
  done bigint := 0;
BEGIN
  SELECT * INTO state FROM ${s}.log;
  PERFORM ${s}.require_inside(state, after);
  IF after = state.head THEN RETURN; END IF;
  last := least(after + max_entries, state.head);
  last := greatest(after + 1, ${s}.first_reaching(after, last, NULL,
    max_bytes + 1 + CASE WHEN after = state.tail THEN state.tail_bytes ELSE (${s}.entry_at(after)).total_bytes END) - 1);
  FOR part IN
    SELECT segment FROM ${s}.segments
    WHERE first_position <= last AND first_position >= (
      SELECT max(first_position) FROM ${s}.segments WHERE first_position <= after + 1
    )
    ORDER BY first_position
  LOOP
    RETURN QUERY EXECUTE format(
      'SELECT position, appended_at, events, id, envelope, body
       FROM ${s}.entries_%1$s JOIN ${s}.bodies_%1$s USING (batch, item)
       WHERE position > $1 AND position <= $2 ORDER BY position', part.segment) USING after, last;
    GET DIAGNOSTICS count = ROW_COUNT;
    done := done + count;
  END LOOP;
  IF done <> last - after THEN
    SELECT * INTO state FROM ${s}.log;
    PERFORM ${s}.require_inside(state, after);
    RAISE EXCEPTION USING ERRCODE = 'ML004', MESSAGE = format('entries between %s and %s are missing', after, last);
  END IF;
END $fn$;

CREATE FUNCTION ${s}.totals(up_to bigint, OUT entries bigint, OUT events bigint, OUT bytes bigint)
LANGUAGE plpgsql AS $fn$
DECLARE
  state ${s}.log;
  entry ${s}.entries;
BEGIN
  SELECT * INTO state FROM ${s}.log;
  PERFORM ${s}.require_inside(state, up_to);
  entries := up_to;
  events := state.tail_events;
  bytes := state.tail_bytes;
  IF up_to > state.tail THEN
    entry := ${s}.entry_at(up_to);
    IF entry.position IS NULL THEN
      SELECT * INTO state FROM ${s}.log;
      PERFORM ${s}.require_inside(state, up_to);
      RAISE EXCEPTION USING ERRCODE = 'ML004', MESSAGE = format('the entry %s is missing', up_to);
    END IF;
    events := entry.total_events;
    bytes := entry.total_bytes;
  END IF;
END $fn$;

CREATE FUNCTION ${s}.trim(up_to bigint, older_than double precision, segment_bytes bigint)
RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  state ${s}.log;
  last bigint;
BEGIN
  UPDATE ${s}.log SET released = up_to RETURNING * INTO state;
  last := ${s}.first_reaching(state.tail, least(up_to, state.head), older_than, NULL) - 1;
  IF last <= state.tail THEN RETURN; END IF;
  PERFORM ${s}.drop_up_to(last);
  -- A log that nobody appends to gives back its room as well.
  IF last = state.head THEN PERFORM ${s}.go_on(older_than, segment_bytes); END IF;
END $fn$;

-- Gives back the room of segments that have been trimmed whole, in two transactions.
--
-- The first one keeps the ids among their entries that are still to be known: whoever finds a segment empty, and looks
-- for them here then, finds them.
CREATE FUNCTION ${s}.remember_trimmed() RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  part smallint;
  state ${s}.log;
BEGIN
  SELECT * INTO state FROM ${s}.log;
  DELETE FROM ${s}.trimmed_ids WHERE position <= state.head - 1000;
  FOR part IN
    SELECT segment FROM ${s}.segments AS used
    WHERE segment <> state.segment AND NOT remembered AND state.tail + 1 >= (
      SELECT min(next.first_position) FROM ${s}.segments AS next WHERE next.first_position > used.first_position
    )
    FOR UPDATE SKIP LOCKED
  LOOP
    EXECUTE format(
      'INSERT INTO ${s}.trimmed_ids SELECT position, id FROM ${s}.entries_%s WHERE position > $1', part)
      USING state.head - 1000;
    UPDATE ${s}.segments SET remembered = true WHERE segment = part;
  END LOOP;
END $fn$;

-- The second one empties them, save those that somebody is reading (a backup, say): they can wait.
CREATE FUNCTION ${s}.empty_trimmed() RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  part smallint;
BEGIN
  FOR part IN SELECT segment FROM ${s}.segments WHERE remembered FOR UPDATE SKIP LOCKED LOOP
    BEGIN
      EXECUTE format('LOCK TABLE ${s}.bodies_%1$s, ${s}.entries_%1$s IN ACCESS EXCLUSIVE MODE NOWAIT', part);
      EXECUTE format('TRUNCATE ${s}.bodies_%1$s, ${s}.entries_%1$s', part);
      UPDATE ${s}.segments SET first_position = NULL, remembered = false WHERE segment = part;
    EXCEPTION WHEN lock_not_available THEN
      NULL;
    END;
  END LOOP;
END $fn$;
`
