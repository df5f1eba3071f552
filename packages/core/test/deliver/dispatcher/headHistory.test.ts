import * as fc from "fast-check"
import { expect, test } from "vitest"
import { HeadHistory } from "../../../src/deliver/dispatcher/headHistory.ts"
import * as Position from "../../../src/ports/Position.ts"

const keepFor = 64_000

/** A log that grows, or does not, and is looked at after so many ms. */
const looks = fc.array(
  fc.record({ after: fc.integer({ min: 0, max: 20_000 }), grows: fc.integer({ min: 0, max: 2 }) }),
  { minLength: 1, maxLength: 200 },
)

test("an entry is old enough when it has been seen for as long, and at the latest one part of that later", () => {
  fc.assert(
    fc.property(looks, (steps) => {
      const history = new HeadHistory(keepFor)
      /** When each entry was first seen, by its number. */
      const seen: Array<number> = []
      let now = 0
      for (const { after, grows } of steps) {
        now += after
        for (let entry = 0; entry < grows; entry++) seen.push(now)
        history.note(now, Position.fromNumber(seen.length))
        const old = Position.toNumber(history.oldEnough(now) ?? Position.origin)
        const atLeast = seen.filter((at) => now - at >= keepFor * (1 + 1 / 64)).length
        const atMost = seen.filter((at) => now - at >= keepFor).length
        expect(old).toBeGreaterThanOrEqual(atLeast)
        expect(old).toBeLessThanOrEqual(atMost)
      }
    }),
  )
})

test("it is due when the next entry is old enough, and never when all have gone", () => {
  fc.assert(
    fc.property(looks, (steps) => {
      const history = new HeadHistory(keepFor)
      let now = 0
      let entries = 0
      for (const { after, grows } of steps) {
        now += after
        entries += grows
        history.note(now, Position.fromNumber(entries))
      }
      const tail = history.oldEnough(now) ?? Position.origin
      const due = history.dueIn(now, tail)
      if (tail === Position.fromNumber(entries)) expect(due).toBe(Number.POSITIVE_INFINITY)
      else {
        expect(due).toBeLessThanOrEqual(keepFor)
        expect(history.oldEnough(now + due)! > tail).toBe(true)
      }
    }),
  )
})
