import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { EntryIds } from "../../src/ports/EntryIds.ts"

describe("EntryIds", () => {
  it("draws 128 random bits each time, over several fills of its pool", () => {
    const next = Effect.runSync(
      Effect.gen(function* () {
        return yield* EntryIds
      }),
    )
    const ids = Array.from({ length: 1000 }, next)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
    expect(new Set(ids).size).toBe(1000)
    // Each of 128 bits is set about half of the time: 1,000 fair coins leave 350 to 650 once in
    // 10^21.
    const bits = Array.from(
      { length: 128 },
      (_, bit) => ids.filter((id) => (Number.parseInt(id[bit >> 2]!, 16) >> (bit & 3)) & 1).length,
    )
    for (const count of bits) expect(Math.abs(count - 500)).toBeLessThan(150)
  })
})
