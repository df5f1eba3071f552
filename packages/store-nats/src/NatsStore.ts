import {
  Attempts,
  Counters,
  Cursors,
  DeadLetters,
  Destinations,
  EventLog,
  Keys,
  Members,
  Store,
  type StoreError,
  StoreHealth,
} from "@millrace/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Announcements from "./Announcements.ts"
import * as AttemptsStream from "./Attempts.ts"
import * as Connection from "./Connection.ts"
import * as CounterRows from "./Counters.ts"
import * as CursorRows from "./Cursors.ts"
import * as LetterStream from "./DeadLetters.ts"
import * as DestinationRows from "./Destinations.ts"
import { warningOf } from "./Durability.ts"
import * as KeyRows from "./Keys.ts"
import * as Level from "./Level.ts"
import * as Log from "./Log.ts"
import * as MemberRows from "./Members.ts"
import { describe, type Options, type Settings, settingsOf } from "./Options.ts"
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
  const stream = (name: string) => new Stream(connection, name, layout.replicas)
  const bucket = stream(names.bucket)
  const table = <A>(name: string) => new Table<A>(bucket, subjects.table(name))

  const level = Level.make(describe(options), layout.partitions, layout, settings.sync)
  const log = yield* Log.make({ connection, settings, layout, bucket, announcements, level })
  const warning = warningOf(layout, settings.sync)
  if (warning !== null) yield* Effect.logWarning(`${describe(options)}: ${warning}`)

  const cursors = CursorRows.make(table("cursor"))
  return Context.make(EventLog.EventLog, log).pipe(
    Context.add(Cursors.Cursors, cursors),
    Context.add(StoreHealth.StoreHealth, StoreHealth.byCursors(cursors)),
    Context.add(
      DeadLetters.DeadLetters,
      LetterStream.make(stream(names.letters), subjects.letters, () => connection.maxPayload),
    ),
    Context.add(Attempts.Attempts, AttemptsStream.make(stream(names.attempts), subjects.attempts)),
    Context.add(Destinations.Destinations, DestinationRows.make(table("destination"))),
    Context.add(Keys.Keys, KeyRows.make(table("key"))),
    Context.add(Counters.Counters, CounterRows.make(table("counter"))),
    Context.add(Members.Members, MemberRows.make(table("member"))),
  )
})

/**
 * Every storage port on NATS JetStream (nats-server 2.9 and newer): one stream for each partition of the log, a key-value
 * bucket and two streams more. Several processes may use it at once.
 *
 * An append is acknowledged when the stream's leader has it, with `replicas` of 3 when two of three servers have it. The log
 * declares `replicated` for three replicas on file, `disk` when {@link Options.sync} says so, else `memory`, with a warning in
 * the log; streams that are edited at run time change it within seconds. Ids are known for the last 1,000 entries of a partition at least; their messages are kept as long, also after
 * they have been trimmed.
 *
 * Opening fails with a `StoreError`: `Unavailable` (no server, wrong password, missing permissions, no JetStream), `Corrupt`
 * (streams of these names that another program made) or `Incompatible` (of a newer version, or of more partitions); nothing has
 * been changed then. While the connection is lost every call fails with `Unavailable`; it comes back by itself.
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
