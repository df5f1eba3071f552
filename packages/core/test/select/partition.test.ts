import * as fc from "fast-check"
import { expect, test } from "vitest"
import type { Event } from "../../src/base/Event.ts"
import type { JsonObject } from "../../src/base/json.ts"
import { bucketOf } from "../../src/entry/subject.ts"
import { partitionOf } from "../../src/select/partition.ts"
import { accepted, decodeJson, sdk, webhook } from "../support/wire.ts"

const partitions = fc.integer({ min: 2, max: 64 })

test("of one partition there is nothing to choose, and nobody is asked who the user is", () => {
  const subject = () => {
    throw new Error("asked")
  }
  expect(partitionOf(1, subject, "00")).toBe(0)
})

test("a user is always in the same partition; a request of nobody goes by its id", () => {
  fc.assert(
    fc.property(
      partitions,
      fc.string({ minLength: 1 }),
      fc.string(),
      fc.string(),
      (count, user, id, other) => {
        const partition = partitionOf(count, () => user, id)
        expect(partition).toBeGreaterThanOrEqual(0)
        expect(partition).toBeLessThan(count)
        expect(Number.isInteger(partition)).toBe(true)
        expect(partitionOf(count, () => user, other)).toBe(partition)
        expect(partitionOf(count, () => "", user)).toBe(partition)
      },
    ),
  )
})

const blank: Event = { eventName: "e", user: {}, time: 0, value: null, metadata: {}, statsigMetadata: {} }

test("users are spread evenly, and those of one partition over a lane's requests, too", () => {
  const count = 4
  const deal = bucketOf(count)
  const cells = new Map<string, number>()
  const users = 16_000
  for (let n = 0; n < users; n++) {
    const userID = `user_${n}`
    const event = { ...blank, user: { userID } }
    const bucket = deal(event, 0, { id: "00", receivedAt: 0, statsigMetadata: {}, events: [event] })
    const cell = `${partitionOf(count, () => userID, "00")} ${bucket}`
    cells.set(cell, (cells.get(cell) ?? 0) + 1)
  }
  expect(cells.size).toBe(count * count)
  for (const load of cells.values()) {
    expect(load).toBeGreaterThan((users / count ** 2) * 0.85)
    expect(load).toBeLessThan((users / count ** 2) * 1.15)
  }
})

const subjectOf = (...args: Parameters<typeof decodeJson>) => accepted(decodeJson(...args)).subject()

const one = (user: JsonObject | undefined, fields: JsonObject = {}) => ({
  eventName: "e",
  time: 1,
  ...(user === undefined ? {} : { user }),
  ...fields,
})

test("the request is of the first accepted event's user", () => {
  const events = [{ eventName: 7 }, one({ userID: "first" }), one({ userID: "second" })]
  expect(subjectOf(sdk, { events })).toBe("first")
})

test.each<[string, string, Parameters<typeof decodeJson>]>([
  ["by number", "7", [sdk, { events: [one({ userID: 7 })] }]],
  [
    "by the stable id among custom ids",
    "s",
    [sdk, { events: [one({ customIDs: { other: "o", stableID: "s" } })] }],
  ],
  ["by any custom id", "o", [sdk, { events: [one({ customIDs: { z: "z", a: "o" } })] }]],
  ["by the stable id of the request", "s", [sdk, { events: [one({})], statsigMetadata: { stableID: "s" } }]],
  [
    "by the stable id of the event",
    "e",
    [sdk, { events: [one({}, { statsigMetadata: { stableID: "e" } })], statsigMetadata: { stableID: "s" } }],
  ],
  ["by the user of the request", "r", [sdk, { events: [one(undefined)], user: { userID: "r" } }]],
  [
    "by the id beside the user, as exported events have it",
    "x",
    [webhook, [{ eventName: "e", timestamp: 1, user: {}, userID: "x" }]],
  ],
  ["nobody", "", [sdk, { events: [one({})] }]],
])("known %s", (_, subject, args) => {
  expect(subjectOf(...args)).toBe(subject)
})
