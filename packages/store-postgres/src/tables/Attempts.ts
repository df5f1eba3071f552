import { Attempts } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Database } from "../Database.ts"
import { fromText, fromTextOrNull, toText, toTextOrNull } from "../text.ts"

interface Row {
  readonly destination: string
  readonly webhook_id: string
  readonly started_at: number
  readonly duration: number
  readonly events: number
  readonly bytes: number
  readonly outcome: string
  readonly status: number | null
  readonly error: string | null
  readonly wait: number | null
  readonly wait_reason: string | null
  readonly places: string | null
}

const attemptOf = (row: Row): Attempts.Attempt => ({
  destination: fromText(row.destination),
  webhookId: fromText(row.webhook_id),
  startedAt: row.started_at,
  duration: row.duration,
  events: row.events,
  bytes: row.bytes,
  outcome: fromText(row.outcome) as Attempts.Outcome,
  status: row.status,
  error: fromTextOrNull(row.error),
  wait: row.wait,
  waitReason: fromTextOrNull(row.wait_reason),
  ...(row.places === null ? {} : { range: JSON.parse(row.places) as Attempts.AttemptRange }),
})

const rowOf = (attempt: Attempts.Attempt) => ({
  destination: toText(attempt.destination),
  failed: attempt.outcome !== Attempts.delivered,
  webhook_id: toText(attempt.webhookId),
  started_at: attempt.startedAt,
  duration: attempt.duration,
  events: attempt.events,
  bytes: attempt.bytes,
  outcome: toText(attempt.outcome),
  status: attempt.status,
  error: toTextOrNull(attempt.error),
  wait: attempt.wait,
  wait_reason: toTextOrNull(attempt.waitReason),
  places: attempt.range === undefined ? null : JSON.stringify(attempt.range),
})

export const attempts = (database: Database): Attempts.Attempts["Service"] => {
  const { schema } = database
  return {
    append: Effect.fnUntraced(function* (added) {
      if (added.length === 0) return
      const now = yield* Clock.currentTimeMillis
      const { maxAge, maxFailures, maxSuccesses } = Attempts.limits
      yield* database.query(`SELECT ${schema}.append_attempts($1, $2, $3, $4)`, [
        JSON.stringify(added.map(rowOf)),
        now - maxAge,
        maxFailures,
        maxSuccesses,
      ])
    }),

    list: ({ destination, failuresOnly = false, before, webhookId, outcome, limit = 100 }) =>
      Effect.map(
        database.query<Row>(
          `SELECT * FROM ${schema}.attempts
           WHERE ($1::text IS NULL OR destination = $1) AND (failed OR NOT $2)
             AND ($4::bigint IS NULL OR started_at < $4) AND ($5::text IS NULL OR webhook_id = $5)
             AND ($6::text IS NULL OR outcome = $6)
           ORDER BY sequence DESC LIMIT $3`,
          [
            destination === undefined ? null : toText(destination),
            failuresOnly,
            Math.min(limit, Number.MAX_SAFE_INTEGER),
            before ?? null,
            webhookId === undefined ? null : toText(webhookId),
            outcome === undefined ? null : toText(outcome),
          ],
        ),
        (rows) => rows.map(attemptOf),
      ),
  }
}
