import type { Steering } from "../../deliver/Steering.ts"
import type { Ingest } from "../../intake/Ingest.ts"

/** What only the process knows that runs on a store. */
export interface Process {
  readonly steering: Steering["Service"]
  readonly ingest: Ingest["Service"]
  /** ms since the epoch. */
  readonly startedAt: number
}
