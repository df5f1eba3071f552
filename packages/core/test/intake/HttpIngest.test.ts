/** Over 400 lines because every status and header of the routes has its case here. */
import { gzipSync } from "node:zlib"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it, vi } from "vitest"
import { spanNames } from "../../src/base/Telemetry.ts"
import { BodyError, type HttpIngestOptions } from "../../src/intake/HttpIngest.ts"
import * as Wire from "../../src/intake/Wire.ts"
import { CodecError } from "../../src/ports/Codec.ts"
import type { EventLog } from "../../src/ports/EventLog.ts"
import { StoreError, type StoreReason } from "../../src/ports/StoreError.ts"
import {
  capturedLogs,
  clientKey,
  event,
  keys,
  open,
  type RequestInit,
  request,
  run,
  sdkBody,
  serverKey,
} from "../support/intake.ts"

const failing = (reason: StoreReason) => (log: EventLog["Service"]) => ({
  ...log,
  append: () => Effect.fail(new StoreError({ reason, message: "secret-1 at postgres://user:password@host" })),
})

/** One request to a fresh intake, and how often its body was read. */
const ask = Effect.fnUntraced(function* (init: RequestInit, options: HttpIngestOptions = { keys }) {
  const { http } = yield* open(options)
  const asked = request(init)
  const reply = yield* http.handle(asked)
  return { ...reply, reads: asked.reads() }
})

describe("matches", () => {
  it("knows our paths whatever the method, and leaves the others to the host", () =>
    run(
      Effect.gen(function* () {
        const { http } = yield* open({ keys })
        expect(http.matches("/v1/log_event?k=1")).toBe(true)
        expect(http.matches("/api/v1/webhooks/event_webhook")).toBe(true)
        expect(http.matches("/healthz")).toBe(false)
        expect(yield* http.handle(request({ url: "/healthz" }))).toEqual({
          status: 404,
          headers: { "content-type": "application/json" },
          body: '{"message":"not found","status":404}',
        })
      }),
    ))
})

describe("a span", () => {
  it("is made of each request for whoever has given a tracer", () => {
    const spans: Array<string> = []
    const tracer = Tracer.make({
      span: (options) => {
        spans.push(options.name)
        return new Tracer.NativeSpan(options)
      },
    })
    return run(
      Effect.gen(function* () {
        const reply = yield* ask({ body: sdkBody() }).pipe(Effect.provideService(Tracer.Tracer, tracer))
        expect(reply.status).toBe(202)
        expect(spans).toEqual([spanNames.intake, spanNames.append])
      }),
    )
  })
})

