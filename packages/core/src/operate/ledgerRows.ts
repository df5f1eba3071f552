import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ledger from "../deliver/Ledger.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { DestinationRow } from "./rows/destinationRow.ts"

/**
 * How all destinations are doing, by id.
 *
 * @param isProbing whether an attempt is under way that finds out if the destination takes events
 * again
 */
export const readRows = Effect.fnUntraced(function* (
  ports: Ledger.LedgerPorts,
  isProbing: (id: string) => boolean,
): Effect.fn.Return<ReadonlyArray<DestinationRow>, StoreError> {
  const now = yield* Clock.currentTimeMillis
  const statuses = yield* Ledger.read(ports)
  const late = new Set(statuses.flatMap(({ id, pending }) => (pending > 0 ? [id] : [])))
  const oldest = yield* Ledger.oldestPending(ports, (id) => late.has(id))
  return statuses.map((row): DestinationRow => {
    const since = oldest.get(row.id)
    return {
      ...row,
      circuit: isProbing(row.id) ? "half-open" : row.circuit,
      lag: since === undefined ? null : Math.max(now - since, 0),
    }
  })
})
