/**
 * The record of who has changed what. It is one document of the store, which every process that
 * shares the store adds to, though documents know no compare-and-set: two that write at the same
 * time may each write over what the other has added.
 *
 * So each keeps its own changes at hand until they are known to be safe. A change is safe once it
 * is still in the document {@link settleAfter} after it was put there: whoever had read the
 * document before has written by then, and whoever reads it later keeps what is in it. What is
 * missing then is put once more.
 */

import type { StoreError } from "@millrace/core"
import { quietSleep } from "@millrace/core/host"
import type { Documents } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"

export const Change = Schema.Struct({
  id: Schema.String,
  /** ms since the epoch. */
  at: Schema.Finite,
  /** A token by its id, somebody by the host's name for them, or "command". */
  who: Schema.String,
  /** The action's path. */
  did: Schema.String,
  /** What it was done to, by its id. */
  what: Schema.NullOr(Schema.String),
  /** What was asked and answered, and what the store had before and after: cut, without secrets. */
  detail: Schema.JsonObject,
}).annotate({ identifier: "Change", description: "What somebody has changed." })

export type Change = typeof Change.Type

/** As many as somebody reads who looks for what has happened. */
const maxChanges = 200

/** Far longer than a store takes to read a document and write it. */
const settleAfter = 5_000

const name = "console/changes"

/**
 * When the document is said to be saved, so that it is never the oldest one: a store drops that
 * when it has too many.
 */
const savedLast = Date.UTC(2200, 0)

const decode = Schema.decodeUnknownResult(Schema.Array(Change))

const read = (document: Documents.Document | null): ReadonlyArray<Change> => {
  if (document === null) return []
  const decoded = Result.flatMap(
    Result.try(() => JSON.parse(new TextDecoder().decode(document.body)) as unknown),
    decode,
  )
  // One of another version: it is begun anew.
  return Result.isSuccess(decoded) ? decoded.success : []
}

const order = (a: Change, b: Change): number => a.at - b.at || (a.id < b.id ? -1 : 1)

const union = (a: ReadonlyArray<Change>, b: ReadonlyArray<Change>): ReadonlyArray<Change> =>
  [...new Map([...a, ...b].map((change) => [change.id, change])).values()].sort(order).slice(-maxChanges)

export interface Changes {
  /** Puts one on record. */
  readonly add: (change: Change) => Effect.Effect<void, StoreError>
  /** The last ones, newest first. */
  readonly list: Effect.Effect<ReadonlyArray<Change>, StoreError>
}

export const make = (documents: Documents.Documents["Service"]): Changes => {
  /** Those of this process that are not known to be safe, oldest first. */
  let own: ReadonlyArray<Change> = []
  let isSettling = false
  const writing = Semaphore.makeUnsafe(1)

  const kept = Effect.map(documents.get(name), read)

  const write = Effect.gen(function* () {
    const changes = union(yield* kept, own)
    const body = new TextEncoder().encode(JSON.stringify(changes))
    yield* documents.put({ name, savedAt: savedLast, meta: "", body })
  }).pipe(writing.withPermits(1))

  /** Until all of its own are safe. A store that fails has others to say so. */
  const settle: Effect.Effect<void> = Effect.gen(function* () {
    while (own.length > 0) {
      const begun = own
      yield* quietSleep(settleAfter)
      const there = new Set((yield* kept).map(({ id }) => id))
      const now = yield* Clock.currentTimeMillis
      const missing = begun.some(({ id, at }) => !there.has(id) && now - at < 60 * settleAfter)
      if (missing) yield* write
      else own = own.filter((change) => !begun.includes(change))
    }
  }).pipe(
    Effect.ignore,
    Effect.ensuring(
      Effect.sync(() => {
        isSettling = false
      }),
    ),
  )

  return {
    add: Effect.fnUntraced(function* (change) {
      own = [...own, change].slice(-maxChanges)
      yield* write
      if (isSettling) return
      isSettling = true
      yield* Effect.forkDetach(settle)
    }),
    list: Effect.map(kept, (changes) => union(changes, own).toReversed()),
  }
}
