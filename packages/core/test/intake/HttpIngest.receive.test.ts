import { gzipSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as Signature from "../../src/base/Signature.ts"
import { BodyError, type HttpIngestOptions } from "../../src/intake/HttpIngest.ts"
import { Codec } from "../../src/ports/Codec.ts"
import { layerTest } from "../support/codec.ts"
import { clientKey, keys, now, open, type RequestInit, request, run, serverKey } from "../support/intake.ts"

const codec = await Effect.runPromise(Effect.provide(Codec, layerTest))

const secret = "webhook-1"
const receive = { statsigSecret: secret }
const url = "/v1/webhooks/event_webhook"
const unauthorized = '{"message":"missing or invalid statsig-api-key","status":401}'

const bytes = (body: string | Uint8Array) =>
  typeof body === "string" ? new TextEncoder().encode(body) : body

const sign = (body: string | Uint8Array, { by = secret, at = now } = {}): Record<string, string> => {
  const secrets = { standardWebhooks: [], statsig: by }
  const headers = Signature.signer(codec, secrets)({ id: "msg_1", sentAt: at, body: bytes(body) })
  return { ...headers }
}

/** One request to the event webhook of a fresh intake. */
const ask = Effect.fnUntraced(function* (init: RequestInit, options: HttpIngestOptions = { keys, receive }) {
  const { http, stored } = yield* open(options)
  const asked = request({ url, ...init })
  const { status, body } = yield* http.handle(asked)
  return { status, body, reads: asked.reads(), stored: (yield* stored).length }
})

const exported = JSON.stringify([
  { eventName: "page_view", user: { userID: "u" }, userID: "u", timestamp: now, value: "", metadata: {} },
])

describe("a request that Statsig has signed", () => {
  const right: ReadonlyArray<readonly [string, RequestInit, HttpIngestOptions?]> = [
    ["as it is", { headers: sign(exported), body: exported }],
    [
      "by the second of two secrets",
      { headers: sign(exported, { by: "webhook-2" }), body: exported },
      { keys, receive: { statsigSecret: [secret, "webhook-2"] } },
    ],
    [
      "compressed: what is signed are the bytes as sent",
      {
        headers: { ...sign(gzipSync(exported)), "content-encoding": "gzip" },
        body: gzipSync(exported),
      },
    ],
    ["five minutes late", { headers: sign(exported, { at: now - 300_000 }), body: exported }],
    ["where no key exists at all", { headers: sign(exported), body: exported }, { receive }],
    [
      "with a right key beside a wrong signature: the key decides",
      { headers: { ...sign("other"), "statsig-api-key": serverKey }, body: exported },
    ],
    ["read by the host, byte for byte", { headers: sign(exported), body: exported, inflated: true }],
  ]

  it.each(right.map(([name, init, options]) => [name, init, options] as const))(
    "is taken, %s",
    (_, init, options) =>
      run(
        Effect.gen(function* () {
          expect(yield* ask(init, options)).toEqual({
            status: 202,
            body: '{"success":true}',
            reads: 1,
            stored: 1,
          })
        }),
      ),
  )

  const wrong: ReadonlyArray<readonly [string, RequestInit, HttpIngestOptions?]> = [
    ["by another secret", { headers: sign(exported, { by: "webhook-2" }), body: exported }],
    ["over another body", { headers: sign(`${exported} `), body: exported }],
    [
      "over the inflated bytes",
      { headers: { ...sign(exported), "content-encoding": "gzip" }, body: gzipSync(exported) },
    ],
    ["too long ago", { headers: sign(exported, { at: now - 300_001 }), body: exported }],
    ["too far ahead", { headers: sign(exported, { at: now + 300_001 }), body: exported }],
    [
      "without a time",
      { headers: { ...sign(exported), [Signature.headerNames.statsigTimestamp]: "" }, body: exported },
    ],
    [
      "twice",
      {
        headers: { ...sign(exported), [Signature.headerNames.statsigSignature]: ["v0=00", "v0=00"] },
        body: exported,
      },
    ],
    ["with no secret to check it by", { headers: sign(exported), body: exported }, { keys }],
  ]

  it.each(wrong.map(([name, init, options]) => [name, init, options] as const))(
    "is 401 when it is signed %s",
    (_, init, options) =>
      run(
        Effect.gen(function* () {
          expect(yield* ask(init, options)).toEqual({ status: 401, body: unauthorized, reads: 1, stored: 0 })
        }),
      ),
  )

  const unread: ReadonlyArray<readonly [string, RequestInit]> = [
    ["a wrong key", { headers: { ...sign(exported), "statsig-api-key": "x" } }],
    ["a client key", { headers: { ...sign(exported), "statsig-api-key": clientKey } }],
    ["two keys in the query", { headers: sign(exported), url: `${url}?k=a&k=b` }],
    ["another route", { headers: sign(exported), url: "/v1/log_event" }],
  ]

  it.each(unread)("is 401 at once with %s", (_, init) =>
    run(
      Effect.gen(function* () {
        expect(yield* ask({ body: exported, ...init })).toMatchObject({
          status: 401,
          body: unauthorized,
          reads: 0,
        })
      }),
    ),
  )

  describe("has room for its body by what its head shows", () => {
    const room = (init: RequestInit, length: number) =>
      run(
        Effect.gen(function* () {
          const { http } = yield* open({ keys, receive })
          const headers = { ...init.headers, "content-length": String(length) }
          const begun = http.begin(request({ url, ...init, headers }), now)
          if (!("finish" in begun)) return [begun.status]
          yield* begun.finish(Effect.fail(new BodyError({ reason: "Aborted" })))
          return [begun.maxBytes, begun.share]
        }),
      )
    const [large, small] = [10 * 1024 * 1024, 64 * 1024]
    const { statsigSignature, statsigTimestamp } = Signature.headerNames

    it.each([
      ["is no signature", { ...sign(exported), [statsigSignature]: "x" }],
      ["has no time", { [statsigSignature]: "x" }],
      ["has a time that is none", { ...sign(exported), [statsigTimestamp]: "soon" }],
      ["is too old", sign(exported, { at: now - 300_001 })],
      ["is too new", sign(exported, { at: now + 300_001 })],
      ["is there twice", { ...sign(exported), [statsigSignature]: ["v0=00", "v0=00"] }],
    ] as const)("none where the signature %s, but for Statsig's check of the URL", async (_, headers) => {
      expect(await room({ headers }, large)).toEqual([0, "unproven"])
      expect(await room({ headers }, small)).toEqual([small, "unproven"])
    })

    it("little of its own until the signature has been found right, and that of all with a key", async () => {
      expect(await room({ headers: sign(exported, { by: "webhook-2" }) }, large)).toEqual([large, "unproven"])
      expect(await room({ headers: { "statsig-api-key": serverKey } }, large)).toEqual([large, "keyed"])
    })

    it("none where no key is needed since nothing is kept", async () => {
      expect(await room({ url: "/v1/sdk_exception", headers: {} }, small)).toEqual([small, "unkept"])
    })
  })

  it("is bounded before it is known to be genuine", () =>
    run(
      Effect.gen(function* () {
        const body = "x".repeat(2000)
        const limits = { bodyBytes: 1000 }
        const options = { keys, receive, limits }
        expect(yield* ask({ headers: sign(body), body }, options)).toMatchObject({ status: 413, stored: 0 })
        const bomb = gzipSync("x".repeat(1_000_000))
        expect(bomb.length).toBeLessThan(2000)
        const headers = { ...sign(bomb, { by: "webhook-2" }), "content-encoding": "gzip" }
        expect(yield* ask({ headers, body: bomb })).toMatchObject({ status: 401 })
      }),
    ))

  it("needs secrets that are some", () =>
    run(
      Effect.gen(function* () {
        const error = yield* Effect.flip(open({ keys, receive: { statsigSecret: [secret, ""] } }))
        expect(error).toMatchObject({
          problems: [{ path: "receive.statsigSecret[1]", message: "expected a non-empty string" }],
        })
      }),
    ))
})

describe("Statsig's check of a new webhook's URL", () => {
  const check = (code: unknown = "a1-b2") =>
    JSON.stringify({ data: { event: "url_verification", verification_code: code } })
  const verified = { status: 200, body: '{"verification_code":"a1-b2"}', stored: 0 }

  const askers: ReadonlyArray<readonly [string, RequestInit, HttpIngestOptions?]> = [
    ["anybody", { headers: {} }],
    ["anybody, before the secret is known", { headers: {} }, { keys }],
    ["a key in the query", { headers: {}, url: `${url}?k=${serverKey}` }],
    ["everybody where no key is asked for", { headers: {} }, { keys: "none" }],
    ["a signature", { headers: sign(check()) }],
    ["a signature that does not fit yet", { headers: sign(check(), { by: "webhook-2" }) }],
  ]

  it.each(askers.map(([name, init, options]) => [name, init, options] as const))(
    "is answered to %s, and stored for nobody",
    (_, init, options) =>
      run(
        Effect.gen(function* () {
          expect(yield* ask({ body: check(), ...init }, options)).toMatchObject(verified)
        }),
      ),
  )

  const others: ReadonlyArray<readonly [string, string | Uint8Array]> = [
    ["nothing", ""],
    ["no JSON", '{"data":{"event":"url_verification"'],
    ["events", exported],
    ["no code", '{"data":{"event":"url_verification"}}'],
    ["an empty code", check("")],
    ["a code that is no text", check(5)],
    ["a long code", check("x".repeat(257))],
    ["a code of markup and controls", check("<b>\u0000\n")],
    ["another event", JSON.stringify({ data: { event: "other", verification_code: "url_verification" } })],
    ["brackets", `${"[".repeat(30_000)}"url_verification"`],
    ["a body that is too large", check() + " ".repeat(64 * 1024)],
    ["a compressed body", gzipSync(check())],
  ]

  it.each(others)("is not answered without a key: %s", (_, body) =>
    run(
      Effect.gen(function* () {
        expect(yield* ask({ headers: {}, body })).toEqual({
          status: 401,
          body: unauthorized,
          reads: 1,
          stored: 0,
        })
      }),
    ),
  )

  const unread: ReadonlyArray<readonly [string, RequestInit]> = [
    ["a wrong key", { headers: { "statsig-api-key": "x" } }],
    ["an encoding", { headers: { "content-encoding": "gzip" } }],
    ["a declared length over 64 KiB", { headers: { "content-length": "65537" } }],
    ["another route", { headers: {}, url: "/v1/log_event" }],
  ]

  it.each(unread)("is 401 at once, unread, with %s", (_, init) =>
    run(
      Effect.gen(function* () {
        expect(yield* ask({ body: check(), ...init })).toMatchObject({ status: 401, reads: 0 })
      }),
    ),
  )

  it("echoes nothing but short plain text, whatever comes without a key", () =>
    run(
      Effect.gen(function* () {
        const { http } = yield* open({ keys, receive })
        const bodies = fc.oneof(
          fc.json(),
          fc
            .anything()
            .map((code) => JSON.stringify({ data: { event: "url_verification", verification_code: code } })),
          fc.string({ unit: "binary" }).map(check),
        )
        for (const body of fc.sample(bodies, 300)) {
          const reply = yield* http.handle(request({ url, headers: {}, body }))
          if (reply.status === 200)
            expect(reply.body).toMatch(/^\{"verification_code":"[\x21-\x7e]{1,512}"\}$/)
          else expect(reply).toMatchObject({ status: 401, body: unauthorized })
        }
      }),
    ))
})
