/**
 * Everything beside the log: small tables, and functions for what takes more than one statement.
 */
export const records = (s: string): string => `
CREATE TABLE ${s}.cursors (
  name text COLLATE "C" PRIMARY KEY,
  epoch bigint NOT NULL,
  position text,
  event_index bigint,
  state text
);

-- One sequence of epochs for all cursors, so that a removed one leaves nothing to remember; a row, so that they are
-- given in the order of the commits.
CREATE TABLE ${s}.epochs (last bigint NOT NULL);
INSERT INTO ${s}.epochs VALUES (0);

CREATE FUNCTION ${s}.acquire_cursor(wanted text) RETURNS ${s}.cursors LANGUAGE plpgsql AS $fn$
DECLARE
  taken ${s}.cursors;
BEGIN
  PERFORM ${s}.durability();
  UPDATE ${s}.epochs SET last = last + 1 RETURNING last INTO taken.epoch;
  INSERT INTO ${s}.cursors (name, epoch) VALUES (wanted, taken.epoch)
    ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch RETURNING * INTO taken;
  RETURN taken;
END $fn$;

-- The numbers of the saves that were of the newest epoch. None is of the same name and epoch as another.
CREATE FUNCTION ${s}.save_cursors(
  names text[], epochs bigint[], positions text[], indexes bigint[], states text[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $fn$
BEGIN
  PERFORM ${s}.durability();
  -- In one order, whoever saves.
  PERFORM FROM ${s}.cursors WHERE name = ANY (names) ORDER BY name FOR UPDATE;
  RETURN QUERY
    UPDATE ${s}.cursors AS kept SET position = given.p, event_index = given.i, state = given.s
    FROM unnest(names, epochs, positions, indexes, states) WITH ORDINALITY AS given (n, e, p, i, s, number)
    WHERE kept.name = given.n AND kept.epoch = given.e
    RETURNING given.number;
END $fn$;

CREATE TABLE ${s}.dead_letters (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  destination text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  dead_at double precision NOT NULL,
  bytes bigint NOT NULL,
  reason text NOT NULL,
  message text NOT NULL,
  status integer,
  received_at double precision NOT NULL,
  event_name text NOT NULL,
  event text NOT NULL,
  replayed_at double precision
);
CREATE UNIQUE INDEX ON ${s}.dead_letters (event_id, destination);
CREATE INDEX ON ${s}.dead_letters (destination, sequence);

CREATE TABLE ${s}.dead_letter_totals (letters bigint NOT NULL, bytes bigint NOT NULL);
INSERT INTO ${s}.dead_letter_totals VALUES (0, 0);

-- 'letters' is an array in JSON with no two of one destination and event.
CREATE FUNCTION ${s}.put_dead_letters(
  letters json, oldest double precision, max_count bigint, max_bytes bigint
) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  totals ${s}.dead_letter_totals;
  letter record;
  last bigint;
BEGIN
  -- Held up to the commit: those who put do so one after the other.
  SELECT * INTO totals FROM ${s}.dead_letter_totals FOR UPDATE;
  WITH replaced AS (
    DELETE FROM ${s}.dead_letters AS kept
    USING json_to_recordset(letters) AS added (destination text, event_id text)
    WHERE kept.event_id = added.event_id AND kept.destination = added.destination
    RETURNING kept.bytes
  )
  SELECT totals.letters - count(*), totals.bytes - coalesce(sum(replaced.bytes), 0)
    INTO totals.letters, totals.bytes FROM replaced;
  WITH added AS (
    INSERT INTO ${s}.dead_letters (
      destination, event_id, dead_at, bytes, reason, message, status, received_at, event_name, event, replayed_at
    )
    SELECT given.destination, given.event_id, given.dead_at, given.bytes, given.reason, given.message, given.status, given.received_at,
      given.event_name, given.event, given.replayed_at
    FROM json_array_elements(letters) WITH ORDINALITY AS listed (value, n),
      LATERAL json_populate_record(NULL::${s}.dead_letters, value) AS given
    ORDER BY n
    RETURNING bytes
  )
  SELECT totals.letters + count(*), totals.bytes + coalesce(sum(added.bytes), 0)
    INTO totals.letters, totals.bytes FROM added;

  FOR letter IN SELECT sequence, dead_at, bytes FROM ${s}.dead_letters ORDER BY sequence LOOP
    EXIT WHEN letter.dead_at >= oldest AND totals.letters <= max_count AND totals.bytes <= max_bytes;
    totals.letters := totals.letters - 1;
    totals.bytes := totals.bytes - letter.bytes;
    last := letter.sequence;
  END LOOP;
  IF last IS NOT NULL THEN DELETE FROM ${s}.dead_letters WHERE sequence <= last; END IF;
  UPDATE ${s}.dead_letter_totals SET letters = totals.letters, bytes = totals.bytes;
END $fn$;

-- The next of a selection's letters, by their sequence. NULL selects any.
CREATE FUNCTION ${s}.selected_dead_letters(
  after bigint, of_destination text, ids text[], before double precision, count bigint
) RETURNS bigint[] LANGUAGE sql STABLE AS $fn$
  SELECT ARRAY(
    SELECT sequence FROM ${s}.dead_letters
    WHERE sequence > after
      AND (of_destination IS NULL OR destination = of_destination)
      AND (ids IS NULL OR event_id IN (SELECT unnest(ids)))
      AND (before IS NULL OR dead_at < before)
    ORDER BY sequence LIMIT count
  )
$fn$;

-- Those that were still there.
CREATE FUNCTION ${s}.purge_dead_letters(sequences bigint[]) RETURNS bigint LANGUAGE plpgsql AS $fn$
DECLARE
  count bigint;
  freed bigint;
BEGIN
  PERFORM FROM ${s}.dead_letter_totals FOR UPDATE;
  WITH purged AS (
    DELETE FROM ${s}.dead_letters WHERE sequence = ANY (sequences) RETURNING bytes
  )
  SELECT count(*), coalesce(sum(purged.bytes), 0) INTO count, freed FROM purged;
  UPDATE ${s}.dead_letter_totals SET letters = letters - count, bytes = bytes - freed;
  RETURN count;
END $fn$;

-- ordinal counts the failures, and the successes, of one destination: what is too many goes by one range.
CREATE TABLE ${s}.attempts (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  destination text COLLATE "C" NOT NULL,
  failed boolean NOT NULL,
  ordinal bigint NOT NULL,
  webhook_id text NOT NULL,
  started_at double precision NOT NULL,
  duration double precision NOT NULL,
  events bigint NOT NULL,
  bytes bigint NOT NULL,
  outcome text NOT NULL,
  status integer,
  error text,
  wait double precision,
  wait_reason text
);
CREATE UNIQUE INDEX ON ${s}.attempts (destination, failed, ordinal);
CREATE INDEX ON ${s}.attempts (destination, sequence);

CREATE FUNCTION ${s}.append_attempts(
  added json, oldest double precision, max_failures bigint, max_successes bigint
) RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  kind record;
  stale bigint;
BEGIN
  -- Best effort: nobody waits for the disk.
  PERFORM set_config('synchronous_commit', 'off', true);
  LOCK TABLE ${s}.attempts IN SHARE ROW EXCLUSIVE MODE;
  INSERT INTO ${s}.attempts (
    destination, failed, ordinal, webhook_id, started_at, duration, events, bytes, outcome, status, error, wait,
    wait_reason
  )
  SELECT given.destination, given.failed,
    row_number() OVER (PARTITION BY given.destination, given.failed ORDER BY n) + coalesce((
      SELECT max(kept.ordinal) FROM ${s}.attempts AS kept
      WHERE kept.destination = given.destination AND kept.failed = given.failed
    ), 0),
    given.webhook_id, given.started_at, given.duration, given.events, given.bytes, given.outcome, given.status,
    given.error, given.wait, given.wait_reason
  FROM json_array_elements(added) WITH ORDINALITY AS listed (value, n),
    LATERAL json_populate_record(NULL::${s}.attempts, value) AS given
  ORDER BY n;

  FOR kind IN
    SELECT given.destination, given.failed, (
      SELECT max(kept.ordinal) FROM ${s}.attempts AS kept
      WHERE kept.destination = given.destination AND kept.failed = given.failed
    ) AS newest
    FROM json_to_recordset(added) AS given (destination text, failed boolean) GROUP BY 1, 2
  LOOP
    stale := kind.newest - CASE WHEN kind.failed THEN max_failures ELSE max_successes END;
    IF kind.failed THEN
      -- Those in front of the first one young enough.
      SELECT greatest(stale, coalesce(min(fresh.ordinal) - 1, kind.newest)) INTO stale FROM (
        SELECT ordinal FROM ${s}.attempts
        WHERE destination = kind.destination AND failed AND started_at >= oldest ORDER BY ordinal LIMIT 1
      ) AS fresh;
    END IF;
    DELETE FROM ${s}.attempts
      WHERE destination = kind.destination AND failed = kind.failed AND ordinal <= stale;
  END LOOP;
END $fn$;

CREATE TABLE ${s}.destinations (
  id text COLLATE "C" PRIMARY KEY,
  config text,
  disabled_at double precision,
  disabled_reason text,
  created_at double precision NOT NULL
);

CREATE TABLE ${s}.keys (
  hash text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  created_at double precision NOT NULL
);

CREATE TABLE ${s}.counters (
  hour double precision NOT NULL,
  event_name text COLLATE "C" NOT NULL,
  count double precision NOT NULL,
  PRIMARY KEY (hour, event_name)
);

-- 'added' is an array in JSON, sorted by hour.
CREATE FUNCTION ${s}.add_counts(added json, oldest double precision, max_names bigint, other_names text)
RETURNS void LANGUAGE plpgsql AS $fn$
DECLARE
  counted record;
  names bigint;
  present double precision;
BEGIN
  LOCK TABLE ${s}.counters IN SHARE ROW EXCLUSIVE MODE;
  FOR counted IN
    SELECT * FROM json_to_recordset(added)
      AS given (hour double precision, event_name text, count double precision)
    WHERE hour >= oldest
  LOOP
    IF present IS DISTINCT FROM counted.hour THEN
      present := counted.hour;
      SELECT count(*) INTO names FROM ${s}.counters WHERE hour = present;
      IF names = 0 THEN DELETE FROM ${s}.counters WHERE hour < oldest; END IF;
    END IF;
    UPDATE ${s}.counters SET count = count + counted.count
      WHERE hour = counted.hour AND event_name = counted.event_name;
    CONTINUE WHEN FOUND;
    IF names >= max_names THEN
      INSERT INTO ${s}.counters AS kept VALUES (counted.hour, other_names, counted.count)
        ON CONFLICT (hour, event_name) DO UPDATE SET count = kept.count + excluded.count;
    ELSE
      INSERT INTO ${s}.counters VALUES (counted.hour, counted.event_name, counted.count);
      names := names + 1;
    END IF;
  END LOOP;
END $fn$;

-- By the server's clock.
CREATE TABLE ${s}.members (
  id text COLLATE "C" PRIMARY KEY,
  expires_at timestamptz NOT NULL
);
`
