import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Event } from "../../src/base/Event.ts"
import type { DecodedEntry } from "../../src/entry/Entry.ts"
import * as Catalog from "../../src/select/Catalog.ts"
import * as Filter from "../../src/select/Filter.ts"
import type { Where } from "../../src/select/Where.ts"

type Encoded = typeof Filter.Filter.Encoded

const decode = Schema.decodeUnknownSync(Filter.Filter)

const catalog: Catalog.Catalog = {
  ...Catalog.empty,
  isDynamicConfig: (config) => (config === "unknown" ? undefined : config === "a_config"),
}

const entryOf = (...events: ReadonlyArray<Event>): DecodedEntry => ({
  ...{ id: "0".repeat(32), receivedAt: 0, statsigMetadata: { sdkType: "js" }, events },
})

const eventOf = (event: Partial<Event>): Event => ({
  ...{ eventName: "a", user: {}, time: 0, value: null, metadata: {}, statsigMetadata: {} },
  timeUUID: undefined,
  ...event,
})

const eventName = fc.constantFrom(
  ...["page_view", "page_leave", "pay", "debug_x", "toString", "auto_capture::click", "statsig::log_line"],
  ...["statsig::gate_exposure", "statsig::config_exposure", "statsig::config_change"],
)

const scalar = fc.constantFrom<string | number | boolean>("DE", "FR", 1, 2, "2", true)

const anyEvent: fc.Arbitrary<Event> = fc
  .record({
    eventName,
    user: fc.record({ userID: fc.constantFrom("a", "b", "c", "d"), country: scalar }, { requiredKeys: [] }),
    value: fc.constantFrom(null, 1, 3, "x"),
    metadata: fc.record(
      { config: fc.constantFrom("a_config", "an_experiment", "unknown"), tags: fc.array(scalar) },
      { requiredKeys: [] },
    ),
  })
  .map(eventOf)

const field = fc.constantFrom("user.country", "value", "userID", "metadata.tags", "user.nothing", "eventName")

const operator = fc.oneof(
  scalar.map((eq) => ({ eq })),
  scalar.map((ne) => ({ ne })),
  fc.array(scalar).map((members) => ({ in: members })),
  fc.array(scalar).map((nin) => ({ nin })),
  fc.constantFrom(1, 2, "E").map((gt) => ({ gt })),
  fc.constantFrom(1, 2, "E").map((lte) => ({ lte })),
  fc.boolean().map((exists) => ({ exists })),
  fc.constantFrom("D", "page").map((startsWith) => ({ startsWith })),
  fc.constantFrom("*e*", "?E").map((glob) => ({ glob })),
)

const { rule } = fc.letrec<{ rule: Where }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(field, operator, operator).map(([name, one, two]) => ({ field: name, ...one, ...two })),
    fc.array(tie("rule"), { maxLength: 3 }).map((all) => ({ all })),
    fc.array(tie("rule"), { maxLength: 3 }).map((any) => ({ any })),
    tie("rule").map((not) => ({ not })),
  ),
}))

const globs = fc.array(
  fc.constantFrom("*", "page_*", "pay", "debug_*", "statsig::experiment_*", "statsig::config_exposure"),
  { maxLength: 2 },
)

const anyFilter: fc.Arbitrary<Encoded> = fc.record(
  {
    categories: fc.dictionary(
      fc.constantFrom("exposures", "custom", "internal", "auto_capture"),
      fc.boolean(),
    ),
    newCustomEvents: fc.boolean(),
    customEvents: fc.dictionary(fc.constantFrom("page_view", "pay", "toString"), fc.boolean()),
    include: fc.oneof({ weight: 2, arbitrary: fc.constant(["*"]) }, { weight: 1, arbitrary: globs }),
    exclude: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: globs }),
    where: rule,
    sample: fc.constantFrom(0, 0.3, 0.7, 1, 1),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Encoded>

const predicates = [undefined, ({ value }: Event) => value === 1, () => Promise.resolve(true) as never]

