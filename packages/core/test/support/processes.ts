import { createHash, createHmac } from "node:crypto"
import { crc32, gzipSync } from "node:zlib"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Dispatcher } from "../../src/deliver/Dispatcher.ts"
import * as Ledger from "../../src/deliver/Ledger.ts"
import { HttpIngest } from "../../src/intake/HttpIngest.ts"
import * as Millrace from "../../src/Millrace.ts"
import * as Operations from "../../src/operate/Operations.ts"
import { Operator } from "../../src/operate/Operator.ts"
import { Attempts } from "../../src/ports/Attempts.ts"
import { Codec } from "../../src/ports/Codec.ts"
import { Counters } from "../../src/ports/Counters.ts"
import { Cursors } from "../../src/ports/Cursors.ts"
import { DeadLetters } from "../../src/ports/DeadLetters.ts"
import { Destinations } from "../../src/ports/Destinations.ts"
import { EntryIds } from "../../src/ports/EntryIds.ts"
import { EventLog } from "../../src/ports/EventLog.ts"
import { Keys } from "../../src/ports/Keys.ts"
import { Members } from "../../src/ports/Members.ts"
import * as Store from "../../src/ports/Store.ts"
import { StoreError } from "../../src/ports/StoreError.ts"
import { StoreHealth } from "../../src/ports/StoreHealth.ts"
import { Transport } from "../../src/ports/Transport.ts"

/** Several processes that deliver from one store in memory, on one virtual clock. */

const startAt = Date.UTC(2026, 0, 1)

/**
 * What a process takes for the length of its lease; said here once more, so that a change of it is
 * noticed.
 */
const lease = 6_000

const ports = [
  EventLog,
  Cursors,
  DeadLetters,
  Attempts,
  Destinations,
  Keys,
  Counters,
  Members,
  StoreHealth,
] as const

const codec = Codec.of({
  decompress: () => Effect.die("nothing is compressed here"),
  gzip: (bytes) => Effect.sync(() => gzipSync(bytes)),
  crc32: (data) => crc32(data),
  sha256: (data) => createHash("sha256").update(data).digest(),
  hmacSha256: (key, ...parts) => {
    const hmac = createHmac("sha256", key)
    for (const part of parts) hmac.update(part)
    return hmac.digest()
  },
})

/** One attempt, as it was begun. */
export interface Begun {
  readonly at: number
  readonly process: string
  readonly destination: string
  readonly values: ReadonlyArray<number>
  readonly status: number
}

export interface Reply {
  readonly status: number
  /** How long it takes, in ms. */
  readonly after?: number
}

export interface Process {
  readonly name: string
  readonly operator: Operations.Operations
  /** Takes in one event of each value, in one request, of a user of that name. */
  readonly log: (user: string, ...values: ReadonlyArray<number>) => Promise<number>
  /** As `kill -9` does. */
  readonly crash: () => void
  /** As SIGSTOP and SIGCONT do: what was due meanwhile happens afterwards, in no good order. */
  readonly freeze: () => void
  readonly thaw: () => void
  /** Cut off from the store: what it is asked fails at once, or when it is there again. */
  readonly cut: (how: "refused" | "silent" | "mended") => void
  /** As a deployment does: no new requests, then what is begun is finished. */
  readonly drain: () => Promise<"drained" | "handed-over">
  readonly close: () => Promise<void>
}

export interface WorldOptions extends Pick<Millrace.MillraceOptions, "destinations" | "keepFor"> {
  readonly partitions?: number
  readonly maxBytes?: number
}

const unavailable = new StoreError({ reason: { _tag: "Unavailable" }, message: "cut off" })

