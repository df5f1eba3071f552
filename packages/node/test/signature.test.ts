import { Signature } from "@millrace/core"
import { Codec, verifySignature } from "@millrace/node"
import { describe, expect, it } from "vitest"

const secret = `whsec_${Buffer.from("0123456789abcdefghijklmn").toString("base64")}`
const body = Buffer.from('[{"eventName":"page_view"}]')
const signed = (sentAt: number) =>
  Signature.signer(Codec.codec, { standardWebhooks: [secret], statsig: "webhook-secret" })({
    id: "msg_1",
    sentAt,
    body,
  })

describe("verifySignature", () => {
  it("takes what was signed, by either secret, and by one of several", () => {
    const headers = signed(Date.now())
    const other = `whsec_${Buffer.alloc(24).toString("base64")}`
    for (const secrets of [
      { standardWebhooks: secret },
      { standardWebhooks: [other, secret] },
      { statsig: "webhook-secret" },
    ]) {
      expect(verifySignature({ headers, body }, secrets)).toEqual({ valid: true })
    }
  })

  it("says why not", () => {
    const now = Date.parse("2026-01-01T00:00:00Z")
    const check = (message: Partial<Signature.ReceivedMessage>, later = 0) =>
      verifySignature(
        { headers: signed(now), body, ...message },
        { standardWebhooks: secret },
        { now: now + later, tolerance: "1 minute" },
      )
    expect(check({})).toEqual({ valid: true })
    expect(check({ body: Buffer.from("[]") })).toEqual({ valid: false, reason: "Mismatch" })
    expect(check({ headers: {} })).toEqual({ valid: false, reason: "Missing" })
    expect(check({}, 61_000)).toEqual({ valid: false, reason: "Expired" })
  })

  it.each([
    ["an empty Statsig secret", { statsig: "" }],
    ["a blank Statsig secret", { statsig: "  " }],
    ["an empty Standard Webhooks secret", { standardWebhooks: "" }],
    ["one without a key", { standardWebhooks: "whsec_" }],
    ["one with too short a key, beside a right one", { standardWebhooks: [secret, "whsec_AAAA"] }],
    ["a variable that was not set", { standardWebhooks: "undefined" }],
    ["no secret", {}],
    ["a list without secrets", { standardWebhooks: [] }],
  ])("throws for %s, rather than let anybody sign with what everybody knows", (_, secrets) => {
    expect(() => verifySignature({ headers: signed(Date.now()), body }, secrets)).toThrow(
      /^verifySignature: /,
    )
  })

  it.each([
    ["a parsed body", JSON.parse(body.toString())],
    ["text", body.toString()],
    ["no body", undefined],
  ])("says raw bytes for %s", (_, parsed) => {
    const message = { headers: signed(Date.now()), body: parsed as Uint8Array }
    expect(() => verifySignature(message, { standardWebhooks: secret })).toThrow(/raw bytes.*express\.raw\(/)
  })
})
