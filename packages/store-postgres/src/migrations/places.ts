/**
 * What names a destination's selection, and since when it is this one; from where to where an
 * attempt reaches. Both are JSON.
 */
export const places = (s: string): string => `
ALTER TABLE ${s}.destinations ADD COLUMN selection text;
ALTER TABLE ${s}.attempts ADD COLUMN places text;

CREATE OR REPLACE FUNCTION ${s}.append_attempts(
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
    wait_reason, places
  )
  SELECT given.destination, given.failed,
    row_number() OVER (PARTITION BY given.destination, given.failed ORDER BY n) + coalesce((
      SELECT max(kept.ordinal) FROM ${s}.attempts AS kept
      WHERE kept.destination = given.destination AND kept.failed = given.failed
    ), 0),
    given.webhook_id, given.started_at, given.duration, given.events, given.bytes, given.outcome, given.status,
    given.error, given.wait, given.wait_reason, given.places
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
`
