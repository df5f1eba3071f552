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
import { webhook } from "../../src/deliver/send/webhook.ts"
import * as Entry from "../../src/entry/Entry.ts"
import { Codec } from "../../src/ports/Codec.ts"
import * as Cursors from "../../src/ports/Cursors.ts"
import * as DeadLetters from "../../src/ports/DeadLetters.ts"
import * as Destinations from "../../src/ports/Destinations.ts"
import * as EventLog from "../../src/ports/EventLog.ts"
import type { Position } from "../../src/ports/Position.ts"
import { Transport, TransportError } from "../../src/ports/Transport.ts"
import * as Catalog from "../../src/select/Catalog.ts"
import * as Destination from "../../src/select/Destination.ts"

/**
 * One lane on a log in memory, and a receiver that is a function. Everything runs on the caller's
 * stack, on a clock that goes from one thing that is due to the next: a story of days takes
 * milliseconds.
 */

/** What a receiver does with a request. */
export interface Reaction {
  /** A status, or why there is no complete reply. */
  readonly reply: number | TransportError["reason"]
  readonly retryAfter?: string
  /** ms. */
  readonly after?: number
  /** How many events, from the first on, it has taken all the same; all when it says so. */
  readonly took?: number
  /** What the failure comes from, for whoever judges it. */
  readonly cause?: string
}

export interface Attempt {
  /** When it began. */
  readonly at: number
  readonly values: ReadonlyArray<number>
  readonly bytes: number
  /** The receiver answers that it has taken all. */
  readonly delivered: boolean
  readonly took: number
  readonly cause: string | null
}

/** An event has become a dead letter. */
export interface Death {
  readonly value: number
  readonly reason: DeadLetters.DeadReason
  readonly at: number
  /** How many attempts had begun by then. */
  readonly attempts: number
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
  gzip: (bytes) => Effect.succeed(bytes),
  crc32: (data) => data.length,
  sha256: () => digest,
  hmacSha256: () => digest,
})