describe("method", () => {
  it.each(["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "post", ""])("answers %j with 405", (method) =>
    run(
      Effect.gen(function* () {
        const reply = yield* ask({ method, headers: {} })
        expect(reply.status).toBe(405)
        expect(reply.headers["allow"]).toBe("POST, OPTIONS")
        expect(reply.reads).toBe(0)
      }),
    ),
  )
})

describe("key", () => {
  const unauthorized = '{"message":"missing or invalid statsig-api-key","status":401}'
  const wrong: ReadonlyArray<readonly [string, RequestInit]> = [
    ["missing", { headers: {} }],
    ["empty", { headers: { "statsig-api-key": "" } }],
    ["wrong", { headers: { "statsig-api-key": "secret-2" } }],
    ["in another case", { headers: { "statsig-api-key": "SECRET-1" } }],
    ["a prefix", { headers: { "statsig-api-key": "secret-" } }],
    ["twice as lines", { headers: { "statsig-api-key": [serverKey, serverKey] } }],
    ["twice, joined", { headers: { "statsig-api-key": `${serverKey}, ${serverKey}` } }],
    ["no line", { headers: { "statsig-api-key": [] } }],
    [
      "wrong in the header, right in the query",
      { url: `/v1/rgstr?k=${serverKey}`, headers: { "statsig-api-key": "x" } },
    ],
    ["twice in the query", { url: `/v1/rgstr?k=${serverKey}&k=${serverKey}`, headers: {} }],
    [
      "wrong as k, right by the long name",
      { url: `/v1/rgstr?k=x&statsig-api-key=${serverKey}`, headers: {} },
    ],
    ["empty in the query", { url: "/v1/rgstr?k=", headers: {} }],
    [
      "a client key for the event webhook",
      { url: "/v1/webhooks/event_webhook", headers: { "statsig-api-key": clientKey } },
    ],
  ]

  it.each(wrong)("%s: the same 401, before encoding, length and body", (_, init) =>
    run(
      Effect.gen(function* () {
        const headers = { ...init.headers, "content-encoding": "br", "content-length": "99999999" }
        const reply = yield* ask({ ...init, headers })
        expect(reply).toMatchObject({ status: 401, body: unauthorized, reads: 0 })
      }),
    ),
  )

  const right: ReadonlyArray<readonly [string, RequestInit]> = [
    ["header", { headers: { "statsig-api-key": serverKey } }],
    ["one line in a list", { headers: { "statsig-api-key": [serverKey] } }],
    ["?k=", { url: `/v1/rgstr?k=${clientKey}`, headers: {} }],
    ["?k= percent-encoded", { url: "/v1/rgstr?k=client%2D1", headers: {} }],
    ["?statsig-api-key=", { url: `/v1/rgstr?statsig-api-key=${clientKey}`, headers: {} }],
    [
      "an empty header does not hide the query",
      { url: `/v1/rgstr?k=${clientKey}`, headers: { "statsig-api-key": "" } },
    ],
    ["absolute URL", { url: `http://host/v1/log_event?k=${clientKey}`, headers: {} }],
  ]

  it.each(right)("%s is accepted", (_, init) =>
    run(
      Effect.gen(function* () {
        expect((yield* ask(init)).status).toBe(202)
      }),
    ),
  )

  it("asks nobody for a key when that was asked for", () =>
    run(
      Effect.gen(function* () {
        expect((yield* ask({ headers: {} }, { keys: "none" })).status).toBe(202)
        const single = {
          url: "/v1/webhooks/event_webhook",
          headers: {},
          body: JSON.stringify({ events: [event()] }),
        }
        expect((yield* ask(single, { keys: "none" })).status).toBe(202)
      }),
    ))
})

describe("encoding", () => {
  const plain = sdkBody()

  it.each(["br", "deflate", "gzip, gzip", "gzip,zstd", "compress", "identity, br", "utf-8, deflate"])(
    "%s is refused before the body is read, naming what is supported",
    (coding) =>
      run(
        Effect.gen(function* () {
          const reply = yield* ask({ headers: { "statsig-api-key": serverKey, "content-encoding": coding } })
          expect(reply).toMatchObject({ status: 415, reads: 0 })
          expect(reply.headers["accept-encoding"]).toBe("gzip, zstd")
          expect(reply.body).toContain("gzip, zstd")
        }),
      ),
  )

  it.each([
    ["", plain],
    ["identity", plain],
    [" Identity ,", plain],
    ["", gzipSync(plain)],
    ["UTF-8", plain],
    ["utf8", plain],
    ["none", plain],
    ["binary", plain],
    ["*", plain],
    ["application/json", plain],
    ["aws-chunked", plain],
    ["aws-chunked, gzip", gzipSync(plain)],
    ["utf-8", gzipSync(plain)],
    ["identity", gzipSync(plain)],
    ["gzip", gzipSync(plain)],
    ["identity, GZIP", gzipSync(plain)],
    [["x-gzip"], gzipSync(plain)],
  ])("%j is read", (coding, body) =>
    run(
      Effect.gen(function* () {
        const headers = { "statsig-api-key": serverKey, "content-encoding": coding }
        expect((yield* ask({ headers, body })).status).toBe(202)
      }),
    ),
  )

  it("counts nothing but first bytes when the host has inflated the body", () =>
    run(
      Effect.gen(function* () {
        const headers = { "statsig-api-key": serverKey, "content-encoding": "gzip" }
        expect((yield* ask({ headers, body: plain, inflated: true })).status).toBe(202)
        expect((yield* ask({ headers, body: gzipSync(plain), inflated: true })).status).toBe(202)
      }),
    ))

  it.each([
    ["gzip", gzipSync(plain)],
    ["zstd", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x02)],
  ])("says of %s bytes that they were read as text, whatever the headers are", (coding, bytes) =>
    run(
      Effect.gen(function* () {
        const body = new TextEncoder().encode(new TextDecoder().decode(bytes))
        for (const declared of [{}, { "content-encoding": coding }])
          for (const inflated of [false, true]) {
            const headers = { "statsig-api-key": serverKey, ...declared }
            const reply = yield* ask({ headers, body, inflated })
            expect(reply.status).toBe(400)
            expect(reply.body).toContain("read as text")
          }
      }),
    ),
  )

  it.each(["gzip", "zstd"])("takes an SDK's plain JSON under a %s that a gateway has left behind", (coding) =>
    run(
      Effect.gen(function* () {
        const headers = { "statsig-api-key": serverKey, "content-encoding": coding }
        expect((yield* ask({ headers, body: plain })).status).toBe(202)
        const shown = { ...headers, "statsig-sdk-type": "py-server" }
        expect((yield* ask({ headers: shown, body: JSON.stringify({ events: [event()] }) })).status).toBe(202)
        // From anybody else, and for what is no JSON either, the header counts.
        const unshown = { ...headers, "statsig-client-time": "1700000000000" }
        const refused = yield* ask({ headers: unshown, body: JSON.stringify({ events: [event()] }) })
        expect(refused.status).toBe(400)
        expect(refused.body).toContain("not what its content-encoding")
        expect((yield* ask({ headers: shown, body: "no JSON" })).status).toBe(400)
      }),
    ),
  )

  it("finds that out of a large body without parsing it in one go", () =>
    run(
      Effect.gen(function* () {
        const parse = vi.spyOn(JSON, "parse")
        const headers = { "statsig-api-key": serverKey, "content-encoding": "gzip" }
        const events = Array.from({ length: 2_000 }, () => event())
        const fromSdk = JSON.stringify({ events, statsigMetadata: { sdkType: "py-server" } })
        expect((yield* ask({ headers, body: fromSdk })).status).toBe(202)
        const unshown = { ...headers, "statsig-client-time": "1700000000000" }
        expect((yield* ask({ headers: unshown, body: JSON.stringify({ events }) })).status).toBe(400)
        const longest = Math.max(0, ...parse.mock.calls.map(([text]) => text.length))
        parse.mockRestore()
        expect(longest).toBeLessThan(Wire.atOnce)
      }),
    ))
})

