import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/base/json.ts"
import { isDeeper } from "../../src/base/nesting.ts"
import { problemOf, scan } from "../../src/bytes/parseCost.ts"
import * as Body from "../../src/entry/bodyForms.ts"
import { bytesOf } from "../support/wire.ts"

const key = fc.constantFrom("events", "data", "event", "user", "[{", '"', "\\", '\\"{', "dat\u0061")

const json = fc.oneof(
  fc.jsonValue({ maxDepth: 6, depthSize: "large" }),
  fc.dictionary(
    key,
    fc.oneof(
      fc.array(fc.jsonValue({ maxDepth: 2 })),
      fc.constantFrom<Json>("]}", '"[', "events", [[[]], [1, 2]], {}),
    ),
  ),
) as fc.Arbitrary<Json>

const eventsOf = (body: Json): number => {
  const read = Body.read("event_webhook", body)
  return typeof read === "string" || read.form === "single" ? 0 : read.events.length
}

describe("a scan of a body's bytes", () => {
  it("finds its nesting and as many events as parsing it does", () => {
    let listed = 0
    fc.assert(
      fc.property(json, fc.boolean(), fc.integer({ min: 0, max: 8 }), (value, isSpaced, depth) => {
        const bytes = bytesOf(JSON.stringify(value, null, isSpaced ? 2 : 0))
        const found = scan(bytes, depth)
        expect(found.isDeeper).toBe(isDeeper(value, depth))
        const events = eventsOf(value)
        if (events > 1) listed += 1
        if (!found.isDeeper) expect(found.events).toBeGreaterThanOrEqual(events)
      }),
      { numRuns: 5000 },
    )
    expect(listed).toBeGreaterThan(500)
  })

  it.each([
    ["the list of events", '{"a":[1,2,3],"events":[{},[1,2],","],"b":[1,2,3,4]}', 3],
    ["exported events", '{"data":[1,2]}', 2],
    ["a bare list", "[1,[2,3,4,5],{}]", 3],
    ["a key that is written with an escape", '{"event\\u0073":[1,2,3,4]}', 4],
    ["the longer one of two lists", '{"events":[1,2,3],"events":[1]}', 3],
    ["no list in an event", '{"events":[{"events":[1,2,3]}]}', 1],
    ["no list of another name", '{"numbers":[1,2,3]}', 0],
  ])("counts %s", (_, text, events) => {
    expect(scan(bytesOf(text), 64)).toMatchObject({ isDeeper: false, events })
  })

  it("knows how many values and different keys there are", () => {
    const text = '{"a":[1,2,{"a":1,"b":2}],"c":{"a" : {}},"d":"b"}'
    expect(scan(bytesOf(text), 64)).toMatchObject({ values: 10, keys: 4 })
  })

  it("lets in what senders send, and nothing that takes much longer to parse", () => {
    const list = (count: number, item: (n: number) => string) =>
      scan(bytesOf(`{"a":[${Array.from({ length: count }, (_, n) => item(n)).join(",")}]}`), 64)
    const usual = list(10_000, () =>
      JSON.stringify(Object.fromEntries("abcdefghijklmnopqrstuvwxyz".split("").map((key) => [key, key]))),
    )
    expect(problemOf(usual)).toBeNull()
    expect(problemOf(list(600_000, () => "{}"))).toBe("body: more than 1000000 values")
    expect(problemOf(list(60_000, (n) => `{"${n}":1}`))).toBeNull()
    expect(problemOf(list(80_000, (n) => `{"${n}":1}`))).toBe("body: more than 65536 different keys")
  })

  it("stops at the limit of nesting", () => {
    expect(scan(bytesOf("[".repeat(200_000)), 64).isDeeper).toBe(true)
  })

  it("counts brackets, not what is written in strings", () => {
    const bytes = bytesOf(JSON.stringify(["[".repeat(100), `\\"${"{".repeat(100)}`]))
    expect(scan(bytes, 1).isDeeper).toBe(false)
  })
})