test("there is a reason exactly when the compiled filter leaves the event out", () => {
  const tags = new Set<string>()
  let passed = 0
  fc.assert(
    fc.property(anyFilter, anyEvent, fc.constantFrom(...predicates), (encoded, event, predicate) => {
      const filter = decode(encoded)
      const options = { predicate, catalog: () => catalog }
      const { name, event: rest } = Filter.compile(filter, options)
      const entry = entryOf(event)
      const passes = name(event.eventName) && (rest === null || rest(event, 0, entry))
      const reason = Filter.explain(filter, options)(event, 0, entry)
      expect(reason === null).toBe(passes)
      if (reason === null) passed += 1
      else {
        tags.add(reason._tag)
        expect(Schema.decodeUnknownSync(Filter.FilterReason)(reason)).toEqual(reason)
      }
    }),
    { numRuns: 1500 },
  )
  // Both happen often enough to mean something.
  expect(passed).toBeGreaterThan(20)
  expect([...tags].sort()).toEqual([
    ...["CategoryOff", "Excluded", "NotIncluded", "NotListed", "Predicate", "Sampled", "Unticked", "Where"],
  ])
})

describe("a reason says what would have to be another", () => {
  test.each<readonly [Encoded, Partial<Event>, Filter.FilterReason | null]>([
    [
      { categories: { exposures: false } },
      { eventName: "statsig::gate_exposure" },
      { _tag: "CategoryOff", category: "exposures" },
    ],
    [{ customEvents: { a: false } }, {}, { _tag: "Unticked", eventName: "a" }],
    [{ newCustomEvents: false }, {}, { _tag: "NotListed", eventName: "a" }],
    [{ include: ["b*"] }, {}, { _tag: "NotIncluded" }],
    [{ exclude: ["b", "a*"] }, {}, { _tag: "Excluded", pattern: "a*" }],
    [{ sample: 0 }, {}, { _tag: "Sampled", percent: 0 }],
    [{}, {}, null],
  ])("%j", (encoded, event, expected) => {
    const one = eventOf(event)
    expect(Filter.explain(decode(encoded))(one, 0, entryOf(one))).toEqual(expected)
  })

  const user = { country: "FR", age: 17 }

  test.each<readonly [Where, string, string | null, string]>([
    [{ field: "user.country", in: ["DE", "AT", "CH"] }, "user.country", '"FR"', "in [DE, AT, CH]"],
    [{ field: "user.age", gte: 18 }, "user.age", "17", "18 or more"],
    [{ field: "user.age", gt: 10, lt: 15 }, "user.age", "17", "under 15"],
    [{ field: "user.plan", exists: true }, "user.plan", null, "there"],
    [{ field: "user.country", ne: "FR" }, "user.country", '"FR"', "other than FR"],
    [{ not: { field: "user.country", eq: "FR" } }, "user.country", '"FR"', "not FR"],
    [
      {
        all: [
          { field: "user.age", gt: 1 },
          { field: "user.plan", eq: "pro" },
        ],
      },
      "user.plan",
      null,
      "pro",
    ],
    [
      {
        any: [
          { field: "user.age", gt: 20 },
          { field: "user.plan", eq: "pro" },
        ],
      },
      ...(["user.age", "17", "over 20, or what another rule asks"] as const),
    ],
    [{ any: [] }, "", null, "one of no rules"],
  ])("where %j", (where, fieldName, found, expected) => {
    const one = eventOf({ user })
    expect(Filter.explain(decode({ where }))(one, 0, entryOf(one))).toEqual({
      ...{ _tag: "Where", field: fieldName, found, expected },
    })
  })

  test("what it shows has a bound", () => {
    const one = eventOf({ user: { country: "x".repeat(10_000) } })
    const where: Where = {
      field: "user.country",
      in: Array.from({ length: 5_000 }, (_, at) => `country ${at}`),
    }
    const reason = Filter.explain(decode({ where }))(one, 0, entryOf(one))
    expect(JSON.stringify(reason).length).toBeLessThan(600)
  })
})
