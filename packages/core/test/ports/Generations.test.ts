import { Generations, Position } from "@millrace/core/store"
import * as fc from "fast-check"
import { expect, it } from "vitest"

/** Says of every position ever given what became of its entry, by remembering all of them. */
class Plain {
  /** The position that stands at each number now. */
  standing: Array<Position.Position> = []
  /** Behind which number the entries of a position are that were lost with it, or before it. */
  readonly lost = new Map<Position.Position, number>()
  tail = 0

  cutBack(to: number): void {
    for (const position of this.standing.slice(to)) this.lost.set(position, to)
    for (const [position, fork] of this.lost) this.lost.set(position, Math.min(fork, to))
    this.standing = this.standing.slice(0, to)
  }
}

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ do: fc.constant("cut" as const), keep: fc.nat({ max: 12 }) }),
    fc.record({ do: fc.constant("trim" as const), to: fc.nat({ max: 12 }) }),
  ),
  { maxLength: 20 },
)

it("every position is told apart, whatever was lost how often", () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (story, byTime) => {
      const plain = new Plain()
      let generations = new Generations()
      let time = 1_764_000_000_000
      for (const step of story) {
        if (step.do === "append") {
          for (let count = 0; count < step.count; count++) {
            plain.standing.push(generations.positionOf(plain.standing.length + 1))
          }
        } else if (step.do === "trim") {
          plain.tail = Math.max(plain.tail, Math.min(step.to, plain.standing.length))
        } else {
          const number = Math.max(plain.standing.length - step.keep, plain.tail)
          plain.cutBack(number)
          time += 1
          const generation = byTime ? time : generations.current + 1
          generations = generations.begin({ generation, number }, plain.tail)
        }
      }
      for (const [index, position] of plain.standing.entries()) {
        const number = index + 1
        if (number < plain.tail) continue
        expect(generations.positionOf(number)).toBe(position)
        expect(generations.placeOf(position)).toEqual({ kind: "known", number })
        expect(generations.releasedBy(position)).toBe(number)
      }
      for (const [position, fork] of plain.lost) {
        expect(plain.standing).not.toContain(position)
        const resumeAt = generations.positionOf(Math.max(fork, plain.tail))
        const place = generations.placeOf(position)
        // What was told apart in front of the tail is forgotten: those positions are outside all
        // the same.
        if (place.kind === "known") expect(place.number).toBeLessThanOrEqual(plain.tail)
        else expect(generations.resumeAt(position, plain.tail)).toBe(resumeAt)
      }
      expect(plain.standing).toEqual([...plain.standing].sort())
      expect(generations.releasedBy(Position.end)).toBe(Number.MAX_SAFE_INTEGER)
      // However often it falls back to one place, there is one fork for it.
      const forks = generations.forks.map(({ number }) => number)
      expect(new Set(forks).size).toBe(forks.length)
      expect(forks).toEqual([...forks].sort((a, b) => a - b))
    }),
    { numRuns: 1000 },
  )
})

it("a position of a generation that the log knows nothing of leads to the first entry kept", () => {
  const generations = new Generations([{ generation: 3, number: 10 }])
  const foreign = Position.of(Position.prefixOf(4), 11)
  expect(generations.placeOf(foreign)).toEqual({ kind: "foreign" })
  expect(generations.resumeAt(foreign, 5)).toBe(generations.positionOf(5))
  expect(generations.releasedBy(foreign)).toBe(0)
})

it("a generation begins behind all others", () => {
  const generations = new Generations([{ generation: 3, number: 10 }])
  expect(() => generations.begin({ generation: 3, number: 11 }, 0)).toThrow(RangeError)
})