/** Few bits and quickly made, and so are its numbers: enough for jitter. */
const randomFrom = (seed: number) => {
  let state = Math.imul(seed + 1, 0x9e3779b1)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { nextDoubleUnsafe: next, nextIntUnsafe: () => Math.floor(next() * 2 ** 32) - 2 ** 31 }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export interface NumberedEvent {
  readonly value: number
  readonly user: string
  /** How much longer than the others it is, in bytes. */
  readonly pad: number
}

const startAt = Date.UTC(2026, 0, 1)

/** What a lane asks a store for, and the ledger. */
const store = Layer.mergeAll(
  Logger.layer([]),
  EventLog.layerMemory(),
  Cursors.layerMemory(),
  DeadLetters.layerMemory(),
  Destinations.layerMemory(),
)

/** Everything that a lane looks at in a destination, as the configuration makes it. */
const plain = Result.getOrThrow(
  Destination.decode({ id: "d", url: "https://d.test/", from: "earliest", timeout: 30_000 }),
)
const selection = Destination.compile(plain, null, () => Catalog.empty)

export type LaneOptions = Pick<Destination.Destination, "batch" | "concurrency" | "retry" | "timeout">

/** Made once: an error takes the stack along. */
const errors = new Map<TransportError["reason"], TransportError>()
const errorOf = (reason: TransportError["reason"]): TransportError => {
  const error = errors.get(reason) ?? new TransportError({ reason, message: reason })
  errors.set(reason, error)
  return error
}

/**
 * @param seed of the lane's jitter
 * @param onSave told when the lane has saved
 */
export const makeLaneWorld = (
  options: LaneOptions,
  react: (values: ReadonlyArray<number>, bytes: number, at: number) => Reaction,
  seed: number,
  onSave: () => void = () => {},
) => {
  const time = makeTime(startAt)
  const scope = Scope.makeUnsafe()
  /** Runs something that never waits. */
  const runWith = <A, E, R>(context: Context.Context<R>, effect: Effect.Effect<A, E, R>): A => {
    const fiber = Effect.runForkWith(context)(effect, { scheduler: time.scheduler })
    time.settle()
    const exit = fiber.pollUnsafe()
    if (exit === undefined) throw new Error("it waits for something")
    if (Exit.isFailure(exit)) throw new Error(`it failed: ${exit.cause}`)
    return exit.value
  }
  const timed = Context.make(Clock.Clock, time.clock)
  const context = Context.merge(timed, runWith(timed, Layer.buildWithScope(store, scope)))
  const run = <A, E>(effect: Effect.Effect<A, E>): A => runWith(context, effect)
  const log = Context.get(context, EventLog.EventLog)
  const stored = Context.get(context, Cursors.Cursors)
  const cemetery = Context.get(context, DeadLetters.DeadLetters)
  const deaths: Array<Death> = []
  const deadLetters: DeadLetters.DeadLetters["Service"] = {
    ...cemetery,
    put: (letters) =>
      Effect.tap(cemetery.put(letters), () =>
        Effect.sync(() => {
          for (const { event, reason, deadAt } of letters) {
            const { value } = JSON.parse(event) as { readonly value: string }
            deaths.push({
              value: Number.parseInt(value, 10),
              reason,
              at: deadAt - startAt,
              attempts: attempts.length,
            })
          }
        }),
      ),
  }
  const destinations = Context.get(context, Destinations.Destinations)
  const cursors: Cursors.Cursors["Service"] = {
    ...stored,
    save: (saves) => Effect.tap(stored.save(saves), () => Effect.sync(onSave)),
  }
  const destination: Destination.Destination = { ...plain, ...options }

  const attempts: Array<Attempt> = []
  const transport = Transport.of({
    send: ({ body }) =>
      Effect.suspend(() => {
        const parsed = JSON.parse(decoder.decode(body)) as ReadonlyArray<{ readonly value: string }>
        const values = parsed.map(({ value }) => Number.parseInt(value, 10))
        const at = time.now() - startAt
        const { reply, retryAfter = null, after = 0, took = 0, cause = null } = react(values, body.length, at)
        const delivered = typeof reply === "number" && reply >= 200 && reply < 300
        attempts.push({
          at,
          values,
          bytes: body.length,
          delivered,
          took: delivered ? values.length : took,
          cause,
        })
        const answer =
          typeof reply === "string"
            ? Effect.fail(errorOf(reply))
            : Effect.succeed({ status: reply, retryAfter, body: "", isBodyFree: true })
        return after > 0 ? Effect.andThen(Effect.sleep(after), answer) : answer
      }),
  })

  let life: { readonly scope: Scope.Closeable; readonly fiber: Fiber.Fiber<unknown, unknown> } | null = null
  let running: Lane.Lane | null = null
  let lives = 0

  const start = (): void => {
    const own = Scope.makeUnsafe()
    const sink = Effect.runSync(
      webhook
        .open(destination)
        .pipe(
          Effect.provideService(Transport, transport),
          Effect.provideService(Codec, codec),
          Effect.provideService(Scope.Scope, own),
        ),
    )
    const sender = Sender.make(
      destination,
      codec,
      sink,
      () => {},
      () => 1,
      { attempted: () => Effect.void, died: () => Effect.void },
    )
    const program = Effect.gen(function* () {
      const reader = yield* HeadReader.make({
        ...{ log, partition: 0, ringBytes: 8 * 1024 * 1024 },
        onRead: () => {},
        onHalt: () => Effect.void,
      })
      const lane = yield* Lane.make({
        destination,
        ...selection,
        layout: webhook.layout(destination),
        ...{ partition: 0, replay: null, log, cursors, deadLetters, sender },
        tenure: { holds: () => true },
        ...reader,
        readBytes: () => 1024 * 1024,
        batchBytes: () => 1024 * 1024,
        // Whether there is room for a batch whose lane waits for long.
        keeping: { take: () => seed % 2 === 0, give: () => {} },
        onChange: () => {},
        draining: () => false,
      })
      running = lane
      return yield* lane.run
    }).pipe(Scope.provide(own), Effect.provideService(Random.Random, randomFrom(seed + lives++)))
    life = { scope: own, fiber: Effect.runForkWith(context)(program, { scheduler: time.scheduler }) }
    time.settle()
  }

  /** The entries, with the values of their events. */
  const entries: Array<{ readonly position: Position; readonly values: ReadonlyArray<number> }> = []

  return {
    attempts: attempts as ReadonlyArray<Attempt>,
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
        { scheduler: time.scheduler },
      )
      time.settle()
      life = null
      running = null
    },
    /** Saves the lane as whoever runs it does now and then, where it rests. */
    saveIdle: (): void => {
      const save = running?.idleSave() ?? null
      if (save === null) return
      const [outcome] = run(cursors.save([save]))
      running?.idleSaved(save, outcome!)
    },
    /** Why the lane has ended, if it has. */
    ended: () => life?.fiber.pollUnsafe(),
    log: (events: ReadonlyArray<NumberedEvent>): void => {
      const now = time.now()
      const body = events.map(({ value, user, pad }) => ({
        ...{ eventName: "n", value: `${value} ${"x".repeat(pad)}`, time: now, user: { userID: user } },
      }))
      const entry = Entry.encode(
        entries.length.toString(16).padStart(32, "0"),
        events.length,
        { receivedAt: now, dialect: "log_event", mode: "lenient" },
        encoder.encode(JSON.stringify({ events: body })),
      )
      const [position] = run(log.append([entry]))
      entries.push({ position: position!, values: events.map(({ value }) => value) })
      time.settle()
    },
    /** The log drops all entries but so many, whoever waits for them. Returns what is gone. */
    trim: (keep: number): ReadonlyArray<number> => {
      const gone = entries.slice(0, Math.max(entries.length - keep, 0))
      const last = gone.at(-1)
      if (last !== undefined) run(log.trim(0, last.position, Number.POSITIVE_INFINITY))
      time.settle()
      return gone.flatMap(({ values }) => values)
    },
    /** The dead letters, in the order in which they were put. */
    deaths: deaths as ReadonlyArray<Death>,
    /** `undefined` before the lane has begun. */
    ledger: (): Ledger.DestinationStatus | undefined => run(Ledger.read({ log, cursors, destinations }))[0],
    state: (): LaneState.LaneState | null => {
      const [cursor] = run(stored.list)
      return cursor?.record == null ? null : LaneState.decode(cursor.record.state)
    },
  }
}
