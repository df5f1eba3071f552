import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Lane from "../../src/deliver/Lane.ts"
import * as LaneState from "../../src/deliver/LaneState.ts"
import * as Ledger from "../../src/deliver/Ledger.ts"
import * as HeadReader from "../../src/deliver/read/HeadReader.ts"
import * as Sender from "../../src/deliver/send/Sender.ts"
import * as Entry from "../../src/entry/Entry.ts"
import { Codec } from "../../src/ports/Codec.ts"
import { cursorName } from "../../src/ports/CursorName.ts"
import { Cursors } from "../../src/ports/Cursors.ts"
import { DeadLetters } from "../../src/ports/DeadLetters.ts"
import { Destinations } from "../../src/ports/Destinations.ts"
import { EventLog } from "../../src/ports/EventLog.ts"
import * as Store from "../../src/ports/Store.ts"
import { Transport, TransportError } from "../../src/ports/Transport.ts"
import * as Catalog from "../../src/select/Catalog.ts"
import * as Destination from "../../src/select/Destination.ts"

/**
 * One lane on a log in memory, and a receiver that is a function. Everything runs on the caller's stack, on a clock that goes from one thing that
 * is due to the next: a story of days takes milliseconds.
 */

/** What a receiver does with a request: a status, or no complete reply. `took` says that it has taken the events all the same. */
export interface Reaction {
  readonly reply: number | TransportError["reason"]
  readonly retryAfter?: string
  /** ms. */
  readonly after?: number
}

export interface Attempt {
  readonly at: number
  readonly values: ReadonlyArray<number>
  readonly bytes: number
  readonly delivered: boolean
}

interface Sleeper {
  readonly due: number
  readonly order: number
  readonly wake: () => void
}

/** A clock, and what runs on it. */
const makeTime = (startAt: number) => {
  let now = startAt
  let wallAhead = 0
  let order = 0
  const sleepers: Array<Sleeper> = []
  const tasks: Array<() => void> = []
  const millis = () => now + wallAhead
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: () => BigInt(millis()) * 1_000_000n,
    currentTimeNanos: Effect.sync(() => BigInt(millis()) * 1_000_000n),
    monotonicTimeNanosUnsafe: () => BigInt(now - startAt) * 1_000_000n,
    monotonicTimeNanos: Effect.sync(() => BigInt(now - startAt) * 1_000_000n),
    sleep: (duration) =>
      Effect.callback<void>((resume) => {
        const sleeper = {
          due: now + Math.max(Duration.toMillis(duration), 0),
          order: order++,
          wake: () => resume(Effect.void),
        }
        sleepers.push(sleeper)
        return Effect.sync(() => {
          const at = sleepers.indexOf(sleeper)
          if (at >= 0) sleepers.splice(at, 1)
        })
      }),
  }
  const scheduler = new Scheduler.MixedScheduler("async", (task) => {
    tasks.push(task)
    return () => {
      const at = tasks.indexOf(task)
      if (at >= 0) tasks.splice(at, 1)
    }
  })
  /** Runs all that can run without time passing. */
  const settle = (): void => {
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
  }
  const earliest = (): Sleeper | undefined => {
    let first: Sleeper | undefined
    for (const one of sleepers) {
      if (first === undefined || one.due < first.due || (one.due === first.due && one.order < first.order))
        first = one
    }
    return first
  }
  return {
    clock,
    scheduler,
    settle,
    now: () => now,
    setWallClock: (ahead: number) => {
      wallAhead = ahead
    },
    advanceTo: (end: number, until: () => boolean = () => false): void => {
      settle()
      while (!until()) {
        const next = earliest()
        if (next === undefined || next.due > end) {
          now = Math.max(now, end)
          return
        }
        now = Math.max(now, next.due)
        sleepers.splice(sleepers.indexOf(next), 1)
        next.wake()
        settle()
      }
    },
  }
}

const digest = new Uint8Array(32)

const codec = Codec.of({
  decompress: () => Effect.die("nothing is compressed here"),
  crc32: (data) => data.length,
  sha256: () => digest,
  hmacSha256: () => digest,
})

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface NumberedEvent {
  readonly value: number
  readonly user: string
  /** How much longer than the others it is, in bytes. */
  readonly pad: number
}

const startAt = Date.UTC(2026, 0, 1)

