import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { Webhook } from "standardwebhooks"
import { expect, test } from "vitest"
import * as Signature from "../../src/base/Signature.ts"
import { Codec } from "../../src/ports/Codec.ts"
import { layerTest } from "../support/codec.ts"

const codec = await Effect.runPromise(Effect.provide(Codec, layerTest))

const bytes = (text: string) => new TextEncoder().encode(text)
const one = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const two = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
const now = Date.parse("2026-01-01T00:00:00.500Z")
const message = { id: "msg_1", sentAt: now, body: bytes('[{"eventName":"é"}]') }
const none = { standardWebhooks: [], statsig: null }

const check = (
  secrets: Signature.Secrets,
  headers: Readonly<Record<string, string>>,
  { body = message.body, at = now, tolerance = Signature.defaultTolerance } = {},
) => {
  const result = Signature.verify(codec, secrets, { headers, body }, at, tolerance)
  return Result.isSuccess(result) ? "ok" : result.failure.reason
}

test("the public standardwebhooks library verifies what we sign", () => {
  const current = { ...message, sentAt: Date.now() }
  const headers = Signature.signer(codec, { standardWebhooks: [one, two], statsig: null })(current)
  for (const secret of [one, two]) {
    expect(new Webhook(secret).verify(Buffer.from(current.body), headers)).toEqual([{ eventName: "é" }])
  }
})

test("we verify what the public standardwebhooks library signs", () => {
  const signature = new Webhook(one).sign("msg_1", new Date(now), new TextDecoder().decode(message.body))
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(now / 1000)),
    "webhook-signature": signature,
  }
  expect(check({ standardWebhooks: [two, one], statsig: null }, headers)).toBe("ok")
})

test("Standard Webhooks' own example", () => {
  const headers = Signature.signer(codec, { standardWebhooks: [one], statsig: null })({
    id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    sentAt: 1_614_265_330_000,
    body: bytes('{"test": 2432232314}'),
  })
  expect(headers["webhook-signature"]).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
})

// The value is that of: printf "%s" ... | openssl dgst -sha256 -hmac webhook-secret
test("Statsig's v0: hex HMAC-SHA256 of v0:{ms}:{body}", () => {
  const headers = Signature.signer(codec, { standardWebhooks: [], statsig: "webhook-secret" })({
    id: "msg_1",
    sentAt: 1_700_000_000_123,
    body: bytes('{"data":[]}'),
  })
  expect(headers).toMatchObject({
    "x-statsig-request-timestamp": "1700000000123",
    "x-statsig-signature": "v0=48303bdaabfb9b154fe43ed0fa8d3a2d28728b73a889e2941844679768c06ca2",
  })
})

test("both are sent when both are set, none when none is, and the id always is", () => {
  const names = (secrets: Signature.Secrets) => Object.keys(Signature.signer(codec, secrets)(message)).sort()
  expect(names(none)).toEqual(["webhook-id", "webhook-timestamp"])
  expect(names({ standardWebhooks: [one], statsig: "s" })).toEqual([
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-statsig-request-timestamp",
    "x-statsig-signature",
  ])
})

const either = fc.constantFrom<Signature.Secrets>(
  { standardWebhooks: [one], statsig: null },
  { standardWebhooks: [two, one], statsig: null },
  { standardWebhooks: [], statsig: "webhook-secret" },
)

test("what was signed verifies, and with one byte, the id or the secret changed it does not", () => {
  fc.assert(
    fc.property(either, fc.uint8Array({ minLength: 1 }), fc.nat(), (secrets, body, at) => {
      const headers = Signature.signer(codec, secrets)({ ...message, body })
      expect(check(secrets, headers, { body })).toBe("ok")
      const other = Uint8Array.from(body)
      other[at % body.length]! ^= 1
      expect(check(secrets, headers, { body: other })).toBe("Mismatch")
      expect(
        check({ standardWebhooks: [`whsec_${btoa("x".repeat(24))}`], statsig: "another" }, headers, { body }),
      ).toBe("Mismatch")
      if (secrets.statsig === null) {
        expect(check(secrets, { ...headers, "webhook-id": "msg_2" }, { body })).toBe("Mismatch")
      }
    }),
  )
})

test("old and future signatures are refused, within the tolerance they are taken", () => {
  fc.assert(
    fc.property(either, fc.integer({ min: -10_000_000, max: 10_000_000 }), (secrets, late) => {
      const sentAt = Math.floor(now / 1000) * 1000
      const headers = Signature.signer(codec, secrets)({ ...message, sentAt })
      expect(check(secrets, headers, { at: sentAt + late, tolerance: 60_000 })).toBe(
        Math.abs(late) <= 60_000 ? "ok" : "Expired",
      )
    }),
  )
})

test("missing and unreadable headers", () => {
  const secrets = { standardWebhooks: [one], statsig: "webhook-secret" }
  const headers = Signature.signer(codec, secrets)(message)
  expect(check(secrets, {})).toBe("Missing")
  expect(check(none, headers)).toBe("Missing")
  expect(check(secrets, { ...headers, "webhook-timestamp": "soon" })).toBe("Malformed")
  expect(check(secrets, { "webhook-signature": headers["webhook-signature"]! })).toBe("Malformed")
  expect(check(secrets, { ...headers, "webhook-signature": "v2,abc v1,abc" })).toBe("Mismatch")
  expect(check(secrets, { "x-statsig-signature": "v0=00", "x-statsig-request-timestamp": "1e3" })).toBe(
    "Malformed",
  )
})

test.each(["", "whsec_", "whsec_!!!", `whsec_${btoa("short")}`, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])(
  "%j is no Standard Webhooks secret",
  (secret) => {
    expect(Signature.standardKey(secret)).toBeNull()
  },
)

test("an id with a dot, or none, is malformed: what was signed for one message could be read as another", () => {
  const secrets = { standardWebhooks: [one], statsig: null }
  const sentAt = Math.floor(now / 1000) * 1000
  const seconds = String(sentAt / 1000)
  // The same bytes are signed for the id "a" with the body "1700000000.[]" and for "a.<seconds>"
  // with the body "[]".
  const signed = Signature.signer(codec, secrets)({ id: "a", sentAt, body: bytes(`${seconds}.[]`) })
  const moved = { ...signed, "webhook-id": `a.${seconds}` }
  expect(check(secrets, signed, { body: bytes(`${seconds}.[]`) })).toBe("ok")
  expect(check(secrets, moved, { body: bytes("[]") })).toBe("Malformed")
  for (const id of ["", ".", "msg.1"]) {
    const headers = Signature.signer(codec, secrets)({ ...message, id })
    expect(check(secrets, headers)).toBe("Malformed")
  }
})
