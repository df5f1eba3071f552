import {
  Attempts,
  Cursors,
  DeadLetters,
  Destinations,
  EventLog,
  Members,
  Position,
  StoreHealth,
} from "@millrace/core/store"
import { layer, type Options } from "@millrace/store-nats"
import { describeServer, startNats } from "@millrace/test-servers"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import { expect, it, onTestFinished } from "vitest"
import { hostOf, newPrefix, quietLayer } from "./place.ts"

const mebibyte = 1024 * 1024

const size = mebibyte / 4

const smallServer = async (): Promise<Options> => {
  const server = await startNats({ jetstream: "max_file_store: 10MB" })
  onTestFinished(() => server.dispose())
  return { servers: hostOf(server.url), prefix: newPrefix() }
}

const open = (options: Options) =>
  Effect.map(Layer.build(Layer.fresh(quietLayer(options))), (context) => ({
    log: Context.get(context, EventLog.EventLog),
    cursors: Context.get(context, Cursors.Cursors),
    members: Context.get(context, Members.Members),
    destinations: Context.get(context, Destinations.Destinations),
    deadLetters: Context.get(context, DeadLetters.DeadLetters),
    attempts: Context.get(context, Attempts.Attempts),
    health: Context.get(context, StoreHealth.StoreHealth),
  }))

const run = (body: Effect.Effect<void, unknown, Scope.Scope>): Promise<void> =>
  Effect.runPromise(Effect.scoped(body))

const entry = (number: number): EventLog.NewEntry => ({
  id: number.toString(16).padStart(32, "0"),
  events: 1,
  envelope: "{}",
  body: new Uint8Array(size),
})

/** Appends until the server takes no more. Returns the positions of what it took. */
const fill = Effect.fnUntraced(function* (log: EventLog.EventLog["Service"], from = 1) {
  const positions: Array<Position.Position> = []
  for (let number = from; ; number++) {
    const taken = yield* Effect.result(log.append([entry(number)]))
    if (taken._tag === "Failure") {
      expect(taken.failure.reason._tag).toBe("Full")
      return positions
    }
    positions.push(taken.success[0] ?? Position.origin)
  }
})

const readAll = Effect.fnUntraced(function* (log: EventLog.EventLog["Service"]) {
  const found: Array<number> = []
  let after = (yield* log.bounds(0)).tail
  for (;;) {
    const page = yield* log.read(0, after, { maxEntries: 1000, maxBytes: mebibyte })
    const last = page.at(-1)
    if (last === undefined) return found
    found.push(...page.map(({ id }) => Number.parseInt(id, 16)))
    after = last.position
  }
})

const letter = (destination: string): DeadLetters.DeadLetter => ({
  destination,
  eventId: "event",
  reason: "refused",
  message: "422",
  status: 422,
  deadAt: Date.now(),
  receivedAt: 0,
  eventName: "page_view",
  event: "{}",
  replayedAt: null,
})

const attempt: Attempts.Attempt = {
  destination: "x",
  webhookId: "w",
  startedAt: 0,
  duration: 1,
  events: 1,
  bytes: 1,
  outcome: "not-now",
  status: 503,
  error: null,
  wait: null,
  waitReason: null,
}

const patience = 60_000

describeServer("nats", "a server with less room than the log's cap", () => {
  it(
    "full of what is pending, can be opened, read and drained, and takes events again",
    async () => {
      const options = await smallServer()
      await run(
        Effect.gen(function* () {
          const { log, cursors } = yield* open(options)
          const { epoch } = yield* cursors.acquire("a/0")
          const taken = yield* fill(log)
          expect(taken.length).toBeGreaterThan(25)

          // A process that comes now: everything but intake works.
          const later = yield* open(options)
          expect((yield* Effect.flip(later.health.probe)).reason._tag).toBe("Full")
          expect(yield* readAll(later.log)).toHaveLength(taken.length)
          expect(yield* later.members.beat("me", 60_000)).toEqual(["me"])
          const half = Math.floor(taken.length / 2)
          const released = taken[half - 1] ?? Position.origin
          const record = { position: released, index: 0, state: "{}" }
          expect(yield* cursors.save([{ name: "a/0", epoch, record }])).toEqual(["saved"])
          yield* later.destinations.put({ id: "x", config: null, disabled: null, createdAt: 0 })
          yield* later.deadLetters.put([letter("x")])
          // What helps nothing out is not written.
          for (const write of [
            later.log.append([entry(999)]),
            later.deadLetters.put([letter(DeadLetters.intake)]),
            later.attempts.append([attempt]),
          ]) {
            expect((yield* Effect.flip(Effect.asVoid(write))).reason._tag).toBe("Full")
          }

          // Kept for replay, but for the room that intake needs.
          yield* later.log.trim(0, released, 0)
          expect((yield* log.bounds(0)).tail).toBe(Position.origin)
          for (let isFull = true; isFull; ) {
            isFull = (yield* Effect.result(later.health.probe))._tag === "Failure"
            if (isFull) yield* Effect.sleep("20 millis")
          }
          const more = yield* fill(later.log, 1_000)
          expect(more.length).toBeGreaterThan(5)
          expect((yield* log.bounds(0)).tail).toBe(released)
          expect(yield* readAll(log)).toEqual([
            ...taken.slice(half).map((_, index) => half + 1 + index),
            ...more.map((_, index) => 1_000 + index),
          ])
        }),
      )
    },
    patience,
  )

  it("is warned of at the start", async () => {
    const options = await smallServer()
    const warningsOf = async (maxBytes: number) => {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => {
        lines.push(String(message))
      })
      await Effect.runPromise(
        Effect.scoped(Layer.build(Layer.fresh(layer({ ...options, maxBytes, sync: "always" })))).pipe(
          Effect.provide(Logger.layer([logger])),
        ),
      )
      return lines
    }
    expect(await warningsOf(5 * mebibyte)).toEqual([])
    expect(await warningsOf(20 * mebibyte)).toEqual([
      expect.stringMatching(/the log may take 20971520 bytes.*the server has room for about (9|10)\d{6}:/),
    ])
  })
})