describe("what headers and query say of an SDK", () => {
  it("is cut where it is longer than any SDK's", () =>
    run(
      Effect.gen(function* () {
        const { http, stored } = yield* open({ keys })
        const headers = {
          ...{ "statsig-api-key": serverKey, "statsig-sdk-type": "t".repeat(5000) },
          "statsig-sdk-version": "é".repeat(5000),
        }
        const asked = request({
          url: `/v1/rgstr?sid=${"s".repeat(5000)}`,
          headers,
          body: '{"events":[{"eventName":"e"}]}',
        })
        expect((yield* http.handle(asked)).status).toBe(202)
        const [entry] = yield* stored
        expect(JSON.parse(entry!.envelope)).toMatchObject({
          ...{ sdkType: "t".repeat(128), sdkVersion: "é".repeat(64), sessionID: "s".repeat(128) },
        })
      }),
    ))
})

describe("size", () => {
  const headersWith = (length: string) => ({ "statsig-api-key": serverKey, "content-length": length })

  it("refuses a declared length over the limit unread, and names the limit", () =>
    run(
      Effect.gen(function* () {
        const reply = yield* ask({ headers: headersWith("10485761") })
        expect(reply).toMatchObject({ status: 413, reads: 0 })
        expect(reply.body).toContain("10485760")
      }),
    ))

  it.each(["10485760", "", "x", "-1", "1e99"])("leaves a declared length of %j to the host", (length) =>
    run(
      Effect.gen(function* () {
        expect(yield* ask({ headers: headersWith(length) })).toMatchObject({ status: 202, reads: 1 })
      }),
    ),
  )

  it("applies the limit to what was inflated", () =>
    run(
      Effect.gen(function* () {
        const body = gzipSync(sdkBody(event("x".repeat(5000))))
        const limits = { bodyBytes: 4096 }
        expect(body.length).toBeLessThan(1000)
        expect(yield* ask({ body }, { keys, limits })).toMatchObject({
          status: 413,
          body: '{"message":"body: larger than 4096 bytes","status":413}',
        })
      }),
    ))

  it("never lets the codec make more than the limit", () =>
    run(
      Effect.gen(function* () {
        const asked: Array<number> = []
        const { http } = yield* open(
          { keys, limits: { bodyBytes: 4096 } },
          {
            codec: (codec) => ({
              ...codec,
              decompress: (compression, bytes, maxBytes) => {
                asked.push(maxBytes)
                return codec.decompress(compression, bytes, maxBytes)
              },
            }),
          },
        )
        yield* http.handle(request({ body: gzipSync(sdkBody()) }))
        expect(asked).toEqual([4096])
      }),
    ))

  it("no compressed body waits for another one's", () =>
    run(
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        let running = 0
        const { http } = yield* open(
          { keys },
          {
            codec: (codec) => ({
              ...codec,
              decompress: (...call) =>
                Effect.suspend(() => {
                  running++
                  return Effect.andThen(Deferred.await(gate), codec.decompress(...call))
                }),
            }),
          },
        )
        const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () =>
          Effect.forkChild(http.handle(request({ body: gzipSync(sdkBody()) })), { startImmediately: true }),
        )
        expect(running).toBe(20)
        yield* Deferred.succeed(gate, undefined)
        expect(new Set((yield* Fiber.joinAll(fibers)).map(({ status }) => status))).toEqual(new Set([202]))
      }),
    ))

  it.each([
    ["TooLarge", 413, "body: larger than 10485760 bytes"],
    ["RatioTooLarge", 413, "body: it would inflate to hundreds of times its size"],
    ["WindowTooLarge", 413, "body: its zstd window is larger than 8 MiB and than any body may be"],
    ["Wasteful", 400, "body: zstd in more blocks than its content can need"],
    ["Malformed", 400, "body: not what its content-encoding or its first bytes say it is"],
    ["Overloaded", 503, "too many requests at once"],
  ] as const)("says what is wrong with a compressed body: %s", (reason, status, message) =>
    run(
      Effect.gen(function* () {
        const failing = { decompress: () => Effect.fail(new CodecError({ reason })) }
        const { http } = yield* open({ keys }, { codec: (codec) => ({ ...codec, ...failing }) })
        const reply = yield* http.handle(request({ body: gzipSync(sdkBody()) }))
        expect(reply.status).toBe(status)
        expect(JSON.parse(String(reply.body))).toMatchObject({ message, status })
      }),
    ),
  )

  it("gives an SDK's report of its own failure 64 KB and no key, and keeps nothing of it", () =>
    run(
      Effect.gen(function* () {
        const { http, stored } = yield* open({ keys })
        const report = (init: RequestInit) =>
          http.handle(request({ url: "/v1/sdk_exception", headers: {}, ...init }))
        expect((yield* report({ body: "x".repeat(65536) })).body).toBe('{"success":true}')
        expect((yield* report({ body: "x".repeat(65537) })).status).toBe(413)
        expect((yield* report({ headers: { "content-length": "65537" } })).status).toBe(413)
        expect(yield* stored).toEqual([])
      }),
    ))
})

