/**
 * A log that a server has only a part of (a standby that was behind, a backup that was put back)
 * gives numbers again. So the log knows the server that it was last appended to, and its
 * generation: whoever asks for something says which one it knows.
 */
export const generations = (s: string): string => `
ALTER TABLE ${s}.log
  ADD COLUMN generation bigint NOT NULL DEFAULT 0,
  -- The server, told apart from every other one, and from itself before a restart, by when it was started.
  ADD COLUMN server timestamptz;
UPDATE ${s}.log SET server = pg_postmaster_start_time();

-- Where each generation but the first has begun: behind the last entry that was there then. Those that say nothing any
-- more, since all in front of them is trimmed or lost, are dropped when the next one begins.
CREATE TABLE ${s}.generations (generation bigint PRIMARY KEY, fork bigint NOT NULL);

-- Raised when the log is of another generation than the one known, or has to be, since it is on another server or ends
-- before an entry that it has given. Returns the value, so that it stands in front of whatever needs that. Volatile: it
-- looks when it is asked.
CREATE FUNCTION ${s}.entered(known bigint, seen bigint, value anyelement) RETURNS anyelement
LANGUAGE plpgsql VOLATILE AS $fn$
DECLARE
  state ${s}.log;
BEGIN
  SELECT * INTO state FROM ${s}.log;
  IF state.generation <> known OR state.head < seen OR state.server IS DISTINCT FROM pg_postmaster_start_time() THEN
    RAISE EXCEPTION USING ERRCODE = 'ML005', MESSAGE = 'the log is of another generation';
  END IF;
  RETURN value;
END $fn$;

CREATE FUNCTION ${s}.has_to_begin(state ${s}.log, known bigint, seen bigint) RETURNS boolean LANGUAGE sql STABLE AS $fn$
  SELECT known > state.generation OR (known = state.generation AND seen > state.head)
    OR state.server IS DISTINCT FROM pg_postmaster_start_time()
$fn$;

-- Begins a generation when there has to be one, and writes nothing when not. Its number is the time, so that none is
-- given twice, not even by a server that has not heard of the last one. Nor is an epoch: those given in vain are passed
-- over.
CREATE FUNCTION ${s}.enter(known bigint, seen bigint, OUT generation bigint, OUT last bigint, OUT forks json)
LANGUAGE plpgsql AS $fn$
DECLARE
  state ${s}.log;
BEGIN
  SELECT * INTO state FROM ${s}.log;
  IF ${s}.has_to_begin(state, known, seen) THEN
    PERFORM ${s}.durability();
    -- Somebody else may have begun it meanwhile.
    SELECT * INTO state FROM ${s}.log FOR UPDATE;
    IF ${s}.has_to_begin(state, known, seen) THEN
      DELETE FROM ${s}.generations WHERE fork >= state.head
        OR fork < (SELECT max(fork) FROM ${s}.generations WHERE fork < state.tail);
      state.generation := greatest(
        floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, known + 1, state.generation + 1);
      INSERT INTO ${s}.generations VALUES (state.generation, state.head);
      UPDATE ${s}.log AS l SET generation = state.generation, server = pg_postmaster_start_time();
      UPDATE ${s}.epochs AS e SET last = e.last + 1000000;
    END IF;
  END IF;
  generation := state.generation;
  last := state.head;
  SELECT coalesce(json_agg(json_build_object('generation', g.generation, 'number', g.fork) ORDER BY g.generation), '[]')
    INTO forks FROM ${s}.generations AS g;
END $fn$;
`