export const makeLaneWorld = (
  options: Destination.DestinationOptions,
  react: (values: ReadonlyArray<number>, bytes: number, at: number) => Reaction,
  seed: number,
) => {
  const time = makeTime(startAt)
  const scope = Scope.makeUnsafe()
  /** Of something that never waits. */
  const runWith = <A, E, R>(context: Context.Context<R>, effect: Effect.Effect<A, E, R>): A => {
    const fiber = Effect.runForkWith(context)(effect, { scheduler: time.scheduler })
    time.settle()
    const exit = fiber.pollUnsafe()
    if (exit === undefined) throw new Error("it waits for something")
    if (Exit.isFailure(exit)) throw new Error(`it failed: ${exit.cause}`)
    return exit.value
  }
  const timed = Context.make(Clock.Clock, time.clock)
  const context = Context.merge(
    timed,
    runWith(timed, Layer.buildWithScope(Layer.mergeAll(Logger.layer([]), Store.layerMemory()), scope)),
  )
  const run = <A, E>(effect: Effect.Effect<A, E, Store.Store>): A => runWith(context, effect)
  const log = Context.get(context, EventLog)
  const cursors = Context.get(context, Cursors)
  const deadLetters = Context.get(context, DeadLetters)
  const destinations = Context.get(context, Destinations)
  const decoded = Destination.decode({ from: "earliest", ...options })
  if (Result.isFailure(decoded)) throw new Error(JSON.stringify(decoded.failure))
  const destination = decoded.success
  const selection = Destination.compile(destination, null, () => Catalog.empty)

  const attempts: Array<Attempt> = []
  const transport = Transport.of({
    send: Effect.fnUntraced(function* ({ body }) {
      const parsed = JSON.parse(decoder.decode(body)) as ReadonlyArray<{ readonly value: string }>
      const values = parsed.map(({ value }) => Number(value.split(" ")[0]))
      const at = time.now() - startAt
      const { reply, retryAfter = null, after = 0 } = react(values, body.length, at)
      const delivered = typeof reply === "number" && reply >= 200 && reply < 300
      if (after > 0) yield* Effect.sleep(after)
      attempts.push({ at, values, bytes: body.length, delivered })
      if (typeof reply === "string") return yield* new TransportError({ reason: reply, message: reply })
      return { status: reply, retryAfter, body: "", isBodyFree: true }
    }),
  })

  let life: { readonly scope: Scope.Closeable; readonly fiber: Fiber.Fiber<unknown, unknown> } | null = null
  let lives = 0

  const start = (): void => {
    const own = Scope.makeUnsafe()
    const sender = Sender.make(
      destination,
      codec,
      transport,
      () => {},
      () => 1,
    )
    const program = Effect.gen(function* () {
      const reader = yield* HeadReader.make(log, 0, 8 * 1024 * 1024, () => {})
      const lane = yield* Lane.make({
        destination,
        ...selection,
        ...{ partition: 0, replay: null, log, cursors, deadLetters, sender },
        tenure: { holds: () => true },
        ...reader,
        readBytes: () => 1024 * 1024,
        batchBytes: () => 1024 * 1024,
        onChange: () => {},
        draining: () => false,
      })
      return yield* lane.run
    }).pipe(Scope.provide(own), Random.withSeed(seed + lives++))
    life = { scope: own, fiber: Effect.runForkWith(context)(program, { scheduler: time.scheduler }) }
    time.settle()
  }

  const name = cursorName({ destination: destination.id, partition: 0, replay: null })

  return {
    attempts,
    now: () => time.now() - startAt,
    setWallClock: time.setWallClock,
    /** Lets time pass, until it is so many ms after the beginning, or something holds. */
    advanceTo: (at: number, until?: () => boolean) => time.advanceTo(startAt + at, until),
    start,
    /** As `kill -9` does, but for what is in memory in any case. */
    crash: (): void => {
      if (life === null) return
      Effect.runForkWith(context)(
        Effect.andThen(Fiber.interrupt(life.fiber), Scope.close(life.scope, Exit.void)),
        {
          scheduler: time.scheduler,
        },
      )
      time.settle()
      life = null
    },
    /** Why the lane has ended, if it has. */
    ended: () => life?.fiber.pollUnsafe(),
    log: (events: ReadonlyArray<NumberedEvent>, id: number): void => {
      const now = time.now()
      const body = events.map(({ value, user, pad }) => ({
        ...{ eventName: "n", value: `${value} ${"x".repeat(pad)}`, time: now, user: { userID: user } },
      }))
      const entry = Entry.encode(
        id.toString(16).padStart(32, "0"),
        events.length,
        { receivedAt: now, dialect: "log_event", mode: "lenient" },
        encoder.encode(JSON.stringify({ events: body })),
      )
      run(log.append([entry]))
      time.settle()
    },
    letters: () => run(deadLetters.list({ limit: 1000 })).letters,
    ledger: () => run(Ledger.read({ log, cursors, destinations })),
    state: (): LaneState.LaneState | null => {
      const record = run(cursors.list).find((cursor) => cursor.name === name)?.record
      return record === null || record === undefined ? null : LaneState.decode(record.state)
    },
  }
}
