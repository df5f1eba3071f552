import {
  type Destination,
  InvalidOptions,
  type RequestOrigin,
  type SinkBatch,
  type SinkKind,
  type SinkReply,
  Transport,
} from "@millrace/core"
import {
  Codec,
  DestinationConnection,
  hex,
  keyIdOf,
  Layout,
  OverHttp,
  RelayMark,
  SecretReader,
} from "@millrace/core/host"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

export interface RelayOptions {
  /** Where events go: an origin, `https://statsigapi.net`. */
  readonly events: string
  /**
   * The keys of the Statsig project that senders show here: what came with one of them goes on with
   * it.
   */
  readonly keys: ReadonlyArray<string>
  /** What the events of all other senders go on with. */
  readonly serverKey: string | null
}

/** What the URL of a destination that is Statsig begins with, and all of it. */
export const scheme = "statsig:"

/** Options of a destination that mean nothing where the other end is Statsig. */
const meaningless = (destination: Destination.Destination) => [
  ...(destination.signing.standardWebhooks.length > 0 || destination.signing.statsig !== null
    ? ["signing"]
    : []),
  ...(destination.format === "array" ? [] : ["format"]),
  ...(Object.keys(destination.headers).length > 0 ? ["headers"] : []),
  ...(destination.compress === null ? [] : ["compress"]),
  ...(destination.transform === undefined ? [] : ["transform"]),
]

const keyless = {
  path: "url",
  message:
    "there is no key to send to Statsig with: give the project's keys as `keys`, or one as `statsig.serverKey`",
}

const problemsOf = (destination: Destination.Destination) =>
  meaningless(destination).map((path) => ({
    path,
    message: 'has no meaning for "statsig:", where events go on as their SDKs sent them',
  }))

/** The events of one request, with what it said for all of them beside these. */
const layout: Layout.Layout = Layout.framed(
  '{"events":[',
  ",",
  (origin) => `],"statsigMetadata":${origin?.statsigMetadata ?? "{}"}}`,
)

/** What a sender has put there may be no header's value, and then says nothing. */
const sendable = (name: string, value: string | null): Readonly<Record<string, string>> =>
  value !== null && /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(value) ? { [name]: value } : {}

const noKey: SinkReply = {
  outcome: "misconfigured",
  status: null,
  noReply: null,
  error:
    "these events came without a key of the Statsig project: add the key that their sender shows to `keys`, or set `statsig.serverKey`",
  retryAfter: null,
  neverLeft: true,
  isBodyFree: true,
}

/** What Statsig says only to who is set up wrongly, in words that say what to do. */
const setUp: Readonly<Record<number, string>> = {
  401: "Statsig does not know the key that these events came with",
  402: "the Statsig project may log no more events: see its plan",
  403: "Statsig does not let the key that these events came with log events",
  508: "the relay leads back to this server: `statsig.upstream.events` has to be Statsig's",
}

const explained = (reply: SinkReply): SinkReply => {
  const wrong = reply.status === null ? undefined : setUp[reply.status]
  return wrong === undefined
    ? reply
    : { ...reply, outcome: "misconfigured", error: `answered ${reply.status}: ${wrong}` }
}

/**
 * A destination of the kind `statsig:`, which takes the place of the SDKs: it sends what was
 * accepted on to Statsig, in their form and with their keys. One request has one key and one
 * `statsigMetadata`. Times are corrected already, so `statsig-client-time` is the time of sending,
 * and Statsig finds no skew to correct.
 */
export const relay = ({ events, keys, serverKey }: RelayOptions): SinkKind => ({
  schemes: [scheme],
  form: "sent",
  layout: () => layout,
  open: Effect.fnUntraced(function* (destination) {
    const isKeyless = keys.length === 0 && serverKey === null
    const problems = [...(isKeyless ? [keyless] : []), ...problemsOf(destination)]
    if (problems.length > 0) return yield* new InvalidOptions({ problems })
    const connection = DestinationConnection.resolve(destination, yield* SecretReader, [])
    if (Result.isFailure(connection)) return yield* new InvalidOptions({ problems: connection.failure })
    const way = connection.success === null ? {} : { connection: connection.success }
    const codec = yield* Codec.Codec
    const transport = yield* Transport.Transport
    const relayId = yield* RelayMark.RelayId
    const byId = new Map(keys.map((key) => [keyIdOf(hex(codec.sha256(key))), key]))
    const url = new URL("/v1/log_event", events).href

    const keyOf = ({ keyId }: RequestOrigin): string | undefined =>
      (keyId === null ? undefined : byId.get(keyId)) ?? serverKey ?? undefined

    const headersFor = (key: string, origin: RequestOrigin, count: number, now: number) => ({
      "content-type": "application/json",
      "content-encoding": "gzip",
      "user-agent": "millrace",
      "statsig-api-key": key,
      "statsig-client-time": String(now),
      "statsig-event-count": String(count),
      ...sendable("statsig-sdk-type", origin.sdkType),
      ...sendable("statsig-sdk-version", origin.sdkVersion),
      ...sendable("x-forwarded-for", origin.ip),
      [RelayMark.header]: RelayMark.withOwn(origin.relayedBy, relayId),
    })

    return {
      send: Effect.fnUntraced(function* ({ body: written, origin, count }: SinkBatch) {
        const key = origin === null ? undefined : keyOf(origin)
        if (key === undefined || origin === null) return noKey
        const body = yield* codec.gzip(written)
        const headers = headersFor(key, origin, count, yield* Clock.currentTimeMillis)
        const { timeout } = destination
        return explained(yield* OverHttp.attempt(transport, { url, headers, body, timeout, ...way }))
      }),
    }
  }),
})
