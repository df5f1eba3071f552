import * as fc from "fast-check"
import { expect, test } from "vitest"
import { IntakeWatch, type Noticed } from "../../src/intake/IntakeWatch.ts"

const begin = Date.UTC(2026, 0, 1)

const step = fc.record({
  pause: fc.constantFrom(0, 1, 400, 999, 1000, 61_000),
  outcome: fc.constantFrom("stored" as const, "rejected" as const, "duplicate" as const),
  events: fc.nat(5),
  key: fc.constantFrom("a", "b", null),
  told: fc.boolean(),
})

test("what one has noticed and told adds up at another to the same", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const worker = new IntakeWatch()
      const primary = new IntakeWatch()
      let now = begin
      const tell = () => primary.add(JSON.parse(JSON.stringify(worker.take())) as Noticed, now)
      for (const { pause, outcome, events, key, told } of steps) {
        now += pause
        worker.came(outcome, events, key, now)
        if (told) tell()
      }
      tell()
      const sum = (outcome: string) =>
        steps.reduce((all, one) => all + (one.outcome === outcome ? one.events : 0), 0)
      for (const watch of [worker, primary]) {
        expect(watch.today(now)).toMatchObject({ stored: sum("stored"), rejected: sum("rejected") })
        expect(watch.rejectedCount).toBe(sum("rejected"))
        for (const id of ["a", "b"]) {
          const used = steps.filter(({ outcome, key }) => outcome === "stored" && key === id)
          const events = used.reduce((all, one) => all + one.events, 0)
          expect(watch.useOf(id)?.events ?? 0).toBe(events)
        }
      }
      expect(worker.take()).toEqual({ stored: 0, rejected: 0, refusals: [], keys: [] })
    }),
  )
})

test("a rate is that of the last ten seconds", () => {
  const watch = new IntakeWatch()
  for (let at = begin; at < begin + 20_000; at += 100) watch.came("stored", 3, "a", at)
  expect(watch.rate(begin + 20_000, begin)).toBe(30)
  expect(watch.rate(begin + 25_000, begin)).toBe(15)
  expect(watch.rate(begin + 40_000, begin)).toBe(0)
})
