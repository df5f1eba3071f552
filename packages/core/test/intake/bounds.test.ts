import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/base/json.ts"
import * as Utf8 from "../../src/base/utf8.ts"
import * as LetterEvent from "../../src/entry/deadLetterEvent.ts"
import * as PrivateAttributes from "../../src/entry/privateAttributes.ts"
import * as Wire from "../../src/intake/Wire.ts"
import {
  accepted,
  bytesOf,
  decodeJson,
  decodeText,
  entryOf,
  id,
  limits,
  plainHttp,
  read,
  receivedAt,
  refused,
  sdk,
  textOf,
  webhook,
} from "../support/wire.ts"

const good = { user: { userID: "u" }, eventName: "x", time: receivedAt }

describe("an event's name", () => {
  it.each([
    ["an SDK", sdk],
    ["plain HTTP", plainHttp],
    ["the event webhook", webhook],
  ])("of %s may have 1,024 bytes, and one of more is one bad event among good ones", (_, head) => {
    const longest = { ...good, eventName: "n".repeat(1024) }
    const tooLong = { ...good, eventName: "n".repeat(1025) }
    expect(accepted(decodeJson(head, { events: [longest] })).eventNames).toEqual([longest.eventName])
    const result = accepted(decodeJson(head, { events: [good, tooLong, longest] }))
    expect(result.rejected.map(({ index, message }) => [index, message])).toEqual([
      [1, "events[1].eventName: longer than 1024 bytes"],
    ])
    expect(result.rejected[0]?.eventName).toBe("n".repeat(256))
    expect(result.eventNames).toEqual(["x", longest.eventName])
    expect(textOf(result.entry!.body)).not.toContain(tooLong.eventName)
  })

  it.each([
    ["in letters of two bytes", "é".repeat(512), "é".repeat(513)],
    ["in pairs of units", "\u{1F600}".repeat(256), "\u{1F600}".repeat(257)],
    ["written with escapes", "\\u0061".repeat(1024), "\\u0061".repeat(1025)],
  ])("is measured in bytes of UTF-8: %s", (_, fits, doesNot) => {
    const textOfEvent = (name: string) => `{"events":[{"eventName":"${name}"},{"eventName":"x"}]}`
    expect(accepted(decodeText(sdk, textOfEvent(fits))).rejectedCount).toBe(0)
    expect(accepted(decodeText(sdk, textOfEvent(doesNot))).rejectedCount).toBe(1)
  })

  it("of the single form is named as it was sent", () => {
    const body = { user: {}, event: "n".repeat(1025) }
    expect(refused(decodeJson(webhook, body))).toMatchObject({
      status: 400,
      message: "event: longer than 1024 bytes",
    })
  })
})

describe.each(["user", "statsigMetadata"])("a request's %s", (name) => {
  const fact = (bytes: number) => ({ a: "x".repeat(bytes - '{"a":""}'.length) })
  const events = [good, good]

  it("may have 64 KiB", () => {
    const body = { events, [name]: fact(64 * 1024) }
    expect(accepted(decodeJson(sdk, body)).entry?.events).toBe(2)
    // Also where something else keeps the body from being read where it stands.
    expect(accepted(decodeJson(sdk, { ...body, events: [...events, {}] })).entry?.events).toBe(2)
  })

  it("makes it 413 when it has more", () => {
    const body = { events, [name]: fact(64 * 1024 + 1) }
    const expected = { status: 413, message: `${name}: larger than 65536 bytes`, events: 2 }
    expect(refused(decodeJson(sdk, body))).toEqual(expected)
    expect(refused(decodeJson(sdk, { ...body, events: [good, {}] }))).toEqual(expected)
  })

  it("is measured without the white space around it", () => {
    const text = JSON.stringify({ [name]: { a: Array(20_000).fill(1) }, events }, null, 9)
    expect(text.length).toBeGreaterThan(128 * 1024)
    expect(accepted(decodeText(sdk, text)).entry?.events).toBe(2)
  })
})

