import * as Result from "effect/Result"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { Slice, toTheEnd } from "../../src/base/slices.ts"
import type { Sorted, WireHead } from "../../src/intake/sorting.ts"
import { sortParsed } from "../../src/intake/sortParsed.ts"
import { sortSurveyed } from "../../src/intake/sortSurveyed.ts"
import { limits, plainHttp, receivedAt, textOf } from "../support/wire.ts"

// As they are written, in Latin-1: bytes that are not UTF-8 among them.

const scalar = fc.constantFrom(
  ...[
    '""',
    '"a"',
    '" "',
    '"\\u0061"',
    '"\\/"',
    '"\xc3\xbc"',
    '"\xff"',
    '"2026-01-01"',
    '"1795296100000"',
    '"{"',
  ],
  ...["0", "-0", "1.0", "1e3", "1e999", "-1E+999", "1795296100000", "1795296100", "12345678901234567890"],
  ...["null", "true", "false", "[]", "[ ]", "{}", "[null]"],
)
const bare = fc.constantFrom("NaN", "-Infinity", "Infinity")
const broken = fc.constantFrom("nul", "01", "{", ",", '"\\x"', "\xff")

const key = fc.constantFrom(
  ...["eventName", "event", "user", "time", "timestamp", "value", "metadata", "timeUUID", "userID"],
  ...["statsigMetadata", "sdkType", "customIDs", "custom", "email", "stableID", "other", "", "__proto__"],
  ...["privateAttributes", "privat\\u0065Attributes", "event\\u004eame", "us\\u0065r"],
)
const space = fc.constantFrom("", "", "", " ", "\n\t")

const written = (members: fc.Arbitrary<ReadonlyArray<readonly [string, string]>>) =>
  fc
    .tuple(members, space)
    .map(
      ([pairs, gap]) =>
        `{${gap}${pairs.map(([name, text]) => `"${name}"${gap}:${gap}${text}`).join(`${gap},${gap}`)}${gap}}`,
    )
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 150, arbitrary: scalar },
    { weight: 6, arbitrary: bare },
    { weight: 1, arbitrary: broken },
    {
      weight: 15,
      arbitrary: fc
        .tuple(fc.array(tie("value"), { maxLength: 3 }), space)
        .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
    },
    { weight: 45, arbitrary: written(fc.array(fc.tuple(key, tie("value")), { maxLength: 3 })) },
  ),
}))
const members = fc.array(fc.tuple(key, value), { maxLength: 5 })
const good = fc.constantFrom<ReadonlyArray<readonly [string, string]>>(
  [["eventName", '"e"']],
  [
    ["event", '"e"'],
    ["timestamp", "1795296100000"],
  ],
  [
    ["eventName", '"e"'],
    ["time", "1795296100000"],
    ["user", '{"userID":"u","customIDs":{"a":"b"}}'],
    ["metadata", '{"a":"b"}'],
  ],
  [
    ["eventName", '"e"'],
    ["timeUUID", '"a0d5d6e0-ebb6-11f1-9d96-1de50cf12a2d"'],
    ["user", "null"],
  ],
)
const event = fc.oneof(
  { weight: 8, arbitrary: written(good) },
  { weight: 8, arbitrary: written(fc.tuple(good, members).map(([one, other]) => [...one, ...other])) },
  { weight: 3, arbitrary: written(members) },
  { weight: 1, arbitrary: value },
)
const list = fc
  .tuple(fc.array(event, { maxLength: 4 }), space)
  .map(([items, gap]) => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`)
const listName = fc.constantFrom("events", "events", "events", "data", "event\\u0073")
const body = fc
  .tuple(
    fc.oneof(
      {
        weight: 8,
        arbitrary: written(
          fc
            .tuple(
              members,
              fc.array(fc.tuple(listName, fc.oneof({ weight: 30, arbitrary: list }, value)), {
                minLength: 1,
                maxLength: 2,
              }),
              members,
            )
            .map(([before, lists, after]) => [...before, ...lists, ...after]),
        ),
      },
      { weight: 2, arbitrary: list },
      { weight: 2, arbitrary: event },
      { weight: 1, arbitrary: value },
    ),
    space,
    fc.constantFrom("", "", "", "", "\xef\xbb\xbf"),
    fc.option(fc.record({ at: fc.nat(), drop: fc.nat(1), byte: fc.nat(255) }), { freq: 12 }),
  )
  .map(([text, gap, mark, change]) => {
    const whole = `${mark}${gap}${text}${gap}`
    if (change !== null) {
      const at = change.at % (whole.length + 1)
      return `${whole.slice(0, at)}${String.fromCharCode(change.byte)}${whole.slice(at + change.drop)}`
    }
    return whole
  })

const head: fc.Arbitrary<WireHead> = fc.record({
  dialect: fc.constantFrom("log_event" as const, "event_webhook" as const),
  validation: fc.constantFrom("auto" as const, "strict" as const, "lenient" as const, "lenient" as const),
  receivedAt: fc.constant(receivedAt),
  clientTimeHeader: fc.constantFrom(plainHttp.clientTimeHeader, plainHttp.clientTimeHeader, null, "soon"),
  clientTimeQuery: fc.constant(null),
  sdkType: fc.constantFrom(null, "js-client"),
  sdkVersion: fc.constant(null),
  sessionID: fc.constant(null),
  keyId: fc.constant(null),
})

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
      head,
      body,
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
