/**
 * The outbox: what programs insert in transactions of their own, to be moved into the log once it
 * is committed. A plain table: no trigger, no sequence of the log's, nothing that an insert would
 * have to wait for.
 */
export const outbox = (s: string): string => `
CREATE TABLE ${s}.outbox (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entry_id uuid NOT NULL DEFAULT md5(random()::text || clock_timestamp()::text || random()::text)::uuid,
  events integer NOT NULL DEFAULT 1 CHECK (events >= 0),
  -- What a request of a server SDK received now would have.
  envelope text NOT NULL DEFAULT json_build_object(
    'v', 1,
    'receivedAt', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    'dialect', 'log_event',
    'mode', 'lenient'
  )::text,
  body bytea NOT NULL
);

-- Who moves them: one process at a time, so that what was committed keeps its order.
CREATE TABLE ${s}.sequencer (owner text NOT NULL, expires_at timestamptz NOT NULL);
INSERT INTO ${s}.sequencer VALUES ('', '-infinity');

-- Moves the next of them, in the order of their numbers, if this owner has the lease or can get it. A row committed
-- later than one with a higher number is moved later. Returns how many have gone, and the head of the log.
CREATE FUNCTION ${s}.move_outbox(
  mover text, lease double precision, max_entries integer, max_move_bytes bigint,
  declared text, max_bytes bigint, segment_bytes bigint, present double precision,
  OUT moved bigint, OUT head bigint, OUT emptied boolean
) LANGUAGE plpgsql AS $fn$
DECLARE
  numbers bigint[];
  ids uuid[];
  events integer[];
  envelope_sizes integer[];
  body_sizes integer[];
  data bytea;
  positions bigint[];
BEGIN
  moved := 0;
  emptied := false;
  IF NOT EXISTS (SELECT FROM ${s}.outbox) THEN RETURN; END IF;
  -- The row stays locked up to the commit, so that two never move at once, whatever the lease.
  UPDATE ${s}.sequencer SET owner = mover, expires_at = clock_timestamp() + lease * interval '1 millisecond'
    WHERE owner = mover OR expires_at < clock_timestamp();
  IF NOT FOUND THEN RETURN; END IF;

  SELECT array_agg(number ORDER BY number), array_agg(entry_id ORDER BY number),
      array_agg(next.events ORDER BY number), array_agg(octet_length(envelope) ORDER BY number),
      array_agg(octet_length(body) ORDER BY number), string_agg(envelope || body, '' ORDER BY number)
    INTO numbers, ids, events, envelope_sizes, body_sizes, data
    FROM (
      SELECT DISTINCT ON (entry_id) number, entry_id, waiting.events, convert_to(envelope, 'UTF8') AS envelope, body
      FROM (
        SELECT *, sum(octet_length(body)) OVER (ORDER BY number) - octet_length(body) AS in_front
        FROM (SELECT * FROM ${s}.outbox ORDER BY number LIMIT max_entries) AS first
      ) AS waiting
      WHERE in_front = 0 OR in_front + octet_length(body) <= max_move_bytes
      ORDER BY entry_id, number
    ) AS next;
  IF numbers IS NULL THEN RETURN; END IF;

  SELECT appended.positions, appended.emptied INTO positions, emptied
    FROM ${s}.append(
      declared, max_bytes, segment_bytes, array_fill(1, ARRAY[cardinality(ids)]),
      array_fill(present, ARRAY[cardinality(ids)]), ids, events, envelope_sizes, body_sizes, data
    ) AS appended;
  DELETE FROM ${s}.outbox WHERE number IN (
    SELECT n FROM unnest(numbers, positions) AS given (n, p) WHERE p > 0
  );
  GET DIAGNOSTICS moved = ROW_COUNT;
  SELECT max(p) INTO head FROM unnest(positions) AS given (p);
END $fn$;
`
