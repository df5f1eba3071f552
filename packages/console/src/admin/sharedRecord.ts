/**
 * A list that processes which share a store keep together, as one document of it, though documents
 * know no compare-and-set: two that write at the same time may each write over what the other has
 * added.
 *
 * So each keeps its own rows at hand until they are known to be safe. A row is safe once it is
 * still in the document {@link settleAfter} after it was put there: whoever had read the document
 * before has written by then, and whoever reads it later keeps what is in it. What is missing then
 * is put once more.
 */

import type { StoreError } from "@millrace/core"
import { quietSleep } from "@millrace/core/host"
import type { Documents } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"

interface Row {
  readonly id: string
  /** ms since the epoch. */
  readonly at: number
}

interface Options<A extends Row> {
  /** Names the document. */
  readonly name: string
  readonly row: Schema.Codec<A, unknown>
  /** Which rows are kept, of all in the order of their times. */
  readonly keep: (rows: ReadonlyArray<A>, now: number) => ReadonlyArray<A>
}

export interface SharedRecord<A> {
  /** Fails when it is not in the store: it is put there later then, if that is soon possible. */
  readonly add: (row: A) => Effect.Effect<void, StoreError>
  /** All rows, the oldest first; those of this process at once. */
  readonly list: Effect.Effect<ReadonlyArray<A>, StoreError>
}

/** ms. Far longer than a store takes to read a document and write it. */
const settleAfter = 5_000

/** How long it is tried to have a row in the store, in ms. */
const triedFor = 60 * settleAfter

/**
 * When the document is said to be saved, so that it is never the oldest one: a store drops that
 * when it has too many.
 */
const savedLast = Date.UTC(2200, 0)

const order = (a: Row, b: Row): number => a.at - b.at || (a.id < b.id ? -1 : 1)

export const make = <A extends Row>(
  documents: Documents.Documents["Service"],
  { name, row, keep }: Options<A>,
): SharedRecord<A> => {
  const decode = Schema.decodeUnknownResult(Schema.Array(row))
  /** Those of this process that are not known to be safe, oldest first. */
  let own: ReadonlyArray<A> = []
  let isSettling = false
  const writing = Semaphore.makeUnsafe(1)

  const read = (document: Documents.Document | null): ReadonlyArray<A> => {
    if (document === null) return []
    const decoded = Result.flatMap(
      Result.try(() => JSON.parse(new TextDecoder().decode(document.body)) as unknown),
      decode,
    )
    // One of another version: it is begun anew.
    return Result.isSuccess(decoded) ? decoded.success : []
  }

  const kept = Effect.map(documents.get(name), read)

  const withOwn = Effect.gen(function* () {
    const all = [...(yield* kept), ...own].map((one) => [one.id, one] as const)
    return keep([...new Map(all).values()].sort(order), yield* Clock.currentTimeMillis)
  })

  const write = Effect.gen(function* () {
    const body = new TextEncoder().encode(JSON.stringify(yield* withOwn))
    yield* documents.put({ name, savedAt: savedLast, meta: "", body })
  }).pipe(writing.withPermits(1))

  /** Looks whether what was put is still there. */
  const look = Effect.fnUntraced(function* (begun: ReadonlyArray<A>) {
    const there = new Set((yield* kept).map(({ id }) => id))
    if (begun.some(({ id }) => !there.has(id))) yield* write
    else own = own.filter((one) => !begun.includes(one))
  })

  /** Until all of its own are safe. A store that fails has others to say so. */
  const settle: Effect.Effect<void> = Effect.gen(function* () {
    while (own.length > 0) {
      const begun = own
      yield* quietSleep(settleAfter)
      yield* Effect.ignore(look(begun))
      const now = yield* Clock.currentTimeMillis
      own = own.filter(({ at }) => now - at < triedFor)
    }
  }).pipe(
    Effect.ensuring(
      Effect.sync(() => {
        isSettling = false
      }),
    ),
  )

  return {
    add: Effect.fnUntraced(function* (added) {
      own = keep([...own, added], yield* Clock.currentTimeMillis)
      if (!isSettling) {
        isSettling = true
        yield* Effect.forkDetach(settle)
      }
      yield* write
    }),
    list: withOwn,
  }
}
