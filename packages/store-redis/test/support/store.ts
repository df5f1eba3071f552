import { randomUUID } from "node:crypto"
import {
  Counters,
  Cursors,
  DeadLetters,
  Destinations,
  EventLog,
  Members,
  type Position,
  type Store,
  type StoreError,
  StoreHealth,
} from "@millrace/core/store"
import { layer, type Options } from "@millrace/store-redis"
import { servers } from "@millrace/test-servers"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { onTestFinished } from "vitest"
import { removeKeys } from "./server.ts"

/**
 * Options of a store of the test's own on the server that runs already; its keys go when the test
 * ends.
 */
export const freshOptions = (): Options & { readonly prefix: string } => {
  const prefix = `test-${randomUUID()}`
  onTestFinished(() => removeKeys(prefix))
  return { url: servers.redis, prefix }
}

export interface Ports {
  readonly log: EventLog.EventLog["Service"]
  readonly cursors: Cursors.Cursors["Service"]
  readonly deadLetters: DeadLetters.DeadLetters["Service"]
  readonly destinations: Destinations.Destinations["Service"]
  readonly counters: Counters.Counters["Service"]
  readonly members: Members.Members["Service"]
  readonly health: StoreHealth.StoreHealth["Service"]
}

const portsOf = (context: Context.Context<Store.Store>): Ports => ({
  log: Context.get(context, EventLog.EventLog),
  cursors: Context.get(context, Cursors.Cursors),
  deadLetters: Context.get(context, DeadLetters.DeadLetters),
  destinations: Context.get(context, Destinations.Destinations),
  counters: Context.get(context, Counters.Counters),
  members: Context.get(context, Members.Members),
  health: Context.get(context, StoreHealth.StoreHealth),
})

/** Opens a store until the surrounding scope closes. */
export const open = (options: Options): Effect.Effect<Ports, StoreError, Scope.Scope> =>
  Effect.map(Layer.build(Layer.fresh(layer(options))), portsOf)

/** Runs a test's body, and gives what it has logged. */
export const run = async (
  body: Effect.Effect<void, unknown, Scope.Scope>,
): Promise<ReadonlyArray<string>> => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => {
    lines.push(String(message))
  })
  await Effect.runPromise(Effect.scoped(body).pipe(Effect.provide(Logger.layer([logger]))))
  return lines
}

/** How opening a store fails. */
export const openingFails = (options: Options): Promise<StoreError> =>
  Effect.runPromise(Effect.flip(Effect.scoped(open(options))))

const idOf = (number: number): string => number.toString(16).padStart(32, "0")

export const entry = (number: number, size = 100): EventLog.NewEntry => ({
  id: idOf(number),
  events: 1,
  envelope: JSON.stringify({ number }),
  body: new Uint8Array(size).fill(number),
})

export const entries = (from: number, to: number): ReadonlyArray<EventLog.NewEntry> =>
  Array.from({ length: to - from + 1 }, (_, index) => entry(from + index))

/** Everything kept, as the number of each entry with its position. */
export const readAll = Effect.fnUntraced(function* (log: EventLog.EventLog["Service"]) {
  const found: Array<readonly [number: number, position: Position.Position]> = []
  let after: Position.Position = (yield* log.bounds(0)).tail
  for (;;) {
    const page = yield* log.read(0, after, { maxEntries: 1000, maxBytes: 1 << 20 })
    const last = page.at(-1)
    if (last === undefined) return found
    found.push(...page.map(({ id, position }) => [Number.parseInt(id, 16), position] as const))
    after = last.position
  }
})

/** Asks until something holds, and in between lets others run: a server takes the time it takes. */
export const until = <A>(
  ask: Effect.Effect<A, StoreError>,
  holds: (answer: { readonly value?: A; readonly error?: StoreError }) => boolean,
): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (;;) {
      const answer = yield* Effect.match(ask, {
        onSuccess: (value) => ({ value }),
        onFailure: (error) => ({ error }),
      })
      if (holds(answer)) return
      yield* Effect.sleep("20 millis")
    }
  })
