/** Over 400 lines because a test's pipeline is one thing with its clock, receivers and store. */
import { gunzipSync } from "node:zlib"
import type { WebhookEvent } from "@millrace/core"
import {
  Attempts as AttemptsPort,
  type DeadLetters,
  DeadLetters as DeadLettersPort,
  EventLog,
  HttpIngest,
  Ingest,
  Metering,
  Millrace,
  Operations,
  Operator,
  Store,
  StoreError,
  Transport,
} from "@millrace/core"
import { didYouMean, writerOf } from "@millrace/core/host"
import {
  Counters,
  Cursors,
  Destinations,
  Documents,
  Keys,
  Members,
  Position,
  StoreHealth,
} from "@millrace/core/store"
import { Codec } from "@millrace/node"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { onStoreClock } from "./internal/storeClock.ts"
import * as VirtualTime from "./internal/virtualTime.ts"
import { usualPatience, within } from "./internal/waiting.ts"
import type { StoreOpenOptions } from "./storeBinding.ts"

/** What a receiver answers: a status, more of a reply, or no reply at all. */
export type Answer =
  | number
  | {
      readonly status: number
      readonly retryAfter?: string
      readonly body?: string
      /** How long it takes to answer, by the virtual clock. */
      readonly after?: Duration.Input
    }
  | "timeout"
  | "connection failed"

/** One request as it came to a receiver. */
export interface ReceivedRequest {
  /** ms since the epoch, by the virtual clock. */
  readonly at: number
  readonly headers: Readonly<Record<string, string>>
  /** Those of its body; none of a body that is made of events and holds none. */
  readonly events: ReadonlyArray<WebhookEvent>
  /** The text of its body, decompressed. */
  readonly body: string
  /** What was answered; `null` when nothing was. */
  readonly status: number | null
}

/** The far end of one destination. It answers 200 until it is told otherwise. */
export interface TestReceiver {
  readonly requests: ReadonlyArray<ReceivedRequest>
  /** The events of all requests that were answered with 2xx, in the order they came. */
  readonly events: ReadonlyArray<WebhookEvent>
  /** From now on: always the same, or what the function says of each request. */
  readonly answer: (
    answer: Answer | ((events: ReadonlyArray<WebhookEvent>, request: number) => Answer),
  ) => void
}

/** An event as `log` takes it: the rest is filled in. */
export interface TestEvent {
  readonly eventName: string
  readonly [field: string]: unknown
}

export interface TestPipelineOptions extends Millrace.MillraceOptions {
  /** Where the clock begins: 2026-01-01T00:00:00Z by default. */
  readonly startAt?: Date
  /** Seeds the back-off's jitter: the same seed gives the same schedule. */
  readonly seed?: string | number
  /**
   * Where events are kept: in memory by default. It takes the time from Effect's clock; what it
   * waits for itself, such as a disk or a server, may take real time, and virtual time stands still
   * meanwhile. It is opened once, and closed by `dispose`.
   */
  readonly store?: (options: StoreOpenOptions) => Layer.Layer<Store.Store, StoreError>
  /** The cap of the store's log, in bytes. */
  readonly maxBytes?: number
  /** Gets what is logged, line by line. `"silent"` by default. */
  readonly log?: Millrace.LogOption
  /**
   * For how long, in real time, the store may leave a call unanswered before the test fails, and
   * names the call: 15 seconds by default.
   */
  readonly patience?: Duration.Input
}

