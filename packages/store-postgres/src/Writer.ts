import { EventLog, GroupCommit, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { isAnswer } from "./errors.ts"

/** The entries of some calls, as they go to the server together. No id stands in it twice. */
export interface Group {
  /** How many entries each call has. */
  readonly calls: ReadonlyArray<number>
  /** By Effect's clock, of each call. */
  readonly times: ReadonlyArray<number>
  readonly entries: ReadonlyArray<EventLog.NewEntry>
}

/** The position of each entry of a group, 0 for those of a call that found the log full. */
export type Write = (group: Group) => Promise<ReadonlyArray<number>>

interface Call {
  /** Each id once. */
  readonly entries: ReadonlyArray<EventLog.NewEntry>
  /** Which of them stands where in what was asked. */
  readonly places: ReadonlyArray<number>
  readonly now: number
}

/**
 * From so many bytes on, a second group is written beside the first: its bodies go in before it has
 * to wait for the first one's commit. Smaller ones are better off together.
 */
const bulk = 256 * 1024

/** Up to one that has an id in common with those in front of it. */
const joining = () => {
  const ids = new Set<EventLog.EntryId>()
  return ({ entries }: Call): boolean => {
    if (entries.some(({ id }) => ids.has(id))) return false
    for (const { id } of entries) ids.add(id)
    return true
  }
}

export interface Writer {
  /** With the position of each entry, 0 for those not stored because the log is full. */
  readonly append: (
    entries: ReadonlyArray<EventLog.NewEntry>,
    now: number,
  ) => Effect.Effect<ReadonlyArray<number>, StoreError>
  /** Fails what comes, and returns once everything asked before has been answered. */
  readonly close: (end: StoreError) => Effect.Effect<void>
}

/** @param failed what it means that a write has failed */
export const makeWriter = Effect.fnUntraced(function* (
  write: Write,
  failed: (error: unknown) => Effect.Effect<never, StoreError>,
): Effect.fn.Return<Writer> {
  const commit = yield* GroupCommit.GroupCommit.make<Call, ReadonlyArray<number>>({
    place: "server",
    writes: 2,
    besideFrom: bulk,
    joining,
    write: (group) =>
      Effect.callback((resume) => {
        write({
          calls: group.map(({ entries }) => entries.length),
          times: group.map(({ now }) => now),
          entries: group.flatMap(({ entries }) => entries),
        }).then(
          (positions) => resume(Effect.succeed(answersOf(group, positions))),
          (error: unknown) => {
            const failure = failed(error)
            // Those behind have waited long enough, too, when there is no answer from the server.
            if (!isAnswer(error)) commit.refuse(failure)
            resume(failure)
          },
        )
      }),
  })
  return {
    append: (entries, now) => {
      const { size, ...call } = once(entries)
      return commit.ask({ ...call, now }, { entries: call.entries.length, bytes: size })
    },
    close: (end) => commit.close(end),
  }
})

/** Asks for each id once. */
const once = (all: ReadonlyArray<EventLog.NewEntry>) => {
  const first = new Map<EventLog.EntryId, number>()
  const entries: Array<EventLog.NewEntry> = []
  let size = 0
  const places = all.map((entry) => {
    const known = first.get(entry.id)
    if (known !== undefined) return known
    first.set(entry.id, entries.length)
    size += EventLog.sizeOf(entry)
    return entries.push(entry) - 1
  })
  return { entries, places, size }
}

const answersOf = (group: ReadonlyArray<Call>, positions: ReadonlyArray<number>) => {
  let offset = 0
  return group.map(({ entries, places }) => {
    const start = offset
    offset += entries.length
    return Effect.succeed(places.map((place) => positions[start + place] ?? 0))
  })
}
