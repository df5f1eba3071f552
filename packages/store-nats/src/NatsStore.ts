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
import * as Announcements from "./Announcements.ts"
import * as AttemptsStream from "./Attempts.ts"
import * as Connection from "./Connection.ts"
import * as CounterRows from "./Counters.ts"
import * as CursorRows from "./Cursors.ts"
import { tooSmall } from "./capacity.ts"
import * as LetterStream from "./DeadLetters.ts"
import * as DestinationRows from "./Destinations.ts"
import * as DocumentRows from "./Documents.ts"
import { warningOf } from "./Durability.ts"
import { full } from "./errors.ts"
import * as KeyRows from "./Keys.ts"
import * as Level from "./Level.ts"
import * as Log from "./Log.ts"
import * as MemberRows from "./Members.ts"
import { describe, type Options, type Settings, settingsOf } from "./Options.ts"
import { Room } from "./Room.ts"
import * as Renewal from "./renewal.ts"
import * as Schema from "./Schema.ts"
import { Stream } from "./Stream.ts"
import { Table } from "./Table.ts"

export type NatsLayer = Layer.Layer<
  Store.Store | Store.Acknowledges<"memory" | "disk" | "replicated">,
  StoreError
>

const open = Effect.fnUntraced(function* (options: Options, settings: Settings) {
  const connection = yield* Connection.open(settings, describe(options))
  const announcements = yield* Announcements.make(connection, settings.prefix)
  const layout = yield* Schema.prepare(connection, settings)
  const names = Schema.namesOf(settings.prefix)
  const subjects = Schema.subjectsOf(settings.prefix)
  const room = new Room({
    stream: new Stream(connection, names.reserve, layout.replicas),
    subject: subjects.reserve,
    maxPayload: () => connection.maxPayload,
    announce: announcements.outOfRoom,
  })
  announcements.onOutOfRoom(() => room.hearOut())
  yield* room.begin
  const bucket = new Stream(connection, names.bucket, layout.replicas, room.release)
  const table = <A>(name: string) => new Table<A>(bucket, subjects.table(name))

  const level = Level.make(describe(options), layout.partitions, layout, settings.sync)
  connection.whenMissing = Renewal.make({ connection, settings, layout, level })
  const cursorTable = table<CursorRows.CursorRow>("cursor")
  const furthestCursor = CursorRows.furthest(cursorTable, () => connection.generation)
  const probes = new Table<0>(new Stream(connection, names.bucket, layout.replicas), subjects.table("probe"))
  const { log, probe } = yield* Log.make({
    connection,
    settings,
    layout,
    bucket,
    announcements,
    level,
    room,
    probes,
    furthestCursor,
  })
  const notes = [warningOf(layout, settings.sync), yield* tooSmall(connection, settings, layout)].filter(
    (note) => note !== null,
  )
  for (const note of notes) yield* Effect.logWarning(`${describe(options)}: ${note}`)

  /** In a server that has no room left, only what helps to make some is written. */
  const inReserve = <A>(write: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.suspend(() => (room.isOut ? Effect.fail(full("the server has no room left")) : write))
  const cursors = CursorRows.make(cursorTable, () => connection.generation)
  const letters = LetterStream.make(
    new Stream(connection, names.letters, layout.replicas, room.release),
    subjects.letters,
    () => connection.maxPayload,
  )
  const attempts = AttemptsStream.make(
    new Stream(connection, names.attempts, layout.replicas),
    subjects.attempts,
  )
  const counters = CounterRows.make(table("counter"))
  const documents = DocumentRows.make(
    table("document"),
    bucket,
    subjects.table("piece"),
    () => connection.maxPayload,
  )
  return Context.make(EventLog.EventLog, log).pipe(
    Context.add(Cursors.Cursors, cursors),
    Context.add(StoreHealth.StoreHealth, {
      probe,
      examine: Effect.map(tooSmall(connection, settings, layout), (small) =>
        [level.doubt, small].flatMap((message) =>
          message === null ? [] : [{ level: "note", message } as const],
        ),
      ),
      cap: settings.maxBytes,
    }),
    Context.add(DeadLetters.DeadLetters, {
      ...letters,
      put: (put) =>
        put.every(({ destination }) => destination === DeadLetters.intake)
          ? inReserve(letters.put(put))
          : letters.put(put),
    }),
    Context.add(Attempts.Attempts, { ...attempts, append: (added) => inReserve(attempts.append(added)) }),
    Context.add(Destinations.Destinations, DestinationRows.make(table("destination"))),
    Context.add(Keys.Keys, KeyRows.make(table("key"))),
    Context.add(Counters.Counters, { ...counters, add: (counts) => inReserve(counters.add(counts)) }),
    Context.add(Documents.Documents, { ...documents, put: (document) => inReserve(documents.put(document)) }),
    Context.add(Members.Members, MemberRows.make(table("member"))),
  )
})

/**
 * Every storage port on NATS JetStream (nats-server 2.9 and newer): one stream for each partition
 * of the log, a key-value bucket and three streams more. Several processes may use it at once.
 *
 * An append is acknowledged when the stream's leader has it, with `replicas` of 3 when two of three
 * servers have it. The log declares `replicated` for three replicas on file, `disk` when {@link
 * Options.sync} says so, else `memory`, with a warning in the log; streams that are edited at run
 * time change it within seconds. Ids are known for the last 1,000 entries of a partition at least;
 * their messages are kept as long, also after they have been trimmed.
 *
 * Opening fails with a `StoreError`: `Unavailable` (no server, wrong password, missing permissions,
 * no JetStream), `Corrupt` (streams of these names that another program made) or `Incompatible` (of
 * a newer version, or of more partitions); nothing has been changed then. While the connection is
 * lost every call fails with `Unavailable`; it comes back by itself. Servers that come back with
 * less than they had acknowledged are gone on with, in a new generation of the log; so are those
 * that come back empty, where the level is `memory`. Where it is higher, every call fails with
 * `Lost` then.
 *
 * @example
 * ```ts
 * const store = layer({ servers: "127.0.0.1:4222" })
 * ```
 */
export const layer = (options: Options): NatsLayer => {
  const settings = settingsOf(options)
  return Layer.effectContext(open(options, settings)).pipe(
    Store.acknowledging<"memory" | "disk" | "replicated">(),
  )
}