describe("what a request makes us send", () => {
  const small = (events: number) => Array.from({ length: events }, () => ({ eventName: "e" }))
  const large = (events: number) =>
    Array.from({ length: events }, () => ({ eventName: "e", value: "v".repeat(700) }))

  it.each(["user", "statsigMetadata"])(
    "with its %s is 413 when it is more than 40 times the body",
    (name) => {
      const body = { events: small(10_000), [name]: { sdkType: "x", a: "x".repeat(1000) } }
      expect(refused(decodeJson(sdk, body))).toEqual({
        status: 413,
        events: 10_000,
        message:
          "events: with the user and statsigMetadata of the request in each of them, more than 40 times the body would be sent",
      })
    },
  )

  it.each(["user", "statsigMetadata"])("with its %s is 413 when it is more than 32 MiB", (name) => {
    const body = { events: large(10_000), [name]: { sdkType: "x", a: "x".repeat(3000) } }
    expect(refused(decodeJson(sdk, body))).toMatchObject({
      status: 413,
      message: expect.stringContaining("more than 33554432 bytes would be sent"),
    })
    expect(accepted(decodeJson(sdk, { ...body, events: large(5000) })).entry?.events).toBe(5000)
  })

  it("counts a request's user for those events alone that have none", () => {
    const user = { a: "x".repeat(10_000) }
    const own = Array.from({ length: 1000 }, () => good)
    expect(accepted(decodeJson(sdk, { events: own, user })).entry?.events).toBe(1000)
    expect(refused(decodeJson(sdk, { events: small(1000), user })).status).toBe(413)
  })

  it("counts the facts of headers, where the body has none", () => {
    const head = { ...sdk, sessionID: "s".repeat(2000) }
    expect(refused(decodeJson(head, { events: small(1000) })).status).toBe(413)
    expect(accepted(decodeJson(head, { events: small(1000), statsigMetadata: {} })).entry?.events).toBe(1000)
  })

  it("is never too much for a batch of an SDK", () => {
    const statsigMetadata = Object.fromEntries(
      Array.from({ length: 25 }, (_, n) => [`field_${n}`, "x".repeat(40)]),
    )
    const event = {
      eventName: "page_view",
      user: { userID: "user-1" },
      time: receivedAt,
      value: null,
      metadata: {},
    }
    const body = { events: Array.from({ length: 2000 }, () => event), statsigMetadata }
    expect(accepted(decodeJson(sdk, body)).entry?.events).toBe(2000)
  })
})

describe("refused events", () => {
  it("are all counted, and the first hundred described", () => {
    const events = Array.from({ length: 10_000 }, (_, n) => (n % 2 === 0 ? 0 : { eventName: "e" }))
    const result = accepted(decodeJson(sdk, { events }))
    expect(result.rejectedCount).toBe(5000)
    expect(result.rejected.map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, n) => n * 2))
    expect(result.eventNames).toHaveLength(5000)
    expect(JSON.parse(result.entry!.envelope)["rejected"]).toHaveLength(5000)
    expect(read(entryOf(decodeJson(sdk, { events }))).events).toHaveLength(5000)
  })

  it.each([
    [
      "values beside the events",
      `{"events":[0],"a":[${Array(600_000).fill("{}").join(",")}]}`,
      "body: more than 32768 values, 8192 different keys or 65536 digits beside its events",
    ],
    [
      "values and no events",
      `{"a":[${Array(600_000).fill("{}").join(",")}]}`,
      "body: more than 32768 values, 8192 different keys or 65536 digits beside its events",
    ],
    [
      "values in all",
      `{"events":[${Array(40)
        .fill(`[${Array(30_000).fill("0").join(",")}]`)
        .join(",")}]}`,
      "body: more than 1000000 values",
    ],
    [
      "keys",
      `{"events":[0,{"eventName":"e","metadata":{${Array.from({ length: 100_000 }, (_, n) => `"${n}":1`).join(",")}}}]}`,
      "body: more than 65536 different keys",
    ],
  ])("are not looked for among too many %s", (_, text, message) => {
    expect(refused(decodeText(sdk, text))).toMatchObject({ status: 413, message })
  })

  it("that are too many are counted without being made anything of", () => {
    const parse = JSON.parse
    let parsed = 0
    JSON.parse = (...of) => {
      parsed += 1
      return parse(...of)
    }
    try {
      const body = bytesOf(`{"events":[${Array(300_000).fill("{}").join(",")}]}`)
      expect(refused(Wire.decode(sdk, body, id, { ...limits, bodyBytes: body.length }))).toEqual({
        status: 413,
        message: "events: more than 10000 events",
        events: 300_000,
      })
    } finally {
      JSON.parse = parse
    }
    expect(parsed).toBe(0)
  })
})

