import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json, JsonObject } from "../../src/base/json.ts"
import * as Nesting from "../../src/base/nesting.ts"
import { Slice, toTheEnd } from "../../src/base/slices.ts"
import { lenientEvent, strictEvent } from "../../src/base/validate.ts"
import * as Outline from "../../src/bytes/bodyScanner.ts"
import { bytesOf, textOf } from "../support/wire.ts"

const nesting = 6
const maxEvents = 3
const limits = { events: maxEvents, nesting, strictly: true }

/** Also of what `JSON.parse` reads as something else than it says, or writes differently. */
const scalar = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.stringify(json)),
  fc.constantFrom(
    ...[
      '""',
      '"a"',
      '"ü"',
      '"\\u0041"',
      '"\\/"',
      '"2026-01-01"',
      "0",
      "-0",
      "1.0",
      "1e3",
      "1e999",
      "01",
      "1.",
      "-",
      "+1",
    ],
    ...[
      "12345678901234567890",
      "1790000000000",
      "null",
      "true",
      "[]",
      "[ ]",
      "{}",
      "nul",
      "",
      "[1,]",
      '{"a":1,}',
    ],
    ...[
      '{"userID":"u","custom":{},"customIDs":{"a":"b"}}',
      '{"customIDs":{"a":1}}',
      '{"email":3}',
      '{"userID":null}',
    ],
    ...[
      '{"privateAttributes":null}',
      '{"privateAttributes":{"a":"secret"}}',
      '{"private\\u0041ttributes":1}',
    ],
    ...[
      '{"userID":"a","userID":"b"}',
      '{"a":{"b":{"c":{"d":{"e":1}}}}}',
      "[[[[[[1]]]]]]",
      '"\ttab"',
      '"\\x"',
      '"\\ud800"',
    ],
  ),
)
const key = fc.constantFrom(
  ...[
    "eventName",
    "user",
    "time",
    "value",
    "metadata",
    "statsigMetadata",
    "userID",
    "other",
    "",
    "ü",
    "__proto__",
  ],
  ...["privateAttributes", "event\\u004eame", "eventname", "secondaryExposures"],
)
const space = fc.constantFrom("", "", "", " ", "\n\t", "\r", "\u00a0")

const object = (members: fc.Arbitrary<ReadonlyArray<readonly [string, string]>>) =>
  fc
    .tuple(members, space)
    .map(
      ([pairs, gap]) =>
        `{${gap}${pairs.map(([name, text]) => `"${name}"${gap}:${gap}${text}`).join(`${gap},`)}${gap}}`,
    )
/** Without escapes. */
const plainKey = fc.stringMatching(/^[a-zü_ ]{0,4}$/)
const texts = fc.dictionary(plainKey, fc.string({ maxLength: 4 }))
const goodFields = {
  eventName: fc.constantFrom("page_view", "statsig::gate_exposure", "ü"),
  user: fc.record(
    { userID: fc.string(), custom: texts, customIDs: texts, privateAttributes: fc.constant(null) },
    { requiredKeys: [] },
  ),
  time: fc.integer(),
  value: fc.oneof(fc.string(), fc.integer(), fc.constantFrom(0.25, -1234.5678)),
  metadata: texts,
}
const goodEvent = fc
  .oneof(fc.record(goodFields), fc.record(goodFields, { requiredKeys: ["eventName"] }))
  .map((event) => JSON.stringify(event))
const event = fc.oneof(
  { weight: 6, arbitrary: goodEvent },
  object(
    fc.array(fc.tuple(key, scalar), { maxLength: 4 }).map((some) => [["eventName", '"x"'] as const, ...some]),
  ),
  object(fc.array(fc.tuple(key, scalar), { maxLength: 6 })),
  scalar,
)
const body = object(
  fc
    .tuple(fc.array(event, { maxLength: 4 }), fc.array(fc.tuple(key, scalar), { maxLength: 3 }))
    .map(([events, rest]) => [["events", `[${events.join(",")}]`] as const, ...rest]),
)
/** As somebody wrote it, or with a byte that is another, is missing or is one too many. */
const bytes = fc
  .tuple(
    fc.oneof(body, scalar),
    fc.option(fc.record({ at: fc.nat(), drop: fc.nat(1), byte: fc.nat(255) }), { freq: 1 }),
  )
  .map(([text, change]) => {
    const whole = bytesOf(text)
    if (change === null) return whole
    const at = change.at % (whole.length + 1)
    return Uint8Array.from([...whole.subarray(0, at), change.byte, ...whole.subarray(at + change.drop)])
  })

const utf8 = new TextDecoder("utf-8", { fatal: true })

const keysOf = (json: Json): ReadonlyArray<string> =>
  typeof json !== "object" || json === null
    ? []
    : Array.isArray(json)
      ? json.flatMap(keysOf)
      : Object.entries(json).flatMap(([name, item]) => [name, ...keysOf(item)])

const fieldNames = ["eventName", "user", "time", "value", "metadata", "statsigMetadata"] as const