describe("body errors", () => {
  it.each([
    ["TooLarge", 413],
    ["Aborted", 400],
    ["TimedOut", 408],
    ["Overloaded", 503],
    ["Consumed", 500],
    ["FormParsed", 400],
  ] as const)("%s is %d", (reason, status) =>
    run(
      Effect.gen(function* () {
        const { http } = yield* open({ keys })
        for (const url of ["/v1/log_event", "/v1/sdk_exception"]) {
          const asked = { ...request({ url }), body: () => Effect.fail(new BodyError({ reason })) }
          const reply = yield* http.handle(asked)
          expect(reply.status).toBe(status)
          expect(JSON.parse(String(reply.body)).status).toBe(status)
        }
      }),
    ),
  )

  it("tell who mounted us too late what to do, in the reply and in the log", () => {
    const { lines, layer } = capturedLogs()
    return run(
      Effect.gen(function* () {
        const { http } = yield* open({ keys })
        const asked = { ...request(), body: () => Effect.fail(new BodyError({ reason: "Consumed" })) }
        expect((yield* http.handle(asked)).body).toContain("mount Millrace before its body parsers")
        yield* http.handle(asked)
        expect(lines).toHaveLength(1)
        expect(lines[0]).toContain("mount Millrace before its body parsers")
      }).pipe(Effect.provide(layer)),
    )
  })

  it("that its parser left are taken, and said once to be what it lets pass", () => {
    const { lines, layer } = capturedLogs()
    return run(
      Effect.gen(function* () {
        const { http } = yield* open({ keys })
        const bytes = new TextEncoder().encode(sdkBody())
        const body = { bytes, inflated: true, parsed: true }
        const parsed = { ...request(), body: () => Effect.succeed(body) }
        for (let n = 0; n < 3; n++) {
          expect((yield* http.handle(parsed)).status).toBe(202)
          yield* TestClock.adjust("1 hour")
        }
        expect(lines).toHaveLength(1)
        expect(lines[0]).toContain("a body parser of the host runs before Millrace")
      }).pipe(Effect.provide(layer)),
    )
  })
})

