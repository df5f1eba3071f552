import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/base/Event.ts"
import { isDeeper } from "../../src/base/nesting.ts"
import { Slice } from "../../src/base/slices.ts"
import { type Part, survey, surveyInSlices } from "../../src/bytes/bodySurvey.ts"
import { mostOfBody, mostOfEvent } from "../../src/bytes/costs.ts"
import { bareNumberEnd } from "../../src/bytes/jsonTokens.ts"
import * as Body from "../../src/entry/bodyForms.ts"
import { bytesOf, textOf } from "../support/wire.ts"

const surveyOf = (text: string, nesting = 64, events = 10_000) => survey(bytesOf(text), nesting, events)

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const bare = ["NaN", "Infinity", "-Infinity"]
const sentinel = 123_454_321

/** Texts hold what is bare elsewhere. */
const text = fc.oneof(fc.string(), fc.constantFrom(...bare, '"NaN', "\\NaN", "ü: NaN,", "[Infinity]"))
const json = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    { weight: 1, arbitrary: text },
    { weight: 3, arbitrary: fc.constantFrom<Json>(sentinel, sentinel, null, true, -1.5e-7) },
    { weight: 3, arbitrary: fc.array(tie("value"), { minLength: 1, maxLength: 4 }) },
    { weight: 3, arbitrary: fc.dictionary(text, tie("value"), { maxKeys: 4 }) },
  ),
})).value

describe("bare numbers", () => {
  it("are found wherever a value may stand, and nowhere else", () => {
    let found = 0
    fc.assert(
      fc.property(
        json,
        fc.constantFrom(...bare),
        fc.constantFrom(undefined, " ", "\t"),
        (value, name, space) => {
          const whole = JSON.stringify(value, null, space)
          fc.pre(!/"[^"]*123454321/.test(whole))
          const written = bytesOf(whole.replaceAll(String(sentinel), name))
          const { outcome, bareNumbers } = survey(written, 64, 10)
          found += bareNumbers.length
          expect(outcome).toBe("json")
          const texts = bareNumbers.map((at) => textOf(written.subarray(at, bareNumberEnd(written, at))))
          expect(texts).toEqual(Array(whole.split(String(sentinel)).length - 1).fill(name))
        },
      ),
      { numRuns: 2_000 },
    )
    expect(found).toBeGreaterThan(200)
  })

  it("are the only thing that is let through: otherwise it is JSON exactly when JSON.parse says so", () => {
    const seen = { json: 0, none: 0 }
    const piece = fc.constantFrom(
      ...['{"a":', '"', "{", "}", "[", "]", ",", ":", " ", "1", "-", ".", "e", "0", "null", "tru", "e"],
      ...['"\\u00e', '"\\', "\t", "NaN", "-Infinity", "Infinit", '"b"', "E+", "-0", "1.5e3"],
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc
            .tuple(
              json.map((value) => JSON.stringify(value)),
              fc.nat(),
              piece,
              fc.nat(2),
            )
            .map(([whole, at, other, drop]) => {
              const place = at % (whole.length + 1)
              return `${whole.slice(0, place)}${other}${whole.slice(place + drop)}`
            }),
          fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
        ),
        (written) => {
          const { outcome, bareNumbers } = surveyOf(written)
          if (bareNumbers.length > 0) return
          expect(outcome).toBe(isJson(written) ? "json" : "none")
          seen[isJson(written) ? "json" : "none"] += 1
        },
      ),
      { numRuns: 20_000 },
    )
    expect(Math.min(seen.json, seen.none)).toBeGreaterThan(1_000)
  })
})

const key = fc.constantFrom("events", "data", "event", "user", "[{", '"', "\\", '\\"{', "dat\u0061")
const body = fc.oneof(
  fc.jsonValue({ maxDepth: 6, depthSize: "large" }),
  fc.dictionary(
    key,
    fc.oneof(
      fc.array(fc.jsonValue({ maxDepth: 2 })),
      fc.constantFrom<Json>("]}", '"[', "events", [[[]], [1, 2]], {}),
    ),
  ),
) as fc.Arbitrary<Json>