export const makeWorld = async (options: WorldOptions = {}) => {
  const { partitions = 1, maxBytes, ...millrace } = options
  const scope = Scope.makeUnsafe()
  const timed = await Effect.runPromise(Layer.buildWithScope(TestClock.layer(), scope))
  const testClock = Context.get(timed, Clock.Clock) as TestClock.TestClock
  await Effect.runPromiseWith(timed)(testClock.setTime(startAt))
  const now = testClock.currentTimeMillisUnsafe
  const base = await Effect.runPromiseWith(timed)(
    Layer.buildWithScope(
      Layer.mergeAll(
        Layer.succeedContext(timed),
        Logger.layer([]),
        Store.layerMemory({ partitions, shared: true, ...(maxBytes === undefined ? {} : { maxBytes }) }),
      ),
      scope,
    ),
  )
  const run = Effect.runPromiseWith(base)
  const begun: Array<Begun> = []
  /** What must not happen, and did. */
  const violations: Array<string> = []
  /** The process that has acquired a cursor last. */
  const owners = new Map<string, string>()
  const epochs = new Map<string, number>()
  let reply: (request: Omit<Begun, "status">) => Reply = () => ({ status: 200 })

  const start = async (name: string, own: WorldOptions = {}): Promise<Process> => {
    const thawed = Latch.makeUnsafe(true)
    let dead = false
    const mended = Latch.makeUnsafe(true)
    let line: "refused" | "silent" | "mended" = "mended"
    let leasedUntil = Number.NEGATIVE_INFINITY

    const guard = <A, E>(call: Effect.Effect<A, E>): Effect.Effect<A, E | StoreError> =>
      Effect.andThen(
        thawed.await,
        Effect.suspend((): Effect.Effect<A, E | StoreError> => {
          if (dead) return Effect.never
          if (line !== "mended") {
            return Effect.andThen(line === "silent" ? mended.await : Effect.void, Effect.fail(unavailable))
          }
          return Effect.onExit(call, () => (dead ? Effect.never : thawed.await))
        }),
      )

    const members = Context.get(base, Members)
    const cursors = Context.get(base, Cursors)
    const watched = new Map<unknown, object>([
      [
        Members,
        Members.of({
          ...members,
          beat: (id, duration) =>
            Effect.suspend(() => {
              const sentAt = now()
              return Effect.tap(members.beat(id, duration), () =>
                Effect.sync(() => {
                  leasedUntil = sentAt + lease
                }),
              )
            }),
        }),
      ],
      [
        Cursors,
        Cursors.of({
          ...cursors,
          acquire: (cursor) =>
            Effect.tap(cursors.acquire(cursor), () => Effect.sync(() => owners.set(cursor, name))),
          save: (saves) =>
            Effect.tap(cursors.save(saves), (outcomes) =>
              Effect.sync(() => {
                for (const [index, { name: cursor, epoch }] of saves.entries()) {
                  if (outcomes[index] !== "saved") continue
                  if (epoch < (epochs.get(cursor) ?? 0))
                    violations.push(`${name} saved ${cursor} by a stale epoch`)
                  epochs.set(cursor, epoch)
                }
              }),
            ),
        }),
      ],
    ])
    let view: Context.Context<never> = Context.empty()
    for (const port of ports) {
      const service =
        watched.get(port) ?? Context.get(base, port as unknown as Context.Key<Store.Store, object>)
      const guarded = Object.fromEntries(
        Object.entries(service).map(([key, member]) => [
          key,
          typeof member === "function"
            ? (...args: ReadonlyArray<unknown>) => guard(member(...args))
            : Effect.isEffect(member)
              ? guard(member as Effect.Effect<unknown, unknown>)
              : member,
        ]),
      )
      view = Context.add(view, port as unknown as Context.Key<never, object>, guarded)
    }

    const transport = Transport.of({
      send: Effect.fnUntraced(function* ({ url, body }) {
        yield* thawed.await
        if (dead) return yield* Effect.never
        const at = now()
        if (at >= leasedUntil)
          violations.push(`${name} began an attempt ${at - leasedUntil} ms after its lease`)
        const events = JSON.parse(new TextDecoder().decode(body)) as ReadonlyArray<{ readonly value: string }>
        const destination = new URL(url).hostname.replace(".test", "")
        const request = { at, process: name, destination, values: events.map(({ value }) => Number(value)) }
        const { status, after = 0 } = reply(request)
        begun.push({ ...request, status })
        if (after > 0) yield* Effect.sleep(after)
        return { status, retryAfter: null, body: "" }
      }),
    })

    const clock: Clock.Clock = {
      ...testClock,
      sleep: (duration) => Effect.andThen(testClock.sleep(duration), thawed.await),
    }
    let ids = 0
    const context = Context.add(base, Clock.Clock, clock)
    const life = Scope.makeUnsafe()
    const runHere = Effect.runPromiseWith(context)
    const services = await runHere(
      Layer.buildWithScope(
        Millrace.layer({ keys: "none", ...millrace, ...own }).pipe(
          Layer.provide(Layer.succeedContext(view as Context.Context<Store.Store>)),
          Layer.provide(Layer.succeed(Transport, transport)),
          Layer.provide(Layer.succeed(Codec, codec)),
          Layer.provide(
            Layer.succeed(EntryIds, () => createHash("md5").update(`${name} ${ids++}`).digest("hex")),
          ),
        ),
        life,
      ).pipe(Random.withSeed(name)),
    )
    const http = Context.get(services, HttpIngest)
    return {
      name,
      operator: Operations.of(() => Context.get(services, Operator), base),
      log: async (user, ...values) => {
        const events = values.map((value) => ({ eventName: "n", value, time: now(), user: { userID: user } }))
        const { status } = await runHere(
          http.handle({
            method: "POST",
            url: "/v1/log_event",
            headers: { "statsig-client-time": String(now()) },
            body: () =>
              Effect.succeed({
                bytes: new TextEncoder().encode(JSON.stringify({ events })),
                inflated: false,
              }),
          }),
        )
        return status
      },
      crash: () => {
        dead = true
        // Interrupts what still runs; its finalizers wait for a store that never answers again.
        void runHere(Scope.close(life, Exit.void))
      },
      freeze: () => thawed.closeUnsafe(),
      thaw: () => thawed.openUnsafe(),
      cut: (how) => {
        line = how
        if (how === "silent") mended.closeUnsafe()
        else mended.openUnsafe()
      },
      drain: () => runHere(Effect.andThen(http.close, Context.get(services, Dispatcher).drain)),
      close: () => runHere(Scope.close(life, Exit.void)),
    }
  }

  const log = Context.get(base, EventLog)
  const cursors = Context.get(base, Cursors)
  const destinations = Context.get(base, Destinations)

  return {
    start,
    begun,
    violations,
    owners,
    now,
    advance: (duration: Duration.Input) =>
      Effect.runPromiseWith(timed)(testClock.setTime(now() + Duration.toMillis(duration))),
    answer: (decide: typeof reply) => {
      reply = decide
    },
    /** The values that a destination has taken, in the order they came. */
    delivered: (destination: string) =>
      begun.flatMap((one) => (one.destination === destination && one.status === 200 ? one.values : [])),
    /** What the store knows, whoever is alive. */
    status: () => run(Ledger.read({ log, cursors, destinations })),
    log,
    run,
  }
}

export type World = Awaited<ReturnType<typeof makeWorld>>
