import fc from "fast-check"
import { expect, it } from "vitest"
import { type EntryRow, EntryRows } from "../../../src/ports/memory/EntryRows.ts"
import { Slabs } from "../../../src/ports/memory/Slabs.ts"

const slabs = new Slabs()
const slab = slabs.take(1)
const other = { ...slab }

/** Every number of it another one. */
const row = (n: number): EntryRow => ({
  slab: n % 3 === 0 ? slab : other,
  idAt: n,
  envelopeAt: n + 0.1,
  bodyAt: n + 0.2,
  end: n + 0.3,
  events: n + 0.4,
  appendedAt: -n,
  allEvents: n * 1e6,
  allBytes: n * 1e12,
})

const read = (rows: EntryRows, place: number): EntryRow => ({
  slab: rows.slab(place),
  idAt: rows.number(place, "idAt"),
  envelopeAt: rows.number(place, "envelopeAt"),
  bodyAt: rows.number(place, "bodyAt"),
  end: rows.number(place, "end"),
  events: rows.number(place, "events"),
  appendedAt: rows.number(place, "appendedAt"),
  allEvents: rows.number(place, "allEvents"),
  allBytes: rows.number(place, "allBytes"),
})

it("is a queue whose rows are found by their place", () => {
  const steps = fc.array(fc.tuple(fc.nat(3000), fc.nat(3000)), { maxLength: 8 })
  fc.assert(
    fc.property(steps, fc.nat(), (steps, seed) => {
      const rows = new EntryRows()
      let [first, last] = [0, 0]
      for (const [pushes, shifts] of steps) {
        for (let n = 0; n < pushes; n++) rows.push(row(last++))
        for (let n = 0; n < Math.min(shifts, last - first); n++) rows.shift()
        first = Math.min(first + shifts, last)
        expect(rows.length).toBe(last - first)
        for (const place of [0, seed % Math.max(rows.length, 1), rows.length - 1]) {
          if (rows.length > 0) expect(read(rows, place)).toEqual(row(first + place))
        }
      }
    }),
    { numRuns: 60 },
  )
})
