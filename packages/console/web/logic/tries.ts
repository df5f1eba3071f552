/** The failed tries of the batch that is tried now. */
import type { Attempts } from "@millrace/core"

type Attempt = Attempts.Attempt

export interface Tries {
  /** Oldest first. */
  readonly startedAt: ReadonlyArray<number>
  readonly last: Attempt
}

/** @param newestFirst failures of one destination */
export const triesOf = (newestFirst: ReadonlyArray<Attempt>): Tries | null => {
  const [last] = newestFirst
  if (last === undefined) return null
  const ofBatch = newestFirst.filter(({ webhookId }) => webhookId === last.webhookId)
  return { startedAt: ofBatch.map(({ startedAt }) => startedAt).reverse(), last }
}