const valuesOf = (value: Json): number =>
  typeof value !== "object" || value === null
    ? 1
    : Object.values(value).reduce<number>((sum, item) => sum + valuesOf(item as Json), 1)

describe("a survey of a body", () => {
  it("says where its parts and its events stand, and how much there is", () => {
    let listed = 0
    fc.assert(
      fc.property(body, fc.boolean(), (made, isSpaced) => {
        const whole = JSON.stringify(made, null, isSpaced ? 2 : 0)
        const value = JSON.parse(whole) as Json
        const written = bytesOf(whole)
        const found = survey(written, 64, 1_000)
        const read = (from: number, to: number): Json =>
          JSON.parse(textOf(written.subarray(from, to))) as Json
        const itemsOf = (list: Part["list"]) => list?.items.map(({ from, to }) => read(from, to))
        expect(found.outcome).toBe("json")
        expect(read(found.start, written.length)).toEqual(value)
        expect(found.values).toBe(valuesOf(value))
        const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
        const parts = found.parts.map(({ keyFrom, keyTo, from, to }) => [
          read(keyFrom - 1, keyTo + 1),
          read(from, to),
        ])
        expect(parts).toEqual(isObject ? Object.entries(value) : [])
        expect(itemsOf(found.list)).toEqual(Array.isArray(value) ? value : undefined)
        for (const { keyFrom, keyTo, from, to, list } of found.parts) {
          const isList = ["events", "data"].includes(read(keyFrom - 1, keyTo + 1) as string)
          const part = read(from, to)
          if (isList && Array.isArray(part)) expect(itemsOf(list)).toEqual(part)
        }
        const events = Body.read("event_webhook", value)
        if (typeof events !== "string" && events.form !== "single") {
          if (events.events.length > 1) listed += 1
          expect(found.events).toBeGreaterThanOrEqual(events.events.length)
        }
      }),
      { numRuns: 5_000 },
    )
    expect(listed).toBeGreaterThan(500)
  })

  it("is the same whether it is made at once or bit by bit", () => {
    const cut = fc.tuple(
      fc.oneof(
        body.map((value) => JSON.stringify(value)),
        json.map((value) => JSON.stringify(value).replaceAll(String(sentinel), "NaN")),
      ),
      fc.option(fc.nat(), { freq: 2 }),
    )
    fc.assert(
      fc.property(cut, ([whole, end]) => {
        const written = bytesOf(end === null ? whole : whole.slice(0, end % (whole.length + 1)))
        const slices = surveyInSlices(written, 4, 2, new Slice(1), 1)
        let yields = 0
        let step = slices.next()
        for (; step.done !== true; step = slices.next()) yields += 1
        expect(step.value).toEqual(survey(written, 4, 2))
        // Between two yields stands one token at most.
        if (step.value.outcome === "json") expect(yields).toBeGreaterThanOrEqual(step.value.values)
      }),
      { numRuns: 5_000 },
    )
  })

  it("finds what is nested too deep, and goes no further", () => {
    let deep = 0
    fc.assert(
      fc.property(body, fc.integer({ min: 0, max: 6 }), (value, depth) => {
        const isDeep = isDeeper(value, depth)
        if (isDeep) deep += 1
        expect(surveyOf(JSON.stringify(value), depth).outcome).toBe(isDeep ? "tooDeep" : "json")
      }),
      { numRuns: 2_000 },
    )
    expect(deep).toBeGreaterThan(100)
    expect(surveyOf("[".repeat(200_000)).outcome).toBe("tooDeep")
  })

  it.each([
    ["the list of events", '{"a":[1,2,3],"events":[{},[1,2],","],"b":[1,2,3,4]}', 3],
    ["exported events", '{"data":[1,2]}', 2],
    ["a bare list", "[1,[2,3,4,5],{}]", 3],
    ["a key that is written with an escape", '{"event\\u0073":[1,2,3,4]}', 4],
    ["the longer one of two lists", '{"events":[1,2,3],"events":[1]}', 3],
    ["no list in an event", '{"events":[{"events":[1,2,3]}]}', 1],
    ["no list of another name", '{"numbers":[1,2,3]}', 0],
  ])("counts %s", (_, written, events) => {
    expect(surveyOf(written)).toMatchObject({ outcome: "json", events })
  })

  it("keeps the places of no more events than may be, and counts all of them", () => {
    const { list, events } = surveyOf("[1,2,3,4]", 64, 2)
    expect(list).toEqual({
      count: 4,
      items: [
        { from: 1, to: 2 },
        { from: 3, to: 4 },
      ],
      costly: new Set(),
    })
    expect(events).toBe(4)
  })

  const spaces = " ".repeat(64 * 1024)
  const members = (count: number, name = "") =>
    Array.from({ length: count }, (_, n) => `"${name}${n}":1`).join(",")

  it("knows how many values and different keys there are", () => {
    const written = `{"a":[1,2,{"a":1,"b":2}],"c":{"a" : {}},"d":"b"}${spaces}`
    expect(surveyOf(written)).toMatchObject({ values: 10, keys: 4 })
  })

  it("lets in what senders send, and ends where there is too much", () => {
    const list = (count: number, item: (n: number) => string) =>
      surveyOf(`{"events":[${Array.from({ length: count }, (_, n) => item(n)).join(",")}]}`).outcome
    const usual = JSON.stringify(
      Object.fromEntries("abcdefghijklmnopqrstuvwxyz".split("").map((one) => [one, one])),
    )
    expect(list(10_000, () => usual)).toBe("json")
    expect(list(mostOfBody.values + 1, () => "{}")).toBe("tooMuch")
    expect(list(60_000, (n) => `{"${n}":1}`)).toBe("json")
    expect(list(100_000, (n) => `{"${n}":1}`)).toBe("tooMuch")
  })

  it("tells the events that are too much for one from those that are many", () => {
    const costlyOf = (...events: ReadonlyArray<string>) => [
      ...surveyOf(`{"events":[${events.join(",")}],"a":1}`).parts[0]!.list!.costly,
    ]
    const zeros = (count: number) => `[${Array(count).fill("0").join(",")}]`
    const most = zeros(mostOfEvent.values - 1)
    expect(costlyOf(most, zeros(mostOfEvent.values), most)).toEqual([1])
    const keys = `{${members(mostOfEvent.keys)}}`
    expect(costlyOf(keys, `{${members(mostOfEvent.keys * 1.2)}}`, keys)).toEqual([1])
    // Keys that an event has in common with another one count for each.
    const twice = `[{${members(mostOfEvent.keys * 0.6, "a")}},{${members(mostOfEvent.keys * 0.6, "b")}}]`
    expect(costlyOf(twice, twice, `{"x":1}`)).toEqual([0, 1])
    // And not for one that has them twice.
    expect(costlyOf(`[${keys},${keys}]`)).toEqual([])
  })

  it("tells when what stands beside the events is too much", () => {
    const zeros = `[${Array(mostOfEvent.values).fill("0").join(",")}]`
    expect(surveyOf(`{"events":[${zeros},${zeros}],"a":1}`).isCostly).toBe(false)
    expect(surveyOf(`{"events":[1],"a":${zeros}}`).isCostly).toBe(true)
    expect(surveyOf(`{"a":${zeros}}`).isCostly).toBe(true)
    expect(surveyOf(`{${members(5_000, "a")},"events":[1],${members(5_000, "b")}}`).isCostly).toBe(true)
  })

  it("counts nothing that stands in strings", () => {
    const { outcome, values } = surveyOf(JSON.stringify(["[".repeat(100), `\\"${"{".repeat(100)}`]), 1)
    expect({ outcome, values }).toEqual({ outcome: "json", values: 3 })
  })

  it("stops anywhere, also within a text or a run of white space", () => {
    const length = 300_000
    for (const one of [
      `[${" ".repeat(length)}]`,
      `["${"x".repeat(length)}"]`,
      `["${"\\n".repeat(length)}"]`,
    ]) {
      const slices = surveyInSlices(bytesOf(one), 64, 1, new Slice(1), 1_000)
      let yields = 0
      let step = slices.next()
      for (; step.done !== true; step = slices.next()) yields += 1
      expect(step.value.outcome).toBe("json")
      expect(yields).toBeGreaterThanOrEqual(Math.floor(one.length / 1_000))
    }
  })
})
