import type { Attempts } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import type { Row, Value } from "../driver.ts"
import type { Limits } from "../limits.ts"
import { number, numberOrNull, rows, text, textOrNull } from "../row.ts"

const rangeOf = (row: Row): Pick<Attempts.Attempt, "range"> => {
  const places = textOrNull(row, "places")
  return places === null ? {} : { range: JSON.parse(places) as Attempts.AttemptRange }
}

export const attemptOf = (row: Row): Attempts.Attempt => ({
  destination: text(row, "destination"),
  webhookId: text(row, "webhook_id"),
  startedAt: number(row, "started_at"),
  duration: number(row, "duration"),
  events: number(row, "events"),
  bytes: number(row, "bytes"),
  outcome: text(row, "outcome") as Attempts.Outcome,
  status: numberOrNull(row, "status"),
  error: textOrNull(row, "error"),
  wait: numberOrNull(row, "wait"),
  waitReason: textOrNull(row, "wait_reason"),
  ...rangeOf(row),
})

export const attempts = (connection: Connection, limits: Limits["attempts"]) => {
  const lastOrdinal = (destination: string, failed: number): number => {
    const row = connection.get(
      "SELECT ordinal FROM attempts WHERE destination = ? AND failed = ? ORDER BY ordinal DESC LIMIT 1",
      destination,
      failed,
    )
    return row === undefined ? 0 : number(row, "ordinal")
  }

  /** The first of a destination's failures young enough to be kept; those in front of it go. */
  const firstFresh = (destination: string, oldest: number): number | null => {
    const row = connection.get(
      `SELECT ordinal FROM attempts WHERE destination = ? AND failed = 1 AND started_at >= ?
       ORDER BY ordinal LIMIT 1`,
      destination,
      oldest,
    )
    return row === undefined ? null : number(row, "ordinal")
  }

  const dropUpTo = (destination: string, failed: number, ordinal: number): void => {
    connection.run(
      "DELETE FROM attempts WHERE destination = ? AND failed = ? AND ordinal <= ?",
      destination,
      failed,
      ordinal,
    )
  }

  const appendOne = (attempt: Attempts.Attempt, now: number): void => {
    const { destination } = attempt
    const failed = attempt.outcome === limits.delivered ? 0 : 1
    const ordinal = lastOrdinal(destination, failed) + 1
    connection.run(
      `INSERT INTO attempts (destination, failed, ordinal, webhook_id, started_at, duration, events, bytes,
         outcome, status, error, wait, wait_reason, places)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      destination,
      failed,
      ordinal,
      attempt.webhookId,
      attempt.startedAt,
      attempt.duration,
      attempt.events,
      attempt.bytes,
      attempt.outcome,
      attempt.status,
      attempt.error,
      attempt.wait,
      attempt.waitReason,
      attempt.range === undefined ? null : JSON.stringify(attempt.range),
    )
    if (failed === 0) {
      dropUpTo(destination, failed, ordinal - limits.maxSuccesses)
      return
    }
    const stale = (firstFresh(destination, now - limits.maxAge) ?? ordinal + 1) - 1
    dropUpTo(destination, failed, Math.max(stale, ordinal - limits.maxFailures))
  }

  return {
    append(added: ReadonlyArray<Attempts.Attempt>, now: number): void {
      for (const attempt of added) appendOne(attempt, now)
    },

    list({
      destination,
      failuresOnly = false,
      before,
      webhookId,
      outcome,
      limit = 100,
    }: Attempts.AttemptQuery): ReadonlyArray<Attempts.Attempt> {
      const conditions: ReadonlyArray<readonly [string, Value]> = [
        ...(destination === undefined ? [] : [["destination = ?", destination] as const]),
        ["failed >= ?", failuresOnly ? 1 : 0],
        ...(before === undefined ? [] : [["started_at < ?", before] as const]),
        ...(webhookId === undefined ? [] : [["webhook_id = ?", webhookId] as const]),
        ...(outcome === undefined ? [] : [["outcome = ?", outcome] as const]),
      ]
      return connection
        .all(
          `SELECT * FROM attempts WHERE ${conditions.map(([condition]) => condition).join(" AND ")}
           ORDER BY sequence DESC LIMIT ?`,
          ...conditions.map(([, value]) => value),
          rows(limit),
        )
        .map(attemptOf)
    },
  }
}

export type AttemptsTable = ReturnType<typeof attempts>