/** A whole Millrace on a virtual clock, from HTTP request to webhook: days pass in milliseconds. */
export interface TestPipeline extends Omit<Operations.Operations, "deadLetters"> {
  /** Posts a body to a route, `/v1/log_event` by default, with a valid key. */
  readonly post: (
    body: unknown,
    options?: { readonly url?: string; readonly headers?: Readonly<Record<string, string>> },
  ) => Promise<HttpIngest.IngestReply>
  /** Posts events as an SDK does, in one request, and expects 202. */
  readonly log: (...events: ReadonlyArray<TestEvent>) => Promise<void>
  /** Lets time pass: everything that is due meanwhile happens, in order. */
  readonly advance: (duration: Duration.Input) => Promise<void>
  /** ms since the epoch. */
  readonly now: () => number
  /**
   * Sets the wall clock so many ms ahead of the virtual time, or behind it, as a person or NTP
   * does; waits go on as before.
   */
  readonly setWallClock: (ahead: number) => void
  /**
   * The far end of a destination, or of a URL that something else sends to. Throws when there is no
   * such destination, and names those there are.
   */
  readonly receiver: (destination: string) => TestReceiver
  /** What became of all events that arrived since the last start. */
  readonly intake: () => Promise<Ingest.IntakeLedger>
  /** Everything that has been counted since the beginning, in Prometheus' text format. */
  readonly metrics: () => Promise<string>
  /** Also after a crash. */
  readonly deadLetters: (
    query?: DeadLetters.DeadLetterQuery,
  ) => Promise<ReadonlyArray<DeadLetters.DeadLetter>>
  /**
   * From now on the store says to everything that it is unavailable, or answers again. What it was
   * asked before goes on.
   */
  readonly failStore: (failing: boolean) => void
  /**
   * Stops at once, as `kill -9` does: nothing more is saved, whatever was in flight is never heard
   * of again.
   */
  readonly crash: () => Promise<void>
  /**
   * Starts again on the same store, after `crash` or `close`, with other options if they are given.
   */
  readonly restart: (options?: Millrace.MillraceOptions) => Promise<void>
  readonly close: () => Promise<void>
  /**
   * Closes the pipeline and its store: nothing starts again. Needed only for a store that is not in
   * memory.
   */
  readonly dispose: () => Promise<void>
}

const key = "secret-test"

const storePorts = [
  EventLog.EventLog,
  Cursors.Cursors,
  DeadLettersPort.DeadLetters,
  AttemptsPort.Attempts,
  Destinations.Destinations,
  Documents.Documents,
  Keys.Keys,
  Counters.Counters,
  StoreHealth.StoreHealth,
] as const

/** How one life of a pipeline sees its store. */
interface StoreView {
  readonly isAlive: () => boolean
  readonly isFailing: () => boolean
  readonly busy: VirtualTime.VirtualTime["busy"]
  /** Up to where each partition has been appended to, by anybody. */
  readonly heads: Map<number, Position.Position>
}

const unavailable = new StoreError({ reason: { _tag: "Unavailable" }, message: "the store is down" })

/**
 * A view of a store that ends with one life of the pipeline: after a crash nothing it is asked for
 * ever happens, and no answer is heard.
 */
