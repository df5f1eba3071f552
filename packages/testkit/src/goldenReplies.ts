import { gzipSync } from "node:zlib"

export interface GoldenRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string>>>
  readonly body: string | Uint8Array
}

export interface GoldenReply {
  readonly name: string
  readonly request: GoldenRequest
  /**
   * To the byte. Hosts add headers of their own (`date`, `content-length`, `connection`), and take
   * none away.
   */
  readonly reply: {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
}

const serverKey = "secret-golden"
const clientKey = "client-golden"

/** What `HttpIngest.layer` has to be given for {@link goldenReplies} to hold. */
export const goldenOptions = {
  keys: { server: [serverKey], client: [clientKey] },
  limits: { bodyBytes: 32 * 1024, inFlightBytes: 1024 * 1024, events: 200 },
} as const

const event = { user: { userID: "u1" }, eventName: "page_view", time: 1_700_000_000_000 }
const one = JSON.stringify({ events: [event] })
const fromSdk = JSON.stringify({ events: [event], statsigMetadata: { sdkType: "js-client" } })
const single = JSON.stringify({ user: { userID: "u1" }, event: "signed_up", timestamp: 1_700_000_000_000 })
const urlVerification = JSON.stringify({ data: { event: "url_verification", verification_code: "a1-b2" } })
const overLimit = " ".repeat(32 * 1024 + 1)
const overExceptionLimit = " ".repeat(64 * 1024 + 1)

/**
 * A frame with one uncompressed block (RFC 8878): every decoder reads it, and no encoder is needed.
 */
const zstd = (text: string): Uint8Array => {
  const data = new TextEncoder().encode(text)
  const block = (data.length << 3) | 1
  const head = [0x28, 0xb5, 0x2f, 0xfd, 0x20, data.length, block & 255, (block >> 8) & 255, block >> 16]
  return Uint8Array.from([...head, ...data])
}

const json = { "content-type": "application/json" }
/** On the routes that browsers call. */
const shared = { ...json, "access-control-allow-origin": "*" }
const key = { "statsig-api-key": serverKey }
const clientTime = { "statsig-client-time": "1700000000000" }
const head = { ...key, ...clientTime, ...json }

const post = (
  url: string,
  headers: GoldenRequest["headers"],
  body: GoldenRequest["body"],
): GoldenRequest => ({
  method: "POST",
  url,
  headers,
  body,
})

const success = { status: 202, headers: shared, body: '{"success":true}' }
const webhookSuccess = { status: 202, headers: json, body: '{"success":true}' }

const refused = (status: number, message: string, headers: Readonly<Record<string, string>> = shared) => ({
  status,
  headers,
  body: JSON.stringify({ message, status }),
})

const unauthorized = refused(401, "missing or invalid statsig-api-key")
const notAllowed = (headers: Readonly<Record<string, string>>) =>
  refused(405, "method not allowed", { ...headers, allow: "POST, OPTIONS" })
const unsupported = refused(415, "content-encoding: expected gzip, zstd or none", {
  ...shared,
  "accept-encoding": "gzip, zstd",
})
const tooLarge = refused(413, "body: larger than 32768 bytes")
const malformed = refused(400, "body: not what its content-encoding or its first bytes say it is")

const knownHeaders =
  "content-type, statsig-api-key, statsig-client-time, statsig-encoded, statsig-event-count, statsig-retry-count, statsig-sdk-type, statsig-sdk-version"
const preflight = (allowedHeaders: string) => ({
  status: 204,
  headers: {
    allow: "POST, OPTIONS",
    "access-control-allow-origin": "https://shop.example",
    "access-control-allow-credentials": "true",
    vary: "origin",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": allowedHeaders,
    "access-control-max-age": "86400",
  },
  body: "",
})

/**
 * What the intake answers to what, on every host and store: each request is independent of the
 * others.
 */
export const goldenReplies: ReadonlyArray<GoldenReply> = [
  { name: "log_event", request: post("/v1/log_event", head, one), reply: success },
  { name: "rgstr", request: post("/v1/rgstr", head, one), reply: success },
  { name: "rgstr_b", request: post("/v1/rgstr_b", head, one), reply: success },
  { name: "log_event_beacon", request: post("/v1/log_event_beacon", head, one), reply: success },
  { name: "without /v1", request: post("/log_event", head, one), reply: success },
  { name: "under a prefix", request: post("/a/b/v1/rgstr", head, one), reply: success },
  { name: "trailing slash", request: post("/v1/log_event/", head, one), reply: success },
  { name: "doubled slashes", request: post("//v1//log_event", head, one), reply: success },
  { name: "no events", request: post("/v1/log_event", head, '{"events":[]}'), reply: success },
  {
    name: "client key",
    request: post("/v1/rgstr", { ...head, "statsig-api-key": clientKey }, one),
    reply: success,
  },
  {
    name: "js-client: everything in the query, text/plain",
    request: post(
      `/v1/rgstr?k=${clientKey}&st=javascript-client&sv=3.33.5&t=1700000000000&sid=s&ec=1`,
      { "content-type": "text/plain;charset=UTF-8" },
      fromSdk,
    ),
    reply: success,
  },
  {
    name: "js-client: gzip that only its first bytes tell",
    request: post(`/v1/rgstr?k=${clientKey}&st=javascript-client&gz=1`, {}, gzipSync(fromSdk)),
    reply: success,
  },
  {
    name: "key in the query by its long name",
    request: post(`/v1/rgstr?statsig-api-key=${serverKey}`, clientTime, one),
    reply: success,
  },
  {
    name: "declared gzip",
    request: post("/v1/log_event", { ...head, "content-encoding": "gzip" }, gzipSync(one)),
    reply: success,
  },
  {
    name: "declared x-gzip, in capitals",
    request: post("/v1/log_event", { ...head, "content-encoding": "X-GZIP" }, gzipSync(one)),
    reply: success,
  },
  {
    name: "declared zstd",
    request: post("/v1/log_event", { ...head, "content-encoding": "zstd" }, zstd(one)),
    reply: success,
  },
  {
    name: "zstd that only its first bytes tell",
    request: post("/v1/log_event", head, zstd(one)),
    reply: success,
  },
  {
    name: "identity",
    request: post("/v1/log_event", { ...head, "content-encoding": "identity" }, one),
    reply: success,
  },
  {
    name: "an odd content type",
    request: post("/v1/log_event", { ...head, "content-type": "nonsense" }, one),
    reply: success,
  },
  {
    name: "one bad event of two, strictly",
    request: post("/v1/log_event", head, JSON.stringify({ events: [event, { ...event, time: "soon" }] })),
    reply: {
      ...success,
      body: '{"success":true,"rejected":[{"index":1,"message":"events[1].time: expected an integer"}]}',
    },
  },
  {
    name: "a missing client time, without an SDK",
    request: post("/v1/log_event", key, one),
    reply: refused(
      400,
      'STATSIG-CLIENT-TIME: missing header (the option `validation: "lenient"` takes requests without it)',
    ),
  },
  { name: "not JSON", request: post("/v1/log_event", head, "{"), reply: refused(400, "body: not JSON") },
  { name: "an empty body", request: post("/v1/log_event", head, ""), reply: refused(400, "body: not JSON") },
  {
    name: "no events in it",
    request: post("/v1/log_event", head, "{}"),
    reply: refused(400, "events: missing"),
  },
  {
    name: "too many events",
    request: post(
      "/v1/log_event",
      head,
      JSON.stringify({ events: Array.from({ length: 201 }, () => event) }),
    ),
    reply: refused(413, "events: more than 200 events"),
  },
  { name: "no key", request: post("/v1/log_event", clientTime, one), reply: unauthorized },
  {
    name: "a wrong key",
    request: post("/v1/log_event", { ...head, "statsig-api-key": "secret-guess" }, one),
    reply: unauthorized,
  },
  {
    name: "a right key twice",
    request: post("/v1/log_event", { ...head, "statsig-api-key": [serverKey, serverKey] }, one),
    reply: unauthorized,
  },
  {
    name: "a wrong key before a body that is too large",
    request: post("/v1/log_event", { ...head, "statsig-api-key": "secret-guess" }, overLimit),
    reply: unauthorized,
  },
  {
    name: "an unknown encoding",
    request: post("/v1/log_event", { ...head, "content-encoding": "br" }, one),
    reply: unsupported,
  },
  {
    name: "two encodings",
    request: post("/v1/log_event", { ...head, "content-encoding": "gzip, gzip" }, gzipSync(gzipSync(one))),
    reply: unsupported,
  },
  {
    name: "a declared gzip that is none",
    request: post("/v1/log_event", { ...head, "content-encoding": "gzip" }, one),
    reply: malformed,
  },
  {
    name: "a gzip that ends early",
    request: post("/v1/log_event", head, gzipSync(one).subarray(0, -9)),
    reply: malformed,
  },
  { name: "a body over the limit", request: post("/v1/log_event", head, overLimit), reply: tooLarge },
  {
    name: "a body over the limit once inflated",
    request: post("/v1/log_event", { ...head, "content-encoding": "gzip" }, gzipSync(overLimit)),
    reply: tooLarge,
  },
  {
    name: "event_webhook, one event",
    request: post("/v1/webhooks/event_webhook", key, single),
    reply: webhookSuccess,
  },
  {
    name: "event_webhook, events",
    request: post("/v1/webhooks/event_webhook", key, one),
    reply: webhookSuccess,
  },
  {
    name: "event_webhook with a client key",
    request: post("/v1/webhooks/event_webhook", { "statsig-api-key": clientKey }, single),
    reply: { ...unauthorized, headers: json },
  },
  {
    name: "event_webhook without a key",
    request: post("/v1/webhooks/event_webhook", json, single),
    reply: { ...unauthorized, headers: json },
  },
  {
    name: "event_webhook without a key, over what is read without one",
    request: post("/v1/webhooks/event_webhook", json, `${urlVerification}${overExceptionLimit}`),
    reply: { ...unauthorized, headers: json },
  },
  {
    name: "event_webhook, Statsig's check of its URL",
    request: post("/v1/webhooks/event_webhook", json, urlVerification),
    reply: { status: 200, headers: json, body: '{"verification_code":"a1-b2"}' },
  },
  { name: "sdk_exception", request: post("/v1/sdk_exception", json, '{"tag":"x"}'), reply: success },
  { name: "rgstr_e", request: post("/v1/rgstr_e", {}, "no JSON"), reply: success },
  {
    name: "sdk_exception over its limit",
    request: post("/v1/sdk_exception", {}, overExceptionLimit),
    reply: refused(413, "body: larger than 65536 bytes"),
  },
  {
    name: "GET on a known path",
    request: { method: "GET", url: "/v1/log_event", headers: {}, body: "" },
    reply: notAllowed(shared),
  },
  {
    name: "PUT on the event webhook",
    request: { method: "PUT", url: "/v1/webhooks/event_webhook", headers: key, body: single },
    reply: notAllowed(json),
  },
  {
    name: "preflight",
    request: {
      method: "OPTIONS",
      url: `/v1/rgstr?k=${clientKey}`,
      headers: { origin: "https://shop.example", "access-control-request-method": "POST" },
      body: "",
    },
    reply: preflight(knownHeaders),
  },
  {
    name: "a page that asks with credentials, as beacons do",
    request: post("/v1/log_event", { ...head, origin: "https://shop.example" }, one),
    reply: {
      ...success,
      headers: {
        ...json,
        "access-control-allow-origin": "https://shop.example",
        "access-control-allow-credentials": "true",
        vary: "origin",
      },
    },
  },
  {
    name: "a charset where a coding is asked for",
    request: post("/v1/log_event", { ...head, "content-encoding": "UTF-8" }, one),
    reply: success,
  },
  {
    name: "preflight that asks for another header",
    request: {
      method: "OPTIONS",
      url: "/v1/log_event",
      headers: {
        origin: "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-request-service",
      },
      body: "",
    },
    reply: preflight(`${knownHeaders}, x-request-service`),
  },
  {
    name: "OPTIONS on the event webhook",
    request: { method: "OPTIONS", url: "/v1/webhooks/event_webhook", headers: {}, body: "" },
    reply: { status: 204, headers: { allow: "POST, OPTIONS" }, body: "" },
  },
]
