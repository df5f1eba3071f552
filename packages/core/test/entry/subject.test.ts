import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Event } from "../../src/base/Event.ts"
import { hash32 } from "../../src/base/hash32.ts"
import type { JsonObject } from "../../src/base/json.ts"
import { inSample, subjectOf } from "../../src/entry/subject.ts"

const blank: Event = { eventName: "e", user: {}, time: 0, value: null, metadata: {}, statsigMetadata: {} }

const isIn = (
  share: number,
  event: Partial<Event>,
  { id = "00", index = 0, statsigMetadata = {} as JsonObject } = {},
): boolean => {
  const whole = { ...blank, ...event }
  return inSample(share)(whole, index, { id, receivedAt: 0, statsigMetadata, events: [whole] })
}

const ofUser = (userID: string | number): Partial<Event> => ({ user: { userID } })

const share = fc.double({ min: 0, max: 1, noNaN: true })

test("a user in a share is in every larger one, and always the same", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), share, share, (userID, a, b) => {
      const [less, more] = a < b ? [a, b] : [b, a]
      if (isIn(less, ofUser(userID))) expect(isIn(more, ofUser(userID))).toBe(true)
      const elsewhere = { id: "ff", index: 9, statsigMetadata: { stableID: "s" } }
      const another = { ...ofUser(userID), eventName: "other", value: 3 }
      expect(isIn(a, another, elsewhere)).toBe(isIn(a, ofUser(userID)))
    }),
  )
})

test("nobody is in 0, everybody in 1", () => {
  fc.assert(
    fc.property(fc.string(), (userID) => {
      expect(isIn(0, ofUser(userID))).toBe(false)
      expect(isIn(1, ofUser(userID))).toBe(true)
    }),
  )
})

const kinds: ReadonlyArray<readonly [string, (n: number) => Partial<Event>, boolean]> = [
  ["counted ids", (n) => ofUser(`user_${n}`), false],
  ["bare numbers", (n) => ofUser(n), false],
  ["hexadecimal ids", (n) => ofUser((n * 2_654_435_761).toString(16)), false],
  ["mail addresses", (n) => ofUser(`someone.${n}@example.com`), false],
  ["events of nobody", () => ({}), true],
]

describe.each(kinds)("%s spread evenly", (_, event, byEvent) => {
  test.each([0.01, 0.1, 0.5, 0.9])("at %d", (wanted) => {
    const count = 20_000
    let taken = 0
    for (let n = 0; n < count; n++) {
      if (isIn(wanted, event(n), byEvent ? { id: "0123456789abcdef0123456789abcdef", index: n } : {}))
        taken += 1
    }
    const deviation = Math.sqrt(count * wanted * (1 - wanted))
    expect(Math.abs(taken - count * wanted)).toBeLessThan(4 * deviation)
  })
})

test("who it is: the user id, else the stable id wherever it is, else another id, else the event itself", () => {
  // A share between two hashes tells which of both was taken.
  const taken = (a: string, b: string, event: Partial<Event>, statsigMetadata: JsonObject = {}): string => {
    const [low, high] = hash32(a) < hash32(b) ? [a, b] : [b, a]
    return isIn(hash32(high) / 2 ** 32, event, { statsigMetadata }) ? low : high
  }
  const customIDs = { stableID: "stable", companyID: "company" }
  expect(taken("user", "stable", { user: { userID: "user", customIDs } })).toBe("user")
  expect(taken("7", "stable", { user: { userID: 7, customIDs } })).toBe("7")
  expect(taken("stable", "company", { user: { userID: "", customIDs } })).toBe("stable")
  expect(
    taken("stable", "company", { user: { stableID: "stable", customIDs: { companyID: "company" } } }),
  ).toBe("stable")
  expect(taken("event", "request", { statsigMetadata: { stableID: "event" } }, { stableID: "request" })).toBe(
    "event",
  )
  expect(taken("request", "00/0", {}, { stableID: "request" })).toBe("request")
  expect(taken("company", "00/0", { user: { customIDs: { other: null, companyID: "company" } } })).toBe(
    "company",
  )
  expect(taken("a", "z", { user: { customIDs: { y: "z", b: "a" } } })).toBe("a")
  expect(taken("00/0", "null", { user: { userID: null, customIDs: null } })).toBe("00/0")
})

test("a custom id is found by the order of its keys, without sorting a million of them", () => {
  const id = fc.oneof(fc.string({ maxLength: 2 }), fc.integer())
  fc.assert(
    fc.property(fc.dictionary(fc.string({ maxLength: 3 }), id), (customIDs) => {
      const first = Object.keys(customIDs)
        .filter((key) => key !== "stableID" && customIDs[key] !== "")
        .sort()[0]
      const expected = first === undefined ? "" : String(customIDs[first])
      expect(subjectOf({ customIDs }, {}, {})).toBe(expected)
    }),
  )
})

test("of an id longer than any, the beginning alone is hashed", () => {
  const long = "u".repeat(1024)
  expect(subjectOf({ userID: `${long}and more` }, {}, {})).toBe(long)
  expect(subjectOf({ customIDs: { a: `${long}and more` } }, {}, {})).toBe(long)
})
