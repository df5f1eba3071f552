import * as Effect from "effect/Effect"
import { parseCursorName } from "../../ports/CursorName.ts"
import type { Cursor, CursorRecord } from "../../ports/Cursors.ts"
import type { DestinationRecord, Destinations } from "../../ports/Destinations.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import * as Position from "../../ports/Position.ts"
import type { StoreError } from "../../ports/StoreError.ts"

interface Options {
  readonly log: EventLog["Service"]
  readonly destinations: Destinations["Service"]
}

/** What the store says of destinations and of where they stand. */
interface Said {
  readonly records: ReadonlyArray<DestinationRecord>
  readonly listed: ReadonlyArray<Cursor>
}

/**
 * What this process has last seen in the store of destinations and their places. A store can come
 * back without them, emptied or as it was before they were there: then they go on where they stood,
 * and nothing that is acknowledged from then on is passed over.
 */
export interface Recollection {
  /** Puts back the destinations that the store has lost. Returns all there are. */
  readonly restore: (said: Said) => Effect.Effect<ReadonlyArray<DestinationRecord>, StoreError>
  /** Where a lane stood, for when the store does not know it any more. */
  readonly placeOf: (name: string) => CursorRecord | undefined
  /** A lane of this process stands there, and the store has heard of so much of it. */
  readonly note: (name: string, lane: { readonly stands: CursorRecord; readonly saved: CursorRecord }) => void
  /** From now on this is what was last seen. */
  readonly keep: (said: Said) => void
}

/** @param isConfigured whether it is one of those that nobody removes by hand */
export const make = ({ log, destinations }: Options, isConfigured: (id: string) => boolean): Recollection => {
  let records: ReadonlyArray<DestinationRecord> = []
  let places = new Map<string, CursorRecord>()
  /** How far any lane of each partition had come, as the store has acknowledged it. */
  let furthest = new Map<number, Position.Position>()

  /**
   * Whether the log has come back without what it had given: it goes on before a place that it
   * gave.
   */
  const hasLost = (partition: number, position: Position.Position): Effect.Effect<boolean, StoreError> =>
    log.stats(partition, position).pipe(
      Effect.as(false),
      Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) => Effect.succeed(resumeAt < position)),
    )

  /** Whether the log lacks the furthest place that it had, in any partition. */
  const hasLostAny = Effect.gen(function* () {
    for (const [partition, position] of furthest) {
      if (yield* hasLost(partition, position)) return true
    }
    return false
  })

  const hadCome = (name: string, { position }: CursorRecord): void => {
    const partition = parseCursorName(name)?.partition ?? log.partitions
    if (partition >= log.partitions || position === Position.origin) return
    if (position > (furthest.get(partition) ?? Position.origin)) furthest.set(partition, position)
  }

  return {
    restore: Effect.fnUntraced(function* (said) {
      const known = new Set(said.records.map(({ id }) => id))
      const missing = records.filter(({ id }) => !known.has(id))
      if (missing.length === 0) return said.records
      // What somebody has removed is missing, too; of a log that has all it had, nothing else is.
      const isLost = yield* hasLostAny
      const lost = missing.filter(({ id }) => isLost || isConfigured(id))
      yield* Effect.forEach(lost, destinations.put, { discard: true })
      if (lost.length > 0) {
        yield* Effect.logWarning("the store has lost what it knew of destinations: it is told again").pipe(
          Effect.annotateLogs({ destinations: lost.map(({ id }) => id).join(",") }),
        )
      }
      return [...said.records, ...lost]
    }),
    placeOf: (name) => places.get(name),
    note: (name, { stands, saved }) => {
      places.set(name, stands)
      hadCome(name, saved)
    },
    keep: (said) => {
      const ids = new Set(said.records.map(({ id }) => id))
      const isKept = (name: string): boolean => {
        const parsed = parseCursorName(name)
        // A replay that is not there any more has come to its end, or was lost with what it was to
        // send.
        return parsed !== null && parsed.replay === null && ids.has(parsed.destination)
      }
      records = said.records
      furthest = new Map()
      for (const { name, record } of said.listed) if (record !== null) hadCome(name, record)
      places = new Map([
        ...[...places].filter(([name]) => isKept(name)),
        ...said.listed.flatMap(({ name, record }) => (record === null ? [] : [[name, record] as const])),
      ])
    },
  }
}
