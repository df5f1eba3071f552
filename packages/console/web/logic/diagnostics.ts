/** What happened minute by minute, in Statsig's columns. */
import type { Rows } from "@millrace/core/host"

export interface DiagnosticsRow {
  readonly at: number
  readonly events: number
  readonly forwarded: number
  readonly filtered: number
  /** ms */
  readonly rateLimited: number
  readonly failed: number
  readonly error: string | null
}

const emptyColumns = ["events", "forwarded", "filtered", "failed", "rateLimited"] as const

/**
 * The newest first; stretches in which nothing happened, or of which nothing is known, are left
 * out.
 */
export const diagnosticsOf = (history: Rows.DestinationHistory): ReadonlyArray<DiagnosticsRow> =>
  history.error
    .map((error, at): DiagnosticsRow => {
      const of = (column: (typeof emptyColumns)[number]): number => history[column][at] ?? 0
      return {
        at: history.from + at * history.step,
        events: of("events"),
        forwarded: of("forwarded"),
        filtered: of("filtered"),
        rateLimited: of("rateLimited"),
        failed: of("failed"),
        error,
      }
    })
    .filter((row) => row.error !== null || emptyColumns.some((column) => row[column] > 0))
    .reverse()