const suspicious = /privateattributes|\\u00[4-7]/i

/** The plain twin of `redactedJson`. */
const redact = (json: Json): Json => {
  if (typeof json === "string") return PrivateAttributes.redactText(json)
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) return json.map(redact)
  return Object.fromEntries(
    Object.entries(json)
      .filter(([key]) => !suspicious.test(key))
      .map(([key, value]) => [key, redact(value)]),
  )
}

describe("how a refused event is kept", () => {
  const key = fc.oneof(fc.string(), fc.constantFrom("user", "privateAttributes", "__proto__", "a"))
  const { json } = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { depthSize: "small" },
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.constantFrom("privateAttributes=1", '{"\\u0061":1}'),
        fc.integer(),
      ),
      fc.array(tie("json"), { maxLength: 4 }),
      fc.dictionary(key, tie("json"), { maxKeys: 4 }),
    ),
  }))

  it("is the beginning of what it would be without private attributes", () => {
    let cut = 0
    fc.assert(
      fc.property(json, fc.integer({ min: 40, max: 120 }), (event, maxBytes) => {
        const isText =
          typeof event === "object" &&
          event !== null &&
          !Array.isArray(event) &&
          typeof (event as never)["user"] === "string"
        const whole = JSON.stringify(redact(isText ? { ...(event as object), user: "[removed]" } : event))
        const kept = PrivateAttributes.redactedJson(event, maxBytes)
        if (Utf8.encode(whole).length > maxBytes) cut += 1
        expect(kept).toBe(Utf8.cut(whole, maxBytes))
      }),
      { numRuns: 5000 },
    )
    expect(cut).toBeGreaterThan(500)
  })

  it("is looked at no further than it is kept", () => {
    let looked = 0
    const item = new Proxy([0], {
      get: (target, name) => {
        looked += 1
        return Reflect.get(target, name)
      },
    })
    expect(PrivateAttributes.redactedJson(Array(100_000).fill(item), 100)).toHaveLength(100)
    expect(looked).toBeLessThan(1000)
  })
})

describe("an absurd time", () => {
  const end = 4_102_444_800_000

  it.each([
    ["1e24", end],
    ["1e300", end],
    ["-1e300", 0],
    ["9007199254740993", end],
    ["99999999999999", end],
    ["-8640000000000001", 0],
    ['"1e24"', end],
  ])("%s leaves as one that receivers can make a date of", (time, expected) => {
    const text = (rest: string) => `{"events":[{"eventName":"x","user":{},"time":${time}}${rest}]}`
    for (const body of [text(""), text(',{"eventName":"\\u0078"}')]) {
      expect(read(entryOf(decodeText(sdk, body))).events[0]?.time).toBe(expected)
    }
  })

  it("is not made of a good one by a clock that is wrong", () => {
    const head = { ...sdk, clientTimeHeader: "1000" }
    const body = { events: [{ ...good, time: end - 1 }] }
    expect(read(entryOf(decodeJson(head, body))).events[0]?.time).toBeLessThanOrEqual(end)
  })

  it("in a dead letter that was kept before is sent as one of those, too", () => {
    const event = { eventName: "x", user: {}, value: null, metadata: {}, statsigMetadata: {} }
    expect(LetterEvent.read(JSON.stringify({ ...event, time: 1e24 }))?.time).toBe(end)
  })
})
