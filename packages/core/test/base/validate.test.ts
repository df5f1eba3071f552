import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/base/json.ts"
import { lenientEvent, messageOf, strictEvent, strictSingleEvent } from "../../src/base/validate.ts"

/** Events that are nearly right, so that each check is met from both sides. */
const scalar = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, -1, 1.5, 2 ** 60, Number.POSITIVE_INFINITY, "", "a"),
  fc.constantFrom<Json>("2026-01-01", "2026-01-01T10:00:00Z", "12", "12,5", "soon", [], {}, ["a"]),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
)
const textMap = fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__")), fc.oneof(fc.string(), scalar))
const goodUser = fc.record(
  {
    userID: fc.string(),
    email: fc.string(),
    custom: fc.dictionary(fc.string(), scalar),
    customIDs: fc.dictionary(fc.string(), fc.string()),
  },
  { requiredKeys: [] },
)
const user = fc.oneof(
  scalar,
  goodUser,
  fc.record({ userID: scalar, email: scalar, custom: scalar, customIDs: textMap }, { requiredKeys: [] }),
)
const goodEvent = fc.record(
  {
    user: goodUser,
    eventName: fc.string({ minLength: 1 }),
    time: fc.integer(),
    value: fc.oneof(fc.string(), fc.integer()),
    metadata: fc.constant({}),
  },
  { requiredKeys: ["user", "eventName", "time"] },
)
const anyEvent = fc.record(
  { user, eventName: scalar, time: scalar, value: scalar, metadata: scalar },
  { requiredKeys: [] },
)
const event = fc.oneof(
  scalar,
  goodEvent,
  anyEvent,
  fc
    .tuple(goodEvent, anyEvent, fc.constantFrom("user", "eventName", "time", "value", "metadata"))
    .map(([good, other, key]) => ({
      ...good,
      ...(key in other ? { [key]: other[key as keyof typeof other] } : {}),
    })),
)

describe("the fast checks", () => {
  for (const [name, check] of Object.entries({ strictEvent, strictSingleEvent, lenientEvent })) {
    it(`${name} accepts exactly what its schema accepts`, () => {
      const seen = { fine: 0, not: 0 }
      fc.assert(
        fc.property(event, (value) => {
          const isFine = check.isFine(value)
          seen[isFine ? "fine" : "not"]++
          expect(check.problem(value) === null).toBe(isFine)
        }),
        { numRuns: 3000 },
      )
      expect(seen.fine).toBeGreaterThan(100)
      expect(seen.not).toBeGreaterThan(100)
    })
  }

  it("the strict ones accept nothing that the lenient one refuses", () => {
    fc.assert(
      fc.property(event, (value) => {
        if (strictEvent.isFine(value)) expect(strictSingleEvent.isFine(value)).toBe(true)
        if (strictSingleEvent.isFine(value)) expect(lenientEvent.isFine(value)).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })
})

describe("what is wrong with an event", () => {
  it.each([
    ["strictEvent", strictEvent, { eventName: "", user: {}, time: 1 }],
    ["lenientEvent", lenientEvent, { eventName: "" }],
  ])("is found by %s without looking at members that may be anything", (_, check, event) => {
    const looked: Array<PropertyKey> = []
    const metadata = new Proxy(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`key${n}`, 1])), {
      get: (target, name) => {
        looked.push(name)
        return Reflect.get(target, name)
      },
      ownKeys: (target) => {
        looked.push("keys")
        return Reflect.ownKeys(target)
      },
    })
    expect(check.problem({ ...event, metadata })?.path).toEqual(["eventName"])
    expect(check.problem({ ...event, eventName: "e", metadata })).toBeNull()
    expect(looked).toEqual([])
  })
})

describe("messageOf", () => {
  it("names fields and places", () => {
    expect(messageOf("events[3]", { path: ["user", "userID"], reason: "expected a string" })).toBe(
      "events[3].user.userID: expected a string",
    )
    expect(messageOf("", { path: ["event"], reason: "missing" })).toBe("event: missing")
    expect(messageOf("", { path: [], reason: "expected an object" })).toBe("body: expected an object")
  })

  it("shows a key only if it looks like a field's name", () => {
    const text = (key: string) => messageOf("events[0]", { path: ["user", "customIDs", key], reason: "no" })
    expect(text("companyID")).toBe("events[0].user.customIDs.companyID: no")
    expect(text("jane@example.com")).toBe("events[0].user.customIDs[?]: no")
    expect(text("a".repeat(65))).toBe("events[0].user.customIDs[?]: no")
    expect(text("")).toBe("events[0].user.customIDs[?]: no")
  })
})