describe("receipt", () => {
  it("lists a hundred rejected events, then their number", () =>
    run(
      Effect.gen(function* () {
        const bad = (count: number) =>
          sdkBody(event(), ...Array.from({ length: count }, () => ({ eventName: "" })))
        const hundred = JSON.parse(String((yield* ask({ body: bad(100) })).body))
        expect(hundred.rejected).toHaveLength(100)
        expect(hundred.rejected[0].index).toBe(1)
        expect(Object.keys(hundred.rejected[0])).toEqual(["index", "message"])
        expect(hundred).not.toHaveProperty("rejectedCount")
        const more = JSON.parse(String((yield* ask({ body: bad(101) })).body))
        expect(more).toMatchObject({ success: true, rejectedCount: 101 })
        expect(more.rejected).toHaveLength(100)
      }),
    ))
})

describe("store", () => {
  it.each(["Full", "Unavailable", "Closed", "Corrupt", "Incompatible"] as const)(
    "%s is 503 with Retry-After, and nothing of the store is shown",
    (_tag) =>
      run(
        Effect.gen(function* () {
          const { http } = yield* open({ keys }, { log: failing({ _tag }) })
          const reply = yield* http.handle(request())
          expect(reply.status).toBe(503)
          expect(reply.headers["retry-after"]).toMatch(/^[1-9]\d*$/)
          expect(JSON.parse(String(reply.body))).toEqual({
            success: false,
            status: 503,
            message: expect.any(String),
          })
          expect(reply.body).not.toMatch(/secret|password|postgres/)
        }),
      ),
  )

  it("takes an append that the store interrupted for a store that is closed", () =>
    run(
      Effect.gen(function* () {
        const { http, ingest } = yield* open(
          { keys },
          { log: (log) => ({ ...log, append: () => Effect.interrupt }) },
        )
        expect((yield* http.handle(request())).status).toBe(503)
        expect((yield* ingest.ledger).failed).toBe(1)
      }),
    ))

  it("logs a store that fails once a minute, without keys or values", () => {
    const { lines, layer } = capturedLogs()
    return run(
      Effect.gen(function* () {
        const { http } = yield* open({ keys }, { log: failing({ _tag: "Unavailable" }) })
        yield* http.handle(request())
        yield* http.handle(request())
        expect(lines).toHaveLength(1)
        yield* TestClock.adjust("1 minute")
        yield* http.handle(request())
        expect(lines).toHaveLength(2)
      }).pipe(Effect.provide(layer)),
    )
  })
})

