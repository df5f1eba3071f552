import * as Effect from "effect/Effect"
import type { EventLog } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { CompiledSelection } from "../../select/Destination.ts"
import { passes } from "../../select/Filter.ts"
import type { Marked } from "./eventRow.ts"
import { readEntry } from "./readEntry.ts"

/** Entries that are looked at each time, and bytes of them. */
const readLimits = { maxEntries: 8, maxBytes: 64 * 1024 }

/** Past so many events the older half counts half: what comes now is what is asked about. */
const maxLooked = 2_000

/** Fewer events say nothing of the others. */
const leastLooked = 20

/** ms back to where looking begins. */
const recent = 60_000

interface Tally {
  looked: number
  passed: number
}

/** About which part of the events each filter lets pass, by some of the newest ones. */
export class FilterShares {
  readonly #log: EventLog["Service"]
  readonly #tallies = new WeakMap<CompiledSelection, Tally>()
  readonly #places = new Map<number, Position>()

  constructor(log: EventLog["Service"]) {
    this.#log = log
  }

  /** `null` when too few were looked at. */
  shareOf(selection: CompiledSelection): number | null {
    const tally = this.#tallies.get(selection)
    return tally === undefined || tally.looked < leastLooked ? null : tally.passed / tally.looked
  }

  /** Looks at some of the newest events. */
  readonly look = (asked: ReadonlyArray<Marked>, now: number): Effect.Effect<void, StoreError> =>
    asked.length === 0
      ? Effect.void
      : Effect.forEach(
          Array.from({ length: this.#log.partitions }, (_, partition) => partition),
          (partition) => this.#lookAt(partition, asked, now),
          { discard: true },
        )

  #lookAt(partition: number, asked: ReadonlyArray<Marked>, now: number): Effect.Effect<void, StoreError> {
    const log = this.#log
    const tallies = this.#tallies
    const places = this.#places
    return Effect.gen(function* () {
      const recentPlace = yield* log.locate(partition, now - recent)
      const known = places.get(partition)
      const after = known === undefined || known < recentPlace ? recentPlace : known
      let entries = yield* log.read(partition, after, readLimits)
      // Nothing has come for a minute: then what came last is looked at, once.
      if (entries.length === 0 && known === undefined) {
        const { tail } = yield* log.bounds(partition)
        entries = yield* log.read(partition, tail, readLimits)
      }
      for (const entry of entries) {
        const decoded = yield* readEntry(entry)
        for (const [index, event] of (decoded?.events ?? []).entries()) {
          for (const { selection } of asked) {
            const tally = tallies.get(selection) ?? { looked: 0, passed: 0 }
            tallies.set(selection, tally)
            tally.looked += 1
            if (passes(selection.filter, event, index, decoded!)) tally.passed += 1
            if (tally.looked < maxLooked) continue
            tally.looked /= 2
            tally.passed /= 2
          }
        }
      }
      places.set(partition, entries.at(-1)?.position ?? after)
    }).pipe(Effect.catchReason("StoreError", "OutOfRange", () => Effect.void))
  }
}
