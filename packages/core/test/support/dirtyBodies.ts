import * as fc from "fast-check"
import type { WireHead } from "../../src/intake/sorting.ts"
import { plainHttp, receivedAt } from "./wire.ts"

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
/** Bodies of every form, with all that senders do to them. Each code unit is a byte. */
export const dirtyBody = fc
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

export const anyHead: fc.Arbitrary<WireHead> = fc.record({
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
