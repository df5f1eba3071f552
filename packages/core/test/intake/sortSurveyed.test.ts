import * as Result from "effect/Result"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { Slice, toTheEnd } from "../../src/base/slices.ts"
import type { Sorted } from "../../src/intake/sorting.ts"
import { sortParsed } from "../../src/intake/sortParsed.ts"
import { sortSurveyed } from "../../src/intake/sortSurveyed.ts"
import { anyHead, dirtyBody } from "../support/dirtyBodies.ts"
import { limits, textOf } from "../support/wire.ts"

const isDeep = (text: string, nesting: number): boolean => {
  let depth = 0
  for (const [one] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/g)) {
    if (one === "[" || one === "{") depth += 1
    if (one === "]" || one === "}") depth -= 1
    if (depth > nesting) return true
  }
  return false
}

const shown = ({ body: kept, subject, ...sorted }: Sorted) => ({
  ...sorted,
  isAnyKept: sorted.eventNames.length > 0,
  ...(sorted.eventNames.length > 0 ? { body: textOf(kept()), subject: subject() } : {}),
})

it("a body that is looked at in slices comes to what it comes to when it is parsed", () => {
  const seen = { deep: 0, kept: 0, cleaned: 0, refused: 0, rejected: 0, mended: 0, bare: 0 }
  fc.assert(
    fc.property(
      anyHead,
      dirtyBody,
      fc.constantFrom(limits, limits, { ...limits, events: 2 }, { ...limits, nesting: 4 }),
      (of, text, some) => {
        const bytes = Buffer.from(text, "latin1")
        const parsed = sortParsed(of, bytes, some)
        const surveyed = toTheEnd(sortSurveyed(of, bytes, some, new Slice(1)))
        // A body that is nested too deep is looked at no further, whatever else there is to say of
        // it.
        if (Result.isFailure(surveyed) && surveyed.failure.message.includes("nested deeper")) {
          seen.deep += 1
          expect(isDeep(text, some.nesting)).toBe(true)
          return
        }
        if (Result.isFailure(parsed)) {
          seen.refused += 1
          expect(surveyed).toEqual(parsed)
          return
        }
        if (Result.isFailure(surveyed)) throw new Error(surveyed.failure.message)
        const { success } = parsed
        const expected = shown(success)
        expect(shown(surveyed.success)).toEqual(expected)
        if (success.refusedAt.length > 0) seen.rejected += 1
        if (/NaN|Infinity/.test(text)) seen.bare += 1
        if (!expected.isAnyKept) return
        seen.kept += 1
        if (!Buffer.from(success.body()).equals(bytes)) seen.cleaned += 1
        if (expected.body?.includes("\ufffd")) seen.mended += 1
      },
    ),
    { numRuns: 10_000 },
  )
  expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(100)
})