const mortal = (
  store: Context.Context<Store.Store>,
  { isAlive, isFailing, busy, heads }: StoreView,
): Context.Context<Store.Store> => {
  const log = Context.get(store, EventLog.EventLog)
  const headOf = (partition: number): Position.Position => heads.get(partition) ?? Position.origin
  /** The log may have come back with less than was appended. */
  const fallBack = (partition: number, after: Position.Position) =>
    Effect.suspend(() => {
      const believed = headOf(partition)
      if (after >= believed) return Effect.void
      return Effect.map(busy("EventLog.bounds", log.bounds(partition)), ({ head }) => {
        if (head < believed && headOf(partition) === believed) heads.set(partition, head)
      })
    })
  const watched = EventLog.EventLog.of({
    ...log,
    append: (entries, partition = 0) =>
      Effect.tap(log.append(entries, partition), (positions) =>
        Effect.sync(() => {
          for (const position of positions) {
            if (position > headOf(partition)) heads.set(partition, position)
          }
        }),
      ),
    // Whoever waits for what nobody has appended yet does not keep time from passing.
    wait: (partition, after) =>
      Effect.andThen(
        fallBack(partition, after),
        busy("EventLog.wait", log.wait(partition, after), () => after < headOf(partition)),
      ),
  })
  const guard = (what: string, effect: Effect.Effect<unknown, unknown>) => {
    const call = what === "EventLog.wait" ? effect : busy(what, effect)
    const heard = Effect.onExit(call, () => (isAlive() ? Effect.void : Effect.never))
    return Effect.suspend(() => (!isAlive() ? Effect.never : isFailing() ? Effect.fail(unavailable) : heard))
  }
  // A pipeline is the only process on its store: it need not beat through days of virtual time, nor
  // wait for the lease of one that crashed.
  const alone = { ...Context.get(store, Members.Members), shared: false, claim: Effect.void }
  let view: Context.Context<never> = Context.make(Members.Members, alone) as Context.Context<never>
  for (const port of storePorts) {
    const service =
      port === EventLog.EventLog
        ? watched
        : Context.get(store, port as unknown as Context.Key<Store.Store, object>)
    const portName = port.key.slice(port.key.lastIndexOf("/") + 1)
    const guarded = Object.fromEntries(
      Object.entries(service).map(([name, member]) => [
        name,
        typeof member === "function"
          ? (...args: ReadonlyArray<unknown>) => guard(`${portName}.${name}`, member(...args))
          : Effect.isEffect(member)
            ? guard(`${portName}.${name}`, member as Effect.Effect<unknown, unknown>)
            : member,
      ]),
    )
    view = Context.add(view, port as unknown as Context.Key<never, object>, guarded)
  }
  return view as Context.Context<Store.Store>
}

/** As any layout of events has them: an array, under a name, or a line each. */
const eventsIn = (text: string, contentType: string | undefined): ReadonlyArray<WebhookEvent> => {
  if (contentType === "application/x-ndjson") {
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
  }
  const json = JSON.parse(text)
  const events: unknown = Array.isArray(json) ? json : (json.data ?? json.events)
  return Array.isArray(events) ? events : []
}

/** What a request says. It is read when somebody asks: nobody does for most of an outage. */
interface Said {
  readonly isOf: (bytes: Uint8Array) => boolean
  readonly body: () => string
  readonly events: () => ReadonlyArray<WebhookEvent>
}

const readerOf = (sent: Uint8Array, headers: ReceivedRequest["headers"]): Said => {
  const bytes = Buffer.from(sent)
  let text: string | undefined
  let events: ReadonlyArray<WebhookEvent> | undefined
  const body = (): string => {
    text ??= new TextDecoder().decode(headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes)
    return text
  }
  return {
    isOf: (other) => bytes.equals(other),
    body,
    events: () => {
      events ??= eventsIn(body(), headers["content-type"])
      return events
    },
  }
}

const received = (
  at: number,
  headers: ReceivedRequest["headers"],
  { body, events }: Said,
  status: number | null,
): ReceivedRequest => ({
  at,
  headers,
  get events() {
    return events()
  },
  get body() {
    return body()
  },
  status,
})

interface Receiver extends TestReceiver {
  readonly requests: Array<ReceivedRequest>
  readonly hear: (body: Uint8Array, headers: ReceivedRequest["headers"]) => Said
  decide: (said: Said, request: number) => Answer
}

const howWritten = (headers: ReceivedRequest["headers"]): string =>
  `${headers["content-type"]} ${headers["content-encoding"]}`

const makeReceiver = (): Receiver => {
  /** The same again in most of an outage: kept, and read, once. */
  let last: { readonly said: Said; readonly how: string } | null = null
  const receiver: Receiver = {
    requests: [],
    hear: (body, headers) => {
      const how = howWritten(headers)
      if (last === null || last.how !== how || !last.said.isOf(body)) {
        last = { said: readerOf(body, headers), how }
      }
      return last.said
    },
    decide: () => 200,
    get events() {
      return receiver.requests.flatMap((request) => {
        const { status } = request
        return status !== null && status >= 200 && status < 300 ? request.events : []
      })
    },
    answer: (answer) => {
      receiver.decide =
        typeof answer === "function" ? ({ events }, request) => answer(events(), request) : () => answer
    },
  }
  return receiver
}

