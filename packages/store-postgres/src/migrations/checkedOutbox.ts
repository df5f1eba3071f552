/**
 * Rows of the outbox are looked at by the program that moves them: only it can tell what an event
 * is, and what must not be kept of one. It does so in a transaction, in which it holds the
 * sequencer's row.
 */
export const checkedOutbox = (s: string): string => `
DROP FUNCTION ${s}.move_outbox;

-- The next of them, in the order of their numbers, if this owner has the lease or can get it. A row committed later than
-- one with a higher number is taken later, and of rows with one id the first is taken.
CREATE FUNCTION ${s}.take_outbox(mover text, lease double precision, max_entries integer, max_move_bytes bigint)
RETURNS TABLE (number bigint, id uuid, envelope text, body bytea) LANGUAGE plpgsql AS $fn$
BEGIN
  IF NOT EXISTS (SELECT FROM ${s}.outbox) THEN RETURN; END IF;
  -- The row stays locked up to the commit, so that two never move at once, whatever the lease.
  UPDATE ${s}.sequencer SET owner = mover, expires_at = clock_timestamp() + lease * interval '1 millisecond'
    WHERE owner = mover OR expires_at < clock_timestamp();
  IF NOT FOUND THEN RETURN; END IF;
  RETURN QUERY
    SELECT taken.number, taken.entry_id, taken.envelope, taken.body
    FROM (
      SELECT DISTINCT ON (waiting.entry_id) waiting.*
      FROM (
        SELECT *, sum(octet_length(first.body)) OVER (ORDER BY first.number) - octet_length(first.body) AS in_front
        FROM (SELECT * FROM ${s}.outbox AS o ORDER BY o.number LIMIT max_entries) AS first
      ) AS waiting
      WHERE in_front = 0 OR in_front + octet_length(waiting.body) <= max_move_bytes
      ORDER BY waiting.entry_id, waiting.number
    ) AS taken
    ORDER BY taken.number;
END $fn$;
`
