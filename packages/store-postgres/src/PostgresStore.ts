import {
  Attempts,
  Counters,
  Cursors,
  DeadLetters,
  Destinations,
  Documents,
  EventLog,
  Keys,
  Members,
  Store,
  type StoreError,
  StoreHealth,
} from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { PoolClient } from "pg"
import { Database } from "./Database.ts"
import { fullServer, lost } from "./errors.ts"
import { openLog } from "./Log.ts"
import { type Migration, migrations } from "./migrations/index.ts"
import { describe, type Options, settingsOf } from "./Options.ts"
import { health } from "./probe.ts"
import { Room } from "./Room.ts"
import { isGone, prepare } from "./Schema.ts"
import { attempts } from "./tables/Attempts.ts"
import { counters } from "./tables/Counters.ts"
import { cursors } from "./tables/Cursors.ts"
import { deadLetters } from "./tables/DeadLetters.ts"
import { destinations } from "./tables/Destinations.ts"
import { documents } from "./tables/Documents.ts"
import { keys } from "./tables/Keys.ts"
import { members } from "./tables/Members.ts"

/** What only tests set. */
export interface Internals {
  /** What the schema is made with. */
  readonly migrations?: ReadonlyArray<Migration>
  /** What one segment of the log holds before the next one is begun. */
  readonly segmentBytes?: number
}

/** Making a schema may take longer than any call, and waits for others that make it. */
const preparationTime = 60_000

/**
 * Segments of the ring's eight: one may be half full, one is being emptied. What is trimmed, but
 * still takes room, is a sixth of the cap.
 */
const segmentsInUse = 6

const smallestSegment = 1024 * 1024

const open = Effect.fnUntraced(function* (options: Options, internals: Internals) {
  const settings = settingsOf(options)
  const place = describe(options)
  const database = yield* Effect.acquireRelease(
    Effect.sync(() => new Database(settings, place)),
    (opened) => Effect.promise(() => opened.close()),
  )
  yield* Effect.forkScoped(database.watching)
  yield* database.use(
    (client) => prepare(client, settings.schema, place, internals.migrations ?? migrations),
    Math.max(preparationTime, settings.requestTimeout),
  )
  const { durability } = yield* database.one<{ durability: EventLog.Durability }>(
    `SELECT ${database.schema}.durability() AS durability`,
  )
  if (durability === "memory") {
    yield* Effect.logWarning(
      `${place}: fsync is off: what is acknowledged may be lost with the server. Set fsync = on in its configuration`,
    )
  }
  yield* database.use((client) => database.lineage.enter(client))
  const runFork = Effect.runForkWith(yield* Effect.context())
  const renew = async (client: PoolClient): Promise<void> => {
    // Somebody else may have made it again meanwhile; what is missing of one that is there stays
    // so.
    if (!(await isGone(client, settings.schema))) return
    if (durability !== "memory") {
      const end = lost(place, durability)
      database.giveUp(end)
      throw end
    }
    // What an accident of the server was not to survive may go at any time.
    await prepare(client, settings.schema, place, internals.migrations ?? migrations)
    database.lineage.renewed()
    runFork(Effect.logWarning(`${place}: the store was emptied, and is begun anew: what was in it is gone`))
  }
  let renewing: Promise<void> | undefined
  database.whenMissing = (client) => {
    renewing ??= renew(client).finally(() => {
      renewing = undefined
    })
    return renewing
  }
  const segmentBytes =
    internals.segmentBytes ?? Math.max(Math.ceil(settings.maxBytes / segmentsInUse), smallestSegment)
  const limits = { durability, maxBytes: settings.maxBytes, segmentBytes }
  const room = new Room(database)
  database.whenFull = () => room.release()
  yield* database.attempt(() => room.begin())
  /** On a disk that is full, only what helps to make room is written. */
  const unlessFull = <A>(write: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.suspend(() => (room.isOut ? Effect.fail(fullServer()) : write))
  const letters = deadLetters(database)
  const tried = attempts(database)
  const counted = counters(database)
  const kept = documents(database)
  const log = yield* openLog(database, settings, { limits, room }, place)
  return Context.make(EventLog.EventLog, log).pipe(
    Context.add(Cursors.Cursors, cursors(database)),
    Context.add(StoreHealth.StoreHealth, health(database, limits, room)),
    Context.add(DeadLetters.DeadLetters, {
      ...letters,
      put: (put) =>
        put.every(({ destination }) => destination === DeadLetters.intake)
          ? unlessFull(letters.put(put))
          : letters.put(put),
    }),
    Context.add(Attempts.Attempts, { ...tried, append: (added) => unlessFull(tried.append(added)) }),
    Context.add(Destinations.Destinations, destinations(database)),
    Context.add(Keys.Keys, keys(database)),
    Context.add(Counters.Counters, { ...counted, add: (counts) => unlessFull(counted.add(counts)) }),
    Context.add(Documents.Documents, { ...kept, put: (document) => unlessFull(kept.put(document)) }),
    Context.add(Members.Members, members(database)),
  )
})

export type PostgresLayer = Layer.Layer<
  Store.Store | Store.Acknowledges<"memory" | "disk" | "replicated">,
  StoreError
>

/** {@link layer}, with what tests set. */
export const layerWith = (options: Options, internals: Internals): PostgresLayer => {
  settingsOf(options)
  return Layer.effectContext(open(options, internals)).pipe(
    Store.acknowledging<"memory" | "disk" | "replicated">(),
  )
}

/**
 * Every storage port in one PostgreSQL database, which several processes share: 12 and later, with
 * nothing to install. It works behind a pooler that deals connections by transaction.
 *
 * Opening makes the schema when it is not there, or upgrades it, and fails with a `StoreError`:
 * `Unavailable` (no connection, wrong password, a privilege missing), `Incompatible` (made by a
 * newer version) or `Corrupt` (tables of somebody else); nothing has been changed then. What an
 * append has survived when it is acknowledged is what the server's settings say: `disk`, with
 * synchronous standbys `replicated`, with `fsync` off `memory`. From when on they say less, appends
 * fail.
 *
 * A server whose disk is full takes no appends: what is delivered goes first, and two megabytes are
 * kept for cursors, heartbeats and for making room. That does not help where the write-ahead log is
 * on the disk that is full: the server ends then, by itself.
 *
 * A server that comes back with less than it had acknowledged is gone on with, in a new generation
 * of the log. So is one whose schema is gone, where the level is `memory`; where it is higher,
 * every call fails with `Lost` then.
 *
 * @throws RangeError when an option is wrong
 *
 * @example
 * ```ts
 * const store = layer({ url: "postgres://millrace:secret@localhost/app", schema: "millrace" })
 * ```
 */
export const layer = (options: Options): PostgresLayer => layerWith(options, {})
