import {
  Attempts,
  Counters,
  Cursors,
  DeadLetters,
  Destinations,
  Documents,
  EventLog,
  GroupCommit,
  Keys,
  Members,
  Store,
  type StoreError,
  StoreHealth,
} from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { Connection, canBeLost } from "./Connection.ts"
import { fromPromise } from "./effects.ts"
import { Head } from "./Head.ts"
import { type Options, parse, type Settings } from "./Options.ts"
import { attempts } from "./ports/Attempts.ts"
import { counters } from "./ports/Counters.ts"
import { cursors } from "./ports/Cursors.ts"
import { deadLetters } from "./ports/DeadLetters.ts"
import { destinations } from "./ports/Destinations.ts"
import { documents } from "./ports/Documents.ts"
import { eventLog } from "./ports/EventLog.ts"
import { apiKeys } from "./ports/Keys.ts"
import { members } from "./ports/Members.ts"
import { type Caps, storeHealth } from "./ports/StoreHealth.ts"
import { type Appending, Writer } from "./Writer.ts"

/** A store in use. */
interface Opened {
  readonly connection: Connection
  readonly head: Head
  readonly writers: ReadonlyArray<Appending>
  readonly caps: Caps
}

const open = Effect.fnUntraced(function* (settings: Settings) {
  const connection = yield* fromPromise(() => Connection.open(settings))
  const log = Effect.runForkWith(yield* Effect.context<never>())
  connection.onSafetyChanged = (isWorse, text) => {
    log(isWorse ? Effect.logWarning(text) : Effect.logInfo(text))
  }
  const head = new Head(connection)
  head.onLess = ({ what, ...less }) => {
    const text =
      what === "everything"
        ? "the store was emptied, and is begun anew: what was in it is gone"
        : "the log has come back with less than it had given, and goes on in a new generation"
    log(Effect.annotateLogs(Effect.logWarning(`${settings.name}: ${text}`), { ...less }))
  }
  const backlog = new GroupCommit.Backlog()
  const { partitions } = connection
  const caps = { logBytes: settings.maxBytes, maxBytes: Math.floor(settings.maxBytes / partitions) }
  const writers = yield* Effect.forEach(Array.from({ length: partitions }).keys(), (partition) =>
    Writer.make(connection, head, backlog, { partition, ...caps }),
  )
  return { connection, head, writers, caps }
})

/**
 * What was asked before is answered first; a server that does not answer is given up after the time
 * of a request.
 */
const close = ({ connection, head, writers }: Opened): Effect.Effect<void> =>
  Effect.gen(function* () {
    head.close()
    yield* Effect.forEach(writers, (writer) => writer.close, { concurrency: "unbounded", discard: true })
    connection.close()
  })

const warningsOf = ({ name }: Settings, { connection }: Opened): ReadonlyArray<string> => {
  const { safety, small } = connection
  return [safety.doubt === null ? null : canBeLost(safety.doubt), small].flatMap((text) =>
    text === null ? [] : [`${name}: ${text}`],
  )
}

const warn = (settings: Settings, opened: Opened): Effect.Effect<void> =>
  Effect.forEach(warningsOf(settings, opened), (text) => Effect.logWarning(text), { discard: true })

/**
 * Every storage port on one Redis server, 6.2 or later, in streams and hashes whose keys begin with
 * `{prefix}:`. Any number of processes may have it open at once.
 *
 * An append is acknowledged once the server has answered: what that has survived depends on the
 * server's own settings. With `appendonly yes` and `appendfsync always` it is a sync of its disk,
 * and `durability` says `disk`; with any others, `memory`, and a warning is logged at opening. The
 * settings are asked for every two seconds: `durability` says what holds now, and a warning is
 * logged when that is less. While the server evicts keys it takes no appends. A server that is made
 * a replica is left for the one that takes writes. One whose memory is used up is `Full`: it drops
 * what is delivered, and goes on with everything but appends.
 *
 * Opening fails with a `StoreError`: `Unavailable` (no connection, wrong password, missing
 * privileges, a replica, a server that evicts keys), `Corrupt` (keys of another program, or damaged
 * ones) or `Incompatible` (written by a newer version, or with another number of partitions);
 * nothing has been changed then. When the connection is lost, every call fails with `Unavailable`
 * until it is there again. A server that comes back with less than it had acknowledged, or a
 * replica that takes over and was behind, is gone on with: a generation of the log begins, and
 * positions of what is lost are outside it. So is one that comes back emptied, where it had
 * acknowledged at level `memory`; where it was `disk`, every call fails with `Lost` until the
 * process is started again.
 *
 * Throws a `RangeError` for options that are wrong.
 *
 * @example
 * ```ts
 * const store = layer({ url: "redis://localhost:6379" })
 * ```
 */
export const layer = (
  options: Options,
): Layer.Layer<Store.Store | Store.Acknowledges<"memory" | "disk">, StoreError> => {
  const parsed = parse(options)
  if (Result.isFailure(parsed)) throw new RangeError(parsed.failure)
  const settings = parsed.success
  return Layer.effectContext(
    Effect.map(
      Effect.acquireRelease(open(settings), close).pipe(
        Effect.tap((opened) => warn(settings, opened)),
        Effect.tap(({ connection }) => Effect.forkScoped(connection.keeping)),
        Effect.tap(({ head }) => Effect.forkScoped(head.looking)),
      ),
      ({ connection, head, writers, caps }) =>
        Context.make(EventLog.EventLog, eventLog(connection, head, writers)).pipe(
          Context.add(Cursors.Cursors, cursors(connection)),
          Context.add(StoreHealth.StoreHealth, storeHealth(connection, caps)),
          Context.add(DeadLetters.DeadLetters, deadLetters(connection)),
          Context.add(Attempts.Attempts, attempts(connection)),
          Context.add(Destinations.Destinations, destinations(connection)),
          Context.add(Keys.Keys, apiKeys(connection)),
          Context.add(Counters.Counters, counters(connection)),
          Context.add(Documents.Documents, documents(connection)),
          Context.add(Members.Members, members(connection)),
        ),
    ),
  ).pipe(Store.acknowledging<"memory" | "disk">())
}