describe("defects", () => {
  it("are 500 and logged, and neither shows what was at hand", () => {
    const { lines, layer } = capturedLogs()
    const bug = () => Effect.die(new TypeError("cannot read page_view\n    at secret-1"))
    return run(
      Effect.gen(function* () {
        const { http, ingest } = yield* open({ keys }, { log: (log) => ({ ...log, append: bug }) })
        const reply = yield* http.handle(request())
        expect(reply).toMatchObject({ status: 500, body: '{"message":"internal error","status":500}' })
        expect(reply.headers["access-control-allow-origin"]).toBe("*")
        expect(lines).toHaveLength(1)
        expect(lines[0]).toContain("TypeError")
        expect(lines[0]).toContain("HttpIngest.test.ts")
        expect(lines[0]).not.toMatch(/page_view|secret/)
        expect(yield* ingest.ledger).toMatchObject({ received: 1, failed: 1 })
        const throwing = {
          ...request(),
          body: () => {
            throw new Error("bug of a host")
          },
        }
        expect((yield* http.handle(throwing)).status).toBe(500)
      }).pipe(Effect.provide(layer)),
    )
  })
})

describe("CORS", () => {
  const origin = "https://shop.example"

  it("is on errors too, and not on the event webhook", () =>
    run(
      Effect.gen(function* () {
        expect((yield* ask({ headers: { origin } })).headers).toMatchObject({
          "access-control-allow-origin": origin,
          "access-control-allow-credentials": "true",
          vary: "origin",
        })
        const webhook = yield* ask({ url: "/v1/webhooks/event_webhook", headers: { origin } })
        expect(webhook.headers).toEqual({ "content-type": "application/json" })
      }),
    ))

  it("allows the origins listed, and tells caches", () =>
    run(
      Effect.gen(function* () {
        const options: HttpIngestOptions = { keys, cors: { origins: [origin] } }
        for (const method of ["POST", "OPTIONS", "GET"]) {
          const allowed = yield* ask({ method, headers: { origin, "statsig-api-key": serverKey } }, options)
          expect(allowed.headers).toMatchObject({ "access-control-allow-origin": origin, vary: "origin" })
          const other = yield* ask({ method, headers: { origin: "https://evil.example" } }, options)
          expect(other.headers["vary"]).toBe("origin")
          expect(Object.keys(other.headers).filter((name) => name.startsWith("access-control-"))).toEqual([])
        }
      }),
    ))

  it("can be left to the host", () =>
    run(
      Effect.gen(function* () {
        const options: HttpIngestOptions = { keys, cors: false }
        expect((yield* ask({}, options)).headers).toEqual({ "content-type": "application/json" })
        const preflight = yield* ask({ method: "OPTIONS", headers: { origin } }, options)
        expect(preflight).toMatchObject({ status: 204, headers: { allow: "POST, OPTIONS" }, body: "" })
      }),
    ))
})