const unknownReceiver = (id: string, known: ReadonlyArray<string>): never => {
  const there = known.length === 0 ? "there is none" : `there are ${known.join(", ")}`
  throw new RangeError(`no destination is called "${id}" (${there})${didYouMean(id, known)}`)
}

/**
 * Runs the real pipeline (intake, log, lanes, delivery) on a store in memory, scripted receivers
 * and a virtual clock.
 *
 * @example
 * ```ts
 * const pipeline = await testPipeline({
 *   destinations: [{ id: "warehouse", url: "https://warehouse.test/hook" }],
 * })
 * pipeline.receiver("warehouse").answer(503)
 * await pipeline.log({ eventName: "page_view" })
 * await pipeline.advance("3 days")
 * pipeline.receiver("warehouse").answer(200)
 * await pipeline.advance("1 hour")
 * expect(pipeline.receiver("warehouse").events).toHaveLength(1)
 * await pipeline.close()
 * ```
 */
export const testPipeline = async (options: TestPipelineOptions = {}): Promise<TestPipeline> => {
  const {
    startAt = new Date("2026-01-01T00:00:00Z"),
    seed = "millrace",
    store = Store.layerMemory,
    maxBytes,
    patience = usualPatience,
    log = "silent",
    ...first
  } = options
  const write = writerOf(log)
  const world = Scope.makeUnsafe()
  const real = options.store === undefined ? null : Duration.toMillis(Duration.fromInputUnsafe(patience))
  const time = VirtualTime.make(startAt.getTime(), real)
  const opening = Layer.buildWithScope(
    Layer.mergeAll(
      Layer.succeedContext(time.context),
      Millrace.layerLog(log),
      Layer.sync(Metric.MetricRegistry, () => new Map()),
      onStoreClock(store(maxBytes === undefined ? {} : { maxBytes })),
    ),
    world,
  )
  const base = await time.watch(Effect.runPromiseWith(time.context)(time.busy("the store to open", opening)))
  const runOn = Effect.runPromiseWith(base)
  const run: typeof runOn = (effect, options) => time.watch(runOn(effect, options))
  let failing = false
  const heads = new Map<number, Position.Position>()

  const receivers = new Map<string, Receiver>()
  const urls = new Map<string, string>()
  const name = (id: string, url?: string): void => {
    const known = receivers.get(id) ?? (url === undefined ? undefined : receivers.get(url))
    receivers.set(id, known ?? makeReceiver())
    if (url !== undefined) urls.set(url, id)
  }
  const receiver = (id: string): Receiver => {
    if (URL.canParse(id)) name(id)
    return receivers.get(id) ?? unknownReceiver(id, [...receivers.keys()])
  }

  const transport = Transport.Transport.of({
    send: Effect.fnUntraced(function* ({ url, headers, body, timeout }) {
      const to = receiver(urls.get(url) ?? url)
      const request = to.hear(body, headers)
      const answer = to.decide(request, to.requests.length)
      const record = (status: number | null) =>
        to.requests.push(received(time.now(), headers, request, status))
      if (typeof answer === "string") {
        record(null)
        if (answer === "timeout") yield* Effect.sleep(timeout)
        return yield* new Transport.TransportError({
          reason: answer === "timeout" ? "Timeout" : "ConnectionFailed",
          message: answer,
        })
      }
      const reply = typeof answer === "number" ? { status: answer } : answer
      record(reply.status)
      if (reply.after !== undefined) yield* Effect.sleep(reply.after)
      if (!request.isOf(body)) throw new Error("a body was written over while it was sent")
      const { status, retryAfter = null, body: said = "" } = reply
      return { status, retryAfter, body: said, isBodyFree: true }
    }),
  })

  const start = async (life: Millrace.MillraceOptions) => {
    for (const { id, url } of life.destinations ?? []) name(id, url)
    const state = { alive: true }
    const scope = Scope.makeUnsafe()
    // Nobody hears a process that has crashed.
    const heard = (line: Millrace.LogLine): void => {
      if (state.alive) write(line)
    }
    const ports = Layer.mergeAll(
      Layer.succeedContext(
        mortal(base, { isAlive: () => state.alive, isFailing: () => failing, busy: time.busy, heads }),
      ),
      Layer.succeed(Transport.Transport, {
        send: (request) => Effect.suspend(() => (state.alive ? transport.send(request) : Effect.never)),
      }),
      Codec.layer,
    )
    const built = await run(
      Layer.buildWithScope(
        Millrace.layer({ keys: { server: [key] }, ...life }).pipe(
          Layer.provide([ports, Millrace.layerLog(heard)]),
        ),
        scope,
      ).pipe(Random.withSeed(seed)),
    )
    return {
      http: Context.get(built, HttpIngest.HttpIngest),
      ledger: Context.get(built, Ingest.Ingest).ledger,
      operator: Context.get(built, Operator),
      metering: Context.get(built, Metering),
      die: () => {
        state.alive = false
      },
      close: () => run(Scope.close(scope, Exit.void)),
    }
  }

  let life = await start(first)

  const operations = Object.fromEntries(
    Object.entries(Operations.of(() => life.operator, base)).map(([name, operate]) => [
      name,
      (...args: ReadonlyArray<unknown>) =>
        time.watch((operate as (...args: ReadonlyArray<unknown>) => Promise<unknown>)(...args)),
    ]),
  ) as unknown as Operations.Operations
  const pipeline: TestPipeline = {
    ...operations,
    post: (body, { url = "/v1/log_event", headers = {} } = {}) => {
      const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body))
      return run(
        life.http.handle({
          method: "POST",
          url,
          headers: {
            "statsig-api-key": key,
            "statsig-client-time": String(time.now()),
            ...headers,
          },
          body: () => Effect.succeed({ bytes, inflated: false }),
        }),
      )
    },
    log: async (...events) => {
      const now = time.now()
      const reply = await pipeline.post({
        events: events.map((event) => ({ user: { userID: "a-user" }, time: now, ...event })),
      })
      if (reply.status !== 202) throw new Error(`the events were refused: ${reply.status} ${reply.body}`)
    },
    advance: time.advance,
    now: time.now,
    setWallClock: time.setWallClock,
    receiver,
    intake: () => run(life.ledger),
    metrics: () => run(life.metering.text),
    deadLetters: async (query = {}) =>
      (await run(Effect.flatMap(DeadLettersPort.DeadLetters, (port) => port.list(query)))).letters,
    attempts: (query = {}) => run(Effect.flatMap(AttemptsPort.Attempts, (port) => port.list(query))),
    addDestination: (destination) => {
      name(destination.id, destination.url)
      return operations.addDestination(destination)
    },
    testDestination: (which) => {
      const { id, destination } = which
      if (destination !== undefined) name(id ?? destination.id, destination.url)
      return operations.testDestination(which)
    },
    changeDestination: (id, changes, expected) => {
      name(id, changes.url)
      return operations.changeDestination(id, changes, expected)
    },
    failStore: (fails) => {
      failing = fails
    },
    crash: async () => {
      life.die()
      // Interrupts what still runs; its finalizers wait for a store that never answers again.
      void life.close()
      await time.settle()
    },
    restart: async (next) => {
      life = await start(next ?? first)
    },
    close: () => life.close(),
    dispose: async () => {
      await life.close()
      await within("the store to close", Effect.runPromise(Scope.close(world, Exit.void)))
    },
  }
  return pipeline
}
