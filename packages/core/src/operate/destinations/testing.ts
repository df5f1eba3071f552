import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { InvalidOptions } from "../../base/InvalidOptions.ts"
import { monotonicMillisOf } from "../../base/monotonic.ts"
import { headerNames } from "../../base/Signature.ts"
import * as Batch from "../../deliver/lane/Batch.ts"
import { placeId } from "../../deliver/lane/batchBuckets.ts"
import type { Layout } from "../../deliver/lane/layout.ts"
import { secretsIn, withoutSecrets } from "../../deliver/send/secretTexts.ts"
import * as LetterEvent from "../../entry/deadLetterEvent.ts"
import type { Sink } from "../../ports/Sink.ts"
import {
  maxReplyLength,
  Transport,
  type TransportReply,
  type TransportRequest,
} from "../../ports/Transport.ts"
import type { Destination } from "../../select/Destination.ts"
import type { ExportRule } from "../../select/Export.ts"
import { originOf, writerOf } from "../../select/sentEvents.ts"
import type { TestDelivery } from "../rows/destinations.ts"
import { maxShown } from "../rows/events.ts"
import { advice } from "./advice.ts"
import { mask } from "./masking.ts"

/** ms. Somebody waits for it, whatever the destination's own time-out is. */
const longestTimeout = 30_000

export interface TestOptions {
  readonly destination: Destination
  readonly exportRule: ExportRule
  readonly layout: Layout
  /** Opens the destination's sink over another transport than the usual one. */
  readonly open: (
    destination: Destination,
    through: (transport: Transport["Service"]) => Transport["Service"],
  ) => Effect.Effect<Sink, InvalidOptions, Scope.Scope>
  readonly nextId: () => string
}

/** What may be shown of any request: the form of the body, and a signature of this test alone. */
const shownHeaders: ReadonlySet<string> = new Set([
  "content-type",
  "content-encoding",
  "user-agent",
  ...Object.values(headerNames),
])

/** A header of the destination's own is masked, whatever its name is. */
const isShown = (name: string, { headers }: Destination): boolean =>
  shownHeaders.has(name) && !Object.keys(headers).some((own) => own.toLowerCase() === name)

const testEvent = (now: number): string =>
  JSON.stringify({
    eventName: "millrace_test",
    user: { userID: "millrace-test" },
    time: now,
    value: null,
    metadata: { test: "true" },
    statsigMetadata: {},
  })

/** What a URL carries that a receiver might show again. */
const secretsOfUrl = (url: string): Readonly<Record<string, string>> => {
  if (!URL.canParse(url)) return {}
  const { username, password, searchParams } = new URL(url)
  const credentials = username === "" && password === "" ? "" : btoa(`${username}:${password}`)
  return { username, password, credentials, ...Object.fromEntries(searchParams) }
}

/**
 * Sends one event as the destination would be sent it: through its sink, its transport and the
 * guard of addresses, but once, past its filter and its limits, and counted nowhere. Fails with
 * `InvalidOptions` when the destination cannot be opened, or its own code fails on the event.
 */
export const sendTest = Effect.fnUntraced(function* (options: TestOptions) {
  const { exportRule, layout, open, nextId } = options
  const destination = {
    ...options.destination,
    timeout: Math.min(options.destination.timeout, longestTimeout),
  }
  const clock = yield* Clock.Clock
  const now = clock.currentTimeMillisUnsafe()
  const entry = LetterEvent.readEntry(testEvent(now), now)!
  const origin = originOf(entry, exportRule)
  const id = nextId()
  const timeUUID = placeId({ entryId: id, time: now, index: 0 })
  const builder = Batch.make(destination.batch, layout)
  const error = writerOf(entry, exportRule, () => timeUUID)(entry.events[0]!, 0, builder.begin(origin)!)
  if (error !== null) {
    return yield* new InvalidOptions({ problems: [{ path: "transform", message: error.message }] })
  }
  builder.commit()
  const body = builder.close().body([0, 1])

  let request: TransportRequest | null = null
  let reply: TransportReply | null = null
  const watched = (transport: Transport["Service"]): Transport["Service"] =>
    Transport.of({
      send: (asked) => {
        request = asked
        return Effect.tap(transport.send({ ...asked, wantsDetails: true }), (answered) =>
          Effect.sync(() => {
            reply = answered
          }),
        )
      },
    })
  const sink = yield* open(destination, watched)
  const began = monotonicMillisOf(clock)
  const verdict = yield* sink.send({
    ...{ id: `msg_${id}`, first: timeUUID, last: timeUUID, count: 1, body, origin },
  })
  const duration = monotonicMillisOf(clock) - began

  const sent = Object.entries((request as TransportRequest | null)?.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  )
  const secrets = secretsIn({
    ...Object.fromEntries(sent.filter(([name]) => !isShown(name, destination))),
    ...secretsOfUrl(destination.url),
  })
  const clean = (text: string): string => withoutSecrets(secrets, text)
  const answered = reply as TransportReply | null
  const { details } = answered ?? {}
  const headers = Object.fromEntries(
    Object.entries(details?.headers ?? {}).map(([name, value]) => [name, clean(value)]),
  )
  const { outcome, status, noReply } = verdict
  const said = verdict.error === null ? null : clean(verdict.error)
  const delivery: TestDelivery = {
    outcome,
    status,
    error: said,
    headers,
    body: clean(answered?.body ?? "").slice(0, maxReplyLength),
    duration,
    timing:
      details === undefined
        ? null
        : { dns: null, connect: details.connect, tls: null, firstByte: details.firstByte },
    address: details?.address ?? null,
    advice: advice({
      ...{ outcome, status, noReply, error: said, timeout: destination.timeout },
      ...{ location: headers["location"], hasHeaders: Object.keys(destination.headers).length > 0 },
    }),
    request: {
      headers: Object.fromEntries(
        sent.map(([name, value]) => [name, isShown(name, destination) ? value : mask]),
      ),
      body: new TextDecoder().decode(body.subarray(0, maxShown)),
    },
  }
  return delivery
}, Effect.scoped)