describe("close", () => {
  it("answers what has begun, refuses what is new, and may be called again", () =>
    run(
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const { http, stored } = yield* open({ keys })
        const slow = request()
        const body = slow.body
        const begun = yield* Effect.forkChild(
          http.handle({ ...slow, body: (limit) => Effect.andThen(Deferred.await(gate), body(limit)) }),
          { startImmediately: true },
        )
        const closing = yield* Effect.forkChild(http.close, { startImmediately: true })
        const late = yield* http.handle(request())
        expect(late.status).toBe(503)
        expect(late.headers["retry-after"]).toBeDefined()
        expect((yield* http.handle(request({ url: "/v1/rgstr_e", headers: {} }))).status).toBe(503)
        expect((yield* http.handle(request({ headers: {} }))).status).toBe(401)
        expect((yield* http.handle(request({ method: "OPTIONS" }))).status).toBe(204)
        expect(closing.pollUnsafe()).toBeUndefined()
        yield* Deferred.succeed(gate, undefined)
        expect((yield* Fiber.join(begun)).status).toBe(202)
        yield* Fiber.join(closing)
        yield* http.close
        expect(yield* stored).toHaveLength(1)
      }),
    ))

  it("does not wait for a request whose client has gone", () =>
    run(
      Effect.gen(function* () {
        const { http } = yield* open({ keys })
        const begun = yield* Effect.forkChild(http.handle({ ...request(), body: () => Effect.never }), {
          startImmediately: true,
        })
        yield* Fiber.interrupt(begun)
        yield* http.close
      }),
    ))

  it("gives up on a request that never ends when the scope closes", () =>
    run(
      Effect.gen(function* () {
        const used = yield* Effect.forkChild(
          Effect.scoped(
            Effect.gen(function* () {
              const { http } = yield* open({ keys })
              yield* Effect.forkDetach(http.handle({ ...request(), body: () => Effect.never }), {
                startImmediately: true,
              })
            }),
          ),
          { startImmediately: true },
        )
        yield* TestClock.adjust("29 seconds")
        expect(used.pollUnsafe()).toBeUndefined()
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(used)
      }),
    ))
})

describe("options", () => {
  it("are refused with every mistake and no value", () =>
    run(
      Effect.gen(function* () {
        const failure = (options: HttpIngestOptions) => Effect.flip(open(options))
        expect((yield* failure({})).message).toMatch(/^keys: no key is configured/)
        expect((yield* failure({ keys: { server: [], client: [] } })).message).toMatch(/^keys: no key/)
        const message = (yield* failure({
          keys: { server: ["", "ok", "sec ret"], client: ["a,b", "schlüssel"] },
          limits: { bodyBytes: 0, events: 1.5, inFlightBytes: 1 },
          dedupe: { window: 0 },
          cors: { origins: ["*", "https://a.example/", "https://shop.example"] },
        })).message
        for (const path of [
          "keys.server[0]",
          "keys.server[2]",
          "keys.client[0]",
          "keys.client[1]",
          "limits.bodyBytes",
          "limits.events",
          "dedupe.window",
          "cors.origins[0]",
          "cors.origins[1]",
        ]) {
          expect(message).toContain(`${path}: `)
        }
        expect(message).not.toMatch(/sec ret|schl|keys\.server\[1\]|origins\[2\]/)
        expect((yield* failure({ keys, limits: { inFlightBytes: 1000 } })).message).toContain(
          "limits.inFlightBytes",
        )
        expect((yield* failure({ keys, dedupe: { window: "Infinity" } })).message).toContain("dedupe.window")
      }),
    ))
})

describe("metrics", () => {
  it("count requests by route and status, events by what became of them, and bytes", () => {
    const program = Effect.gen(function* () {
      const { http } = yield* open({ keys })
      yield* http.handle(request({ body: sdkBody(event(), {}) }))
      yield* http.handle(request({ headers: {} }))
      yield* http.handle(request({ url: "/v1/rgstr_e" }))
      return yield* Metric.snapshot
    })
    return run(
      Effect.gen(function* () {
        const snapshot = yield* program.pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
        const counts = snapshot.map(({ id, attributes, state }) => [
          id,
          attributes ?? {},
          "count" in state ? state.count : null,
        ])
        expect(counts).toEqual(
          expect.arrayContaining([
            ["millrace_intake_requests_total", { route: "log_event", status: "202" }, 1],
            ["millrace_intake_requests_total", { route: "log_event", status: "401" }, 1],
            ["millrace_intake_requests_total", { route: "exception", status: "202" }, 1],
            ["millrace_intake_events_total", { outcome: "stored" }, 1],
            ["millrace_intake_events_total", { outcome: "rejected" }, 1],
            ["millrace_intake_bytes_total", {}, sdkBody(event(), {}).length],
          ]),
        )
      }),
    )
  })
})