describe("an outline", () => {
  it("is one of a body that JSON.parse and the checks of events find nothing against, and says where everything stands", () => {
    const seen = { outlined: 0, strict: 0, other: 0 }
    fc.assert(
      fc.property(bytes, (written) => {
        const outline = Outline.read(written, limits)
        if (outline === null) {
          seen.other += 1
          return
        }
        seen.outlined += 1
        if (outline.isStrict) seen.strict += 1
        if (!outline.isAscii) {
          try {
            utf8.decode(written)
          } catch {
            return
          }
        } else expect(written.every((byte) => byte < 0x80)).toBe(true)
        const json = JSON.parse(textOf(written)) as JsonObject
        const events = json["events"] as ReadonlyArray<JsonObject>
        expect(events.length).toBe(outline.events)
        expect(events.length).toBeLessThanOrEqual(maxEvents)
        expect(Nesting.isDeeper(json, nesting)).toBe(false)
        const { rest, fields } = outline
        expect(Outline.valueAt(written, rest, Outline.restSlots.firstEvent)).toEqual(events[0])
        for (const name of ["user", "statsigMetadata", "clientTime"] as const) {
          expect(Outline.valueAt(written, rest, Outline.restSlots[name])).toEqual(json[name])
        }
        for (const [index, found] of events.entries()) {
          const base = index * Outline.stride
          expect(lenientEvent.isFine(found)).toBe(true)
          if (outline.isStrict) expect(strictEvent.isFine(found)).toBe(true)
          for (const name of fieldNames) {
            expect(Outline.valueAt(written, fields, base + Outline.slots[name])).toEqual(found[name])
          }
          const user = (found["user"] ?? {}) as JsonObject
          expect(Outline.valueAt(written, fields, base + Outline.slots.userID)).toEqual(user["userID"])
          expect(Outline.valueAt(written, fields, base + Outline.slots.privateAttributes)).toEqual(
            user["privateAttributes"],
          )
        }
        if (keysOf(json).includes("privateAttributes")) {
          expect(textOf(written)).not.toMatch(/"privateAttributes"\s*:\s*[^n\s]/)
        }
      }),
      { numRuns: 20_000 },
    )
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(300)
  })

  it("is there for every body of fine events as JSON.stringify writes it", () => {
    fc.assert(
      fc.property(fc.array(goodEvent, { minLength: 1, maxLength: maxEvents }), (events) => {
        const outline = Outline.read(bytesOf(`{"events":[${events.join(",")}]}`), limits)
        expect(outline?.events).toBe(events.length)
        expect(outline?.isStrict).toBe(events.every((text) => strictEvent.isFine(JSON.parse(text))))
      }),
    )
  })

  it("is the same when it is made in slices", () => {
    const shown = (outline: Outline.Outline | null) =>
      outline === null
        ? null
        : { ...outline, fields: outline.fields.slice(0, outline.events * Outline.stride) }
    let outlined = 0
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 20 }), (written, step) => {
        const slices = Outline.readInSlices(written, limits, new Slice(1), step)
        const sliced = shown(toTheEnd(slices))
        if (sliced !== null) outlined += 1
        expect(sliced).toEqual(shown(Outline.read(written, limits)))
      }),
      { numRuns: 3_000 },
    )
    expect(outlined).toBeGreaterThan(100)
  })

  it("in slices is put down between two events, whatever else is read meanwhile", () => {
    const text = (name: string) =>
      bytesOf(`{"events":[${Array(3).fill(`{"eventName":"${name}"}`).join(",")}],"user":{"a":"${name}"}}`)
    const works = ["a", "bb"].map((name) => Outline.readInSlices(text(name), limits, new Slice(1), 1))
    const results: Array<Outline.Outline | null> = []
    let yields = 0
    while (results.length < 2) {
      for (const work of works) {
        const step = work.next()
        if (step.done === true && step.value !== undefined) results.push(step.value)
        else yields += 1
      }
    }
    expect(yields).toBeGreaterThanOrEqual(2 * 3)
    for (const [index, name] of ["a", "bb"].entries()) {
      const outline = results[index]!
      const names = [0, 1, 2].map((event) =>
        Outline.valueAt(text(name), outline.fields, event * Outline.stride),
      )
      expect(names).toEqual([name, name, name])
      expect(Outline.valueAt(text(name), outline.rest, Outline.restSlots.user)).toEqual({ a: name })
    }
  })

  it("has room for as many events as there may be", () => {
    const events = 10_000
    const text = `{"events":[${Array.from({ length: events }, (_, n) => `{"eventName":"e${n}"}`).join(",")}]}`
    const outline = Outline.read(bytesOf(text), { ...limits, events })
    expect(outline?.events).toBe(events)
    const last = (events - 1) * Outline.stride + Outline.slots.eventName
    expect(Outline.valueAt(bytesOf(text), outline!.fields, last)).toBe(`e${events - 1}`)
    expect(Outline.read(bytesOf(text), { ...limits, events: events - 1 })).toBeNull()
  })
})
