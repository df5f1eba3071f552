import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as HttpIngest from "../../src/intake/HttpIngest.ts"
import { Ingest } from "../../src/intake/Ingest.ts"
import { Codec } from "../../src/ports/Codec.ts"
import { Counters } from "../../src/ports/Counters.ts"
import { DeadLetters } from "../../src/ports/DeadLetters.ts"
import { EntryIds } from "../../src/ports/EntryIds.ts"
import { EventLog } from "../../src/ports/EventLog.ts"
import { Keys } from "../../src/ports/Keys.ts"
import * as Position from "../../src/ports/Position.ts"
import * as Store from "../../src/ports/Store.ts"
import { layerTest } from "./codec.ts"

export const now = 1_700_000_000_000

/** Runs a test under a virtual clock that stands at {@link now}, and prints nothing. */
export const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(Effect.andThen(TestClock.setTime(now), effect)).pipe(
      Effect.provide([TestClock.layer(), Logger.layer([])]),
    ),
  )

/**
 * A layer that keeps what is logged, and what was kept: each line with its annotations, as JSON.
 */
export const capturedLogs = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message, fiber }) => {
    lines.push(JSON.stringify([message, fiber.getRef(References.CurrentLogAnnotations)]))
  })
  return { lines, layer: Logger.layer([logger]) }
}

export interface Wraps {
  readonly codec?: (codec: Codec["Service"]) => Codec["Service"]
  readonly log?: (log: EventLog["Service"]) => EventLog["Service"]
  readonly letters?: (letters: DeadLetters["Service"]) => DeadLetters["Service"]
  readonly counters?: (counters: Counters["Service"]) => Counters["Service"]
}

const wrap = <I, S>(key: Context.Key<I, S>, change: ((service: S) => S) | undefined) =>
  Layer.effect(key, Effect.map(key, change ?? ((service: S) => service)))

const countingIds = Layer.sync(EntryIds, () => {
  let made = 0
  return () => {
    made++
    return made.toString(16).padStart(32, "0")
  }
})

/** The whole intake on a memory store, parts of which a test may replace. */
export const open = Effect.fnUntraced(function* (options: HttpIngest.HttpIngestOptions, wraps: Wraps = {}) {
  const wrapped = Layer.mergeAll(
    wrap(EventLog, wraps.log),
    wrap(DeadLetters, wraps.letters),
    wrap(Counters, wraps.counters),
  )
  const store = Layer.provideMerge(wrapped, Store.layerMemory())
  const services = yield* Layer.build(
    HttpIngest.layer(options).pipe(
      Layer.provideMerge(store),
      Layer.provide(Layer.provide(wrap(Codec, wraps.codec), layerTest)),
      Layer.provide(countingIds),
    ),
  )
  const log = Context.get(services, EventLog)
  return {
    http: Context.get(services, HttpIngest.HttpIngest),
    ingest: Context.get(services, Ingest),
    log,
    letters: Context.get(services, DeadLetters),
    counters: Context.get(services, Counters),
    keys: Context.get(services, Keys),
    stored: log.read(0, Position.origin, { maxEntries: 1000, maxBytes: 1e9 }),
  }
})

export const serverKey = "secret-1"
export const clientKey = "client-1"
export const keys = { server: [serverKey], client: [clientKey] }

export interface RequestInit {
  readonly method?: string
  readonly url?: string
  readonly headers?: HttpIngest.IngestRequest["headers"]
  readonly body?: string | Uint8Array
  readonly inflated?: boolean
  readonly peer?: string
}

/**
 * By default a good request of an SDK with {@link serverKey}; `reads` counts how often its body was
 * asked for.
 */
export const request = (
  init: RequestInit = {},
): HttpIngest.IngestRequest & { readonly reads: () => number } => {
  let reads = 0
  const body = init.body ?? sdkBody()
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body
  return {
    method: init.method ?? "POST",
    url: init.url ?? "/v1/log_event",
    headers: init.headers ?? { "statsig-api-key": serverKey },
    ...(init.peer === undefined ? {} : { peer: init.peer }),
    body: (maxBytes) =>
      Effect.suspend(() => {
        reads++
        return bytes.length > maxBytes
          ? Effect.fail(new HttpIngest.BodyError({ reason: "TooLarge" }))
          : Effect.succeed({ bytes, inflated: init.inflated ?? false })
      }),
    reads: () => reads,
  }
}

export const event = (name = "page_view") => ({
  user: { userID: "u" },
  eventName: name,
  time: now,
})

export const sdkBody = (...events: ReadonlyArray<unknown>): string =>
  JSON.stringify({
    events: events.length === 0 ? [event()] : events,
    statsigMetadata: { sdkType: "js-client" },
  })
