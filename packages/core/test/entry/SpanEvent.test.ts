import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Json } from "../../src/base/json.ts"
import * as Entry from "../../src/entry/Entry.ts"
import { WrittenEvent } from "../../src/entry/SpanEvent.ts"
import { type ExposureDetails, rule, textExporter } from "../../src/select/Export.ts"
import { bytesOf, id, plain, read, receivedAt } from "../support/wire.ts"

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom('"', "\\", "\u2028", "ü", "日本"),
)
const json = fc
  .jsonValue({ maxDepth: 3, stringUnit: "grapheme" })
  .filter((value) => !/\\|e[+-]/.test(JSON.stringify(value)))
const details = fc.record(
  { gate: text, gateValue: fc.constantFrom("true", "false"), config: text, ruleID: text, ruleName: text },
  { requiredKeys: [] },
)
const none = fc.constantFrom<Json>(null, [])
const user = fc.record(
  {
    userID: fc.oneof(text, fc.integer(), fc.constantFrom(null, true, false)),
    custom: json,
    ip: fc.constantFrom<Json>("192.0.2.9", "", null, 5, {}),
    userAgent: fc.constantFrom<Json>("the SDK's own", "", null),
    country: fc.constantFrom<Json>("NZ", "", null),
    privateAttributes: fc.constant(null),
  },
  { requiredKeys: [] },
)
const event = fc.record(
  {
    eventName: fc.constantFrom(
      ...["page_view", "ü", "statsig::gate_exposure", "statsig::config_exposure", "statsig::layer_exposure"],
    ),
    user: fc.oneof(user, none),
    time: fc.oneof(
      fc.integer(),
      fc.constantFrom(0.5, -3, 1_790_000_000_000.25, 1_795_296_000),
      fc.constant(null),
    ),
    value: fc.oneof(text, fc.integer(), fc.constantFrom(0.5, -0, 1.5), fc.boolean(), fc.constant(null)),
    metadata: fc.oneof(details, fc.dictionary(fc.constantFrom("a", "ü"), json), none),
    statsigMetadata: fc.oneof(fc.record({ stableID: text, gate: text }, { requiredKeys: [] }), none),
    secondaryExposures: json,
  },
  { requiredKeys: ["eventName"] },
)
const body = fc.record(
  {
    events: fc.array(event, { minLength: 1, maxLength: 4 }),
    user,
    statsigMetadata: fc.record({ sdkType: text }),
    other: json,
  },
  { requiredKeys: ["events"] },
)
const envelope = fc.record(
  {
    offset: fc.constantFrom(0, 1999, -7_200_000),
    clock: fc.constantFrom("s", "ms", "us", "none" as const),
    sdkType: text,
    sessionID: text,
    ip: fc.constantFrom("192.0.2.1", "2001:db8::"),
    userAgent: text,
    country: fc.constantFrom("DE", "ü"),
  },
  { requiredKeys: [] },
)

/** `JSON.stringify` with white space between everything, or with none. */
const spaced = fc.constantFrom<string | undefined>(undefined, " ", "\t")

/** What may stand between a key and its value. */
const colons = fc.constantFrom('":', '" :', `"${" ".repeat(10)}:`, `"${" ".repeat(6)}: `)

const entry = fc
  .tuple(body, envelope, spaced, colons)
  .map(([content, facts, space, colon]) =>
    Entry.encode(
      id,
      content.events.length,
      { receivedAt, dialect: "log_event", mode: "lenient", ...facts },
      bytesOf(JSON.stringify(content, null, space).replace(/(?<=[a-zA-Z])":/g, colon)),
    ),
  )

/** No outline begins with a byte order mark: the same entry, with every event parsed. */
const parsed = (one: ReturnType<typeof Entry.encode>): Entry.DecodedEntry =>
  read({ ...one, body: Uint8Array.from([0xef, 0xbb, 0xbf, ...one.body]) })

const noClient = { ip: undefined, userAgent: undefined, country: undefined }

const unchanged = { drop: [], keep: null, hash: [] } as const

describe("an event that is read where it is written", () => {
  it("is the same as one that has been parsed", () => {
    let written = 0
    fc.assert(
      fc.property(entry, (one) => {
        const decoded = read(one)
        written += decoded.events.filter((event) => event instanceof WrittenEvent).length
        expect(parsed(one).events.some((event) => event instanceof WrittenEvent)).toBe(false)
        expect(plain(decoded)).toEqual(plain(parsed(one)))
      }),
      { numRuns: 2_000 },
    )
    expect(written).toBeGreaterThan(1_000)
  })

  it("is exported as one that has been parsed", () => {
    fc.assert(
      fc.property(
        entry,
        fc.constantFrom<ExposureDetails>("statsigMetadata", "metadata"),
        (one, exposures) => {
          const exported = (decoded: Entry.DecodedEntry) => {
            const toText = textExporter(decoded, rule({ exposures, fields: unchanged }, null))
            return decoded.events.map((event, index) => JSON.parse(String(toText(event, index))))
          }
          expect(exported(read(one))).toEqual(exported(parsed(one)))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it("says what is known of the client where the SDK says nothing, and only there", () => {
    const client = { ip: "192.0.2.1", userAgent: "agent", country: "DE" }
    const isEmpty = (value: unknown) => value === undefined || value === null || value === ""
    fc.assert(
      fc.property(entry, (one) => {
        const facts = JSON.parse(one.envelope)
        const known = { ...one, envelope: JSON.stringify({ ...facts, ...client }) }
        const unknown = { ...one, envelope: JSON.stringify({ ...facts, ...noClient }) }
        const before = read(unknown).events
        for (const [index, { user }] of read(known).events.entries()) {
          const rest = before[index]!.user
          const filled = Object.entries(client).filter(([name]) => isEmpty(rest[name]))
          expect(user).toEqual({ ...rest, ...Object.fromEntries(filled) })
        }
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['{"userID":"u","share":1.50,"big":12345678901234567890}', ',"ip":"192.0.2.1"}'],
    ["{}", '"ip":"192.0.2.1"}'],
    ["{ }", '"ip":"192.0.2.1"}'],
  ])("is exported with what is known of the client behind the user %s as it came", (sent, behind) => {
    const facts = { receivedAt, dialect: "log_event", mode: "lenient", ip: "192.0.2.1" } as const
    const one = Entry.encode(id, 1, facts, bytesOf(`{"events":[{"eventName":"x","user":${sent}}]}`))
    const toText = textExporter(read(one), rule({ exposures: "metadata", fields: unchanged }, null))
    expect(toText(read(one).events[0]!, 0)).toContain(`"user":${sent.slice(0, -1)}${behind},"userID":`)
  })

  it("keeps what a double cannot hold, and how it is written", () => {
    const sent = '{"userID":"u","account":12345678901234567890,"share":1.0,"path":"a\\/b"}'
    const one = Entry.encode(
      id,
      1,
      { receivedAt, dialect: "log_event", mode: "lenient" },
      bytesOf(`{"events":[{"eventName":"x","user":${sent}}]}`),
    )
    const decoded = read(one)
    const toText = textExporter(decoded, rule({ exposures: "metadata", fields: unchanged }, null))
    expect(toText(decoded.events[0]!, 0)).toContain(`"user":${sent},"userID":"u"`)
  })
})
