/**
 * A log that a server has only a part of (a standby that was behind, a backup that was put back) gives numbers again. So the log
 * knows the server that it was last appended to, and its generation: whoever asks for something says which one it knows.
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

-- Begins a generation when there has to be one. Its number is the time, so that none is given twice, not even by a
-- server that has not heard of the last one. Nor is an epoch: those given in vain are passed over.
CREATE FUNCTION ${s}.enter(known bigint, seen bigint, OUT generation bigint, OUT last bigint, OUT forks json)
LANGUAGE plpgsql AS $fn$
DECLARE
  state ${s}.log;
BEGIN
  PERFORM ${s}.durability();
  SELECT * INTO state FROM ${s}.log FOR UPDATE;
  generation := state.generation;
  last := state.head;
  IF known > generation OR (known = generation AND seen > last)
    OR state.server IS DISTINCT FROM pg_postmaster_start_time()
  THEN
    generation := greatest(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, known + 1, generation + 1);
    DELETE FROM ${s}.generations WHERE fork >= last
      OR fork < (SELECT max(fork) FROM ${s}.generations WHERE fork < state.tail);
    INSERT INTO ${s}.generations VALUES (generation, last);
    UPDATE ${s}.log AS l SET generation = enter.generation, server = pg_postmaster_start_time();
    UPDATE ${s}.epochs AS e SET last = e.last + 1000000;
  END IF;
  SELECT coalesce(json_agg(json_build_object('generation', g.generation, 'number', g.fork) ORDER BY g.generation), '[]')
    INTO forks FROM ${s}.generations AS g;
END $fn$;
`
