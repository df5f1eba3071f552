/** Rows of the reserve: with so few on a page, 2 MB. */
const rows = 2_048

/**
 * Room for what a server must still take whose disk is full: how far each destination has come, who
 * is there, and the ids of what is dropped to make room. The log is emptied by segments, which
 * takes some bytes by itself.
 */
export const reserve = (s: string): string => `
-- What stands in it is of a fixed length, so that there is no second table for what is large.
CREATE TABLE ${s}.reserve (filler name NOT NULL) WITH (fillfactor = 10);

-- As much again, for a moment: the reserve is put back when there is room for more than it, since otherwise whoever comes
-- would put back at once what has just been given up.
CREATE TABLE ${s}.margin (filler name NOT NULL) WITH (fillfactor = 10);

-- Whether one of them takes room. Its first page stays, with what the server notes beside it to vacuum it: nothing has to
-- be added then to give it up.
CREATE FUNCTION ${s}.is_filled(part regclass) RETURNS boolean LANGUAGE sql AS $fn$
  SELECT pg_relation_size(part) > current_setting('block_size')::integer
$fn$;

-- Puts one of them back where it is gone.
CREATE FUNCTION ${s}.fill(part regclass) RETURNS void LANGUAGE plpgsql AS $fn$
BEGIN
  IF ${s}.is_filled(part) THEN RETURN; END IF;
  EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', part);
  IF ${s}.is_filled(part) THEN RETURN; END IF;
  EXECUTE format('INSERT INTO %s SELECT repeat(''x'', 63) FROM generate_series(1, ${rows})', part);
END $fn$;

-- Drops what is delivered, in whole segments, for a server whose disk is full: they are to be emptied then. The one that
-- is appended to is closed when it has so many bytes, so that it can be dropped once it is delivered. Returns how many
-- segments are in use.
CREATE FUNCTION ${s}.drop_released(segment_bytes bigint) RETURNS bigint LANGUAGE plpgsql AS $fn$
DECLARE
  state ${s}.log;
  last bigint;
BEGIN
  SELECT * INTO state FROM ${s}.log FOR UPDATE;
  PERFORM ${s}.go_on(state.head_at, segment_bytes);
  SELECT max(next.first_position) - 1 INTO last FROM ${s}.segments AS next
    WHERE next.first_position - 1 <= least(state.released, state.head);
  IF last > state.tail THEN PERFORM ${s}.drop_up_to(last); END IF;
  RETURN (SELECT count(*) FROM ${s}.segments WHERE first_position IS NOT NULL);
END $fn$;
`
