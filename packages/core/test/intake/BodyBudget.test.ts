import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { BodyBudget } from "../../src/intake/BodyBudget.ts"

const kilobyte = 1024
const megabyte = 1024 * 1024

/** Adds to a body until there is no room; says how much it has then. */
const fill = (budget: BodyBudget, piece: number, most: number, share: "keyed" | "unproven" = "keyed") => {
  const held = budget.begin(share)
  while (held.bytes < most && held.add(piece)) {}
  return held
}

describe("BodyBudget", () => {
  it("lets no number of large uploads shut out a small body", () => {
    const budget = new BodyBudget(192 * megabyte)
    const uploads = Array.from({ length: 100 }, () => fill(budget, 32 * kilobyte, 10 * megabyte - 1))
    expect(uploads.filter(({ bytes }) => bytes < 10 * megabyte - 1).length).toBeGreaterThan(50)
    for (let index = 0; index < 100; index++) expect(budget.begin("keyed").add(26 * kilobyte)).toBe(true)
  })

  it("gives those who have yet to prove who they are nothing of anybody's", () => {
    const budget = new BodyBudget(megabyte)
    const held = fill(budget, 8 * kilobyte, 10 * megabyte, "unproven")
    expect(held.bytes).toBe(128 * kilobyte)
    expect(fill(budget, 8 * kilobyte, megabyte).bytes).toBe(megabyte)
  })

  it("lets small bodies take from what all share once their own room is full", () => {
    const budget = new BodyBudget(megabyte)
    let taken = 0
    while (budget.begin("keyed").add(64 * kilobyte)) taken += 1
    expect(taken).toBe(16 + 4)
  })

  it("never holds more than it has, and has all of it back in the end", () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.nat(4),
            fc.oneof(fc.nat(3_000), fc.nat(90_000)),
            fc.boolean(),
            fc.constantFrom("keyed", "unproven"),
          ),
          { maxLength: 200 },
        ),
        (steps) => {
          const budget = new BodyBudget(200_000)
          const bodies = new Map<number, ReturnType<BodyBudget["begin"]>>()
          for (const [which, bytes, isOver, share] of steps) {
            const body = bodies.get(which) ?? budget.begin(share as "keyed")
            bodies.set(which, body)
            const before = body.bytes
            const isAdded = body.add(bytes)
            expect(body.bytes).toBe(isAdded ? before + bytes : before)
            if (isOver) {
              body.release()
              bodies.delete(which)
            }
            const all = [...bodies.values()].reduce((sum, one) => sum + one.bytes, 0)
            expect(all).toBeLessThanOrEqual(200_000 * (1 + 1 / 4 + 1 / 8))
          }
          for (const body of bodies.values()) body.release()
          expect(budget.begin("keyed").add(200_000)).toBe(true)
          expect(budget.begin("keyed").add(50_000)).toBe(true)
          expect(budget.begin("unproven").add(25_000)).toBe(true)
        },
      ),
    ))
})
