import {
  Cursors,
  DeadLetters,
  EventLog,
  Members,
  Position,
  type Store,
  type StoreError,
  StoreHealth,
} from "@millrace/core/store"
import { servers } from "@millrace/test-servers"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { onTestFinished } from "vitest"
import type { Options } from "../../src/Options.ts"
import { type Internals, layerWith } from "../../src/PostgresStore.ts"
import { dropSchema, freshSchema } from "./server.ts"

/** Options of a schema of the test's own, which goes when the test ends. */
export const freshOptions = (url = servers.postgres): Required<Pick<Options, "url" | "schema">> => {
  const schema = freshSchema()
  onTestFinished(() => dropSchema(schema, url), 60_000)
  return { url, schema }
}

export interface Ports {
  readonly log: EventLog.EventLog["Service"]
  readonly cursors: Cursors.Cursors["Service"]
  readonly deadLetters: DeadLetters.DeadLetters["Service"]
  readonly members: Members.Members["Service"]
  readonly health: StoreHealth.StoreHealth["Service"]
}

export const open = (
  options: Options,
  internals: Internals = {},
): Effect.Effect<Ports, StoreError, Scope.Scope> =>
  Effect.map(
    Layer.build(Layer.fresh(layerWith(options, internals))),
    (context: Context.Context<Store.Store>) => ({
      log: Context.get(context, EventLog.EventLog),
      cursors: Context.get(context, Cursors.Cursors),
      deadLetters: Context.get(context, DeadLetters.DeadLetters),
      members: Context.get(context, Members.Members),
      health: Context.get(context, StoreHealth.StoreHealth),
    }),
  )

export const run = <A, E>(body: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(body))

/** How opening fails. */
export const openingFails = (options: Options, internals: Internals = {}): Promise<StoreError> =>
  run(Effect.flip(open(options, internals)))

export const idOf = (number: number): string => number.toString(16).padStart(32, "0")

export const numberOf = ({ id }: EventLog.NewEntry): number => Number.parseInt(id, 16)

export const entry = (number: number, size = 100): EventLog.NewEntry => ({
  id: idOf(number),
  events: 1,
  envelope: JSON.stringify({ number }),
  body: new Uint8Array(size).fill(number),
})

/** Reads on after a position until there are so many, waiting for them. */
export const follow = Effect.fnUntraced(function* (
  log: EventLog.EventLog["Service"],
  count: number,
  after: Position.Position = Position.origin,
) {
  const seen: Array<EventLog.LogEntry> = []
  while (seen.length < count) {
    const last = seen.at(-1)?.position ?? after
    yield* log.wait(0, last)
    seen.push(...(yield* log.read(0, last, { maxEntries: 1000, maxBytes: 1 << 24 })))
  }
  return seen
})

/**
 * The positions of a log by the numbers of its entries: it is in its first generation, but for the
 * one that sets it apart from others.
 */
export const numbered = (log: EventLog.EventLog["Service"]) =>
  Effect.map(log.bounds(0), ({ head }) => {
    const prefix = Position.prefixOf(Position.parse(head)?.generation ?? 0)
    return (number: number): Position.Position => Position.of(prefix, number)
  })
