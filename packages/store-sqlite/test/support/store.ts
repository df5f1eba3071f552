import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  Counters,
  Cursors,
  DeadLetters,
  EventLog,
  Members,
  type Position,
  type Store,
  type StoreError,
  StoreHealth,
} from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { onTestFinished } from "vitest"
import { type Database, openDatabase, type Row } from "../../src/driver.ts"
import { type Internals, layerWith, type Options } from "../../src/SqliteStore.ts"

/** A path in a directory of the test's own, which goes when the test ends. */
export const freshPath = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-sqlite-"))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return join(directory, "millrace.db")
}

const open = (
  path: string,
  options: Omit<Options, "path"> & Internals = {},
): Effect.Effect<Context.Context<Store.Store>, StoreError, Scope.Scope> =>
  Layer.build(layerWith({ path, ...options }, options))

/** What was logged: the message, and what it says besides. */
export interface Logged {
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

const logInto = (lines: Array<Logged>) =>
  Logger.layer([
    Logger.map(Logger.formatStructured, ({ message, annotations }) => {
      lines.push({ message: String(message), fields: annotations })
    }),
  ])

/** Opens a store for the time of a test's body. */
export const withStore = <A, E>(
  path: string,
  body: (ports: {
    readonly log: EventLog.EventLog["Service"]
    readonly cursors: Cursors.Cursors["Service"]
    readonly deadLetters: DeadLetters.DeadLetters["Service"]
    readonly counters: Counters.Counters["Service"]
    readonly members: Members.Members["Service"]
    readonly health: StoreHealth.StoreHealth["Service"]
  }) => Effect.Effect<A, E, Scope.Scope>,
  options?: Omit<Options, "path"> & Internals,
  lines?: Array<Logged>,
): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(open(path, options), (context) =>
        body({
          log: Context.get(context, EventLog.EventLog),
          cursors: Context.get(context, Cursors.Cursors),
          deadLetters: Context.get(context, DeadLetters.DeadLetters),
          counters: Context.get(context, Counters.Counters),
          members: Context.get(context, Members.Members),
          health: Context.get(context, StoreHealth.StoreHealth),
        }),
      ),
    ).pipe(lines === undefined ? (effect) => effect : Effect.provide(logInto(lines))),
  )

/** How opening a file fails. */
export const openingFails = (path: string, options: Internals = {}): Promise<StoreError> =>
  Effect.runPromise(Effect.flip(Effect.scoped(open(path, options))))

const idOf = (number: number): string => number.toString(16).padStart(32, "0")

export const entry = (number: number, size = 100): EventLog.NewEntry => ({
  id: idOf(number),
  events: 1,
  envelope: JSON.stringify({ number }),
  body: new Uint8Array(size).fill(number),
})

/** The numbers of all entries kept, in order. */
export const readNumbers = Effect.fnUntraced(function* (log: EventLog.EventLog["Service"]) {
  const numbers: Array<number> = []
  let after: Position.Position = (yield* log.bounds(0)).tail
  for (;;) {
    const page = yield* log.read(0, after, { maxEntries: 1000, maxBytes: 1 << 20 })
    const last = page.at(-1)
    if (last === undefined) return numbers
    numbers.push(...page.map(({ id }) => Number.parseInt(id, 16)))
    after = last.position
  }
})

/** Lets a connection of the test's own do something to a file. */
export const perform = (path: string, sql: string): void => {
  const database = openDatabase(path, false, 5_000)
  try {
    database.exec(sql)
  } finally {
    database.close()
  }
}

/** A connection of the test's own to a file, closed when the test ends. */
export const connect = (path: string): Database => {
  const database = openDatabase(path, false, 0)
  let open = true
  onTestFinished(() => {
    if (open) database.close()
  })
  return {
    get isTransaction() {
      return database.isTransaction
    },
    exec: (sql) => database.exec(sql),
    function: (name, options, body) => database.function(name, options, body),
    prepare: (sql) => database.prepare(sql),
    close: () => {
      open = false
      database.close()
    },
  }
}

export const query = (database: Database, sql: string): Row => database.prepare(sql).get() ?? {}
