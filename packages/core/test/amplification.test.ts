import * as Result from "effect/Result"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { ByteWriter } from "../src/bytes/ByteWriter.ts"
import * as Entry from "../src/entry/Entry.ts"
import * as Wire from "../src/intake/Wire.ts"
import * as Export from "../src/select/Export.ts"
import { id, limits, plainHttp } from "./support/wire.ts"

const isLong = process.env["MILLRACE_TEST_LONG"] !== undefined

/** How far it looks: with `MILLRACE_TEST_LONG=1` for most of an hour. */
const extent = isLong
  ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: 58 * 60_000 }
  : { numRuns: 3_000 }

/** What becomes longer when it is written again: digits, escapes, bytes that are not UTF-8. */
const growing = fc.constantFrom(
  "1e20",
  "-1e20",
  '"\xff\xff\xff"',
  "1e-6",
  '"\\ud800"',
  "123456789012345678901",
  "true",
  '""',
  "[1e20,1e20]",
)
const filling = fc.nat({ max: 200 }).map((length) => `"${"x".repeat(length)}"`)
const value = fc.oneof(growing, filling)

const objectOf = (keys: ReadonlyArray<string>, values: fc.Arbitrary<string>) =>
  fc
    .array(fc.tuple(fc.constantFrom(...keys), values), { maxLength: 4 })
    .map((pairs) => `{${pairs.map(([key, text]) => `"${key}":${text}`).join(",")}}`)

const details = [
  "gate",
  "config",
  "ruleID",
  "groupName",
  "gateGroupName",
  "experimentGroupName",
  "gateValue",
  "allocatedExperiment",
  "parameterName",
]
const user = objectOf(["userID", "email", "customIDs", "a"], value)
const name = fc.constantFrom(
  ...["e", "e", "e", "statsig::gate_exposure", "statsig::config_exposure", "statsig::layer_exposure"],
  "n".repeat(1024),
)

const event = fc
  .tuple(
    fc.constantFrom("event", "eventName"),
    name,
    fc.array(
      fc.oneof(
        fc.oneof(user, fc.constant("null")).map((text) => `"user":${text}`),
        value.map((text) => `"userID":${text}`),
        value.map((text) => `"value":${text}`),
        fc
          .constantFrom("0", "1e24", "-1e300", '"2026-01-01"', "1795296100000")
          .map((text) => `"time":${text}`),
        objectOf(details, value).map((text) => `"metadata":${text}`),
        objectOf(details, value).map((text) => `"statsigMetadata":${text}`),
        fc.constant('"timeUUID":"a0d5d6e0-ebb6-11f1-9d96-1de50cf12a2d"'),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([key, text, others]) => `{${[`"${key}":"${text}"`, ...others].join(",")}}`)

const events = fc.oneof(
  fc.array(event, { minLength: 1, maxLength: 5 }),
  fc.tuple(event, fc.integer({ min: 1, max: 400 })).map(([text, count]) => Array<string>(count).fill(text)),
)

const large = fc.nat({ max: 5_000 }).map((length) => `"${"x".repeat(length)}"`)
const shared = objectOf(["sdkType", "userID", "stableID", "a", "b"], fc.oneof(value, large))
const rest = fc.record({ user: shared, statsigMetadata: shared }, { requiredKeys: [] }).map((facts) =>
  Object.entries(facts)
    .map(([key, text]) => `,"${key}":${text}`)
    .join(""),
)

const body = fc.oneof(
  fc.tuple(events, rest).map(([list, facts]) => `{"events":[${list.join(",")}]${facts}}`),
  fc.tuple(events, rest).map(([list, facts]) => `{"data":[${list.join(",")}]${facts}}`),
  events.map((list) => `[${list.join(",")}]`),
  event,
)

const fact = fc.option(
  fc.oneof(
    fc.constant("js-client"),
    fc.string({ unit: "binary", maxLength: 128 }),
    fc.nat({ max: 128 }).map((length) => "\u0001".repeat(length)),
  ),
)

const head = fc.record({
  ...{
    dialect: fc.constantFrom("log_event" as const, "event_webhook" as const),
    validation: fc.constant("lenient" as const),
  },
  ...{ receivedAt: fc.constant(plainHttp.receivedAt), keyId: fc.constant(null) },
  ...{ clientTimeHeader: fc.constantFrom(null, "1000"), clientTimeQuery: fc.constant(null) },
  ...{ sdkType: fact, sdkVersion: fact, sessionID: fact },
})

const client = fc.record(
  {
    ip: fc.constantFrom("192.0.2.1", "f".repeat(64)),
    userAgent: fc.oneof(
      fc.nat({ max: 512 }).map((length) => "a".repeat(length)),
      fc.constant("\u0001".repeat(512)),
    ),
  },
  { requiredKeys: [] },
)

const rules = (["statsigMetadata", "metadata"] as const).map((exposures) =>
  Export.rule({ exposures, fields: { drop: [], keep: null, hash: [] } }, null),
)

/** What leaves for one destination, in batches of one event: as many brackets as there can be. */
const sentBytes = (entry: Entry.DecodedEntry, rule: Export.ExportRule): number => {
  const write = Export.eventWriter(entry, rule)
  const into = new ByteWriter(0)
  let bytes = 0
  for (const [index, one] of entry.events.entries()) {
    into.cut(0)
    const error = write(one, index, into)
    if (error !== null) throw error
    bytes += into.length + 2
  }
  return bytes
}

it.each([
  ["", 40, head],
  [
    ", and 20 more where intake is told to keep what it knows of the client,",
    60,
    fc.tuple(head, client).map(([one, client]) => ({ ...one, client })),
  ],
] as const)(
  "what leaves for one destination is never more than 40 times the body%s it came in",
  {
    timeout: 3_600_000,
  },
  (_, bound, anyHead) => {
    const seen = { accepted: 0, refused: 0, most: 0, tenfold: 0 }
    fc.assert(
      fc.property(anyHead, body, (head, text) => {
        const bytes = Buffer.from(text, "latin1")
        const result = Wire.decode(head, bytes, id, limits)
        if (Result.isFailure(result) || result.success.entry === null) {
          seen.refused += 1
          return
        }
        const decoded = Entry.decode(result.success.entry)
        if (Result.isFailure(decoded)) throw decoded.failure
        seen.accepted += 1
        for (const rule of rules) {
          const growth = sentBytes(decoded.success, rule) / bytes.length
          expect(growth).toBeLessThanOrEqual(bound)
          seen.most = Math.max(seen.most, growth)
          if (growth > 10) seen.tenfold += 1
        }
      }),
      extent,
    )
    if (isLong) process.stdout.write(`${JSON.stringify(seen)}\n`)
    const all = seen.accepted + seen.refused
    // The bound is met from both sides.
    expect(seen.accepted).toBeGreaterThan(all / 5)
    expect(seen.refused).toBeGreaterThan(all / 100)
    expect(seen.tenfold).toBeGreaterThan(all / 50)
    expect(seen.most).toBeGreaterThan(25)
  },
)
