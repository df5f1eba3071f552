import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Event } from "../../src/base/Event.ts"
import type { Json, JsonObject } from "../../src/base/json.ts"
import { problemsOf } from "../../src/base/SchemaProblems.ts"
import { View } from "../../src/select/Export.ts"
import * as Where from "../../src/select/Where.ts"

const blank: Event = { eventName: "e", user: {}, time: 0, value: null, metadata: {}, statsigMetadata: {} }

const holds = (rule: Where.Where, event: Partial<Event> = {}, statsigMetadata: JsonObject = {}): boolean => {
  const whole = { ...blank, ...event }
  const entry = { id: "00", receivedAt: 0, statsigMetadata, events: [whole] }
  return Where.compile(rule)(new View(whole, entry, "statsigMetadata"))
}

/** Asks a rule of a field that has this value; `undefined` leaves it out. */
const ofValue = (rule: Omit<Where.FieldRule, "field">, value: Json | undefined): boolean =>
  holds({ field: "metadata.x", ...rule }, { metadata: value === undefined ? {} : { x: value } })

describe("fields", () => {
  const event: Partial<Event> = {
    eventName: "purchase",
    time: 1234.9,
    value: 12.5,
    user: { userID: 42, country: "US", custom: { plan: "pro", "a.b": 1, a: { b: 2, c: 3 } } },
    metadata: { items: [{ sku: "s1" }, { sku: "s2" }], page: "home" },
    statsigMetadata: { currentPage: "/" },
  }

  test.each([
    ["eventName", "purchase"],
    ["userID", "42"],
    ["timestamp", 1234],
    ["value", "12.5"],
    ["user.userID", 42],
    ["user.country", "US"],
    ["user.custom.plan", "pro"],
    ["user.custom.a.c", 3],
    ["metadata.items.1.sku", "s2"],
    ["statsigMetadata.currentPage", "/"],
    ["statsigMetadata.sdkType", "js-client"],
  ])("%s is %j", (field, value) => {
    expect(holds({ field, eq: value }, event, { sdkType: "js-client", currentPage: "the request's" })).toBe(
      true,
    )
  })

  test("of keys that have dots themselves the longest wins", () => {
    expect(holds({ field: "user.custom.a.b", eq: 1 }, event)).toBe(true)
    expect(holds({ field: "user.custom.a.b", eq: 2 }, event)).toBe(false)
    const nested = { metadata: { "gen_ai.request": { model: "m" }, gen_ai: { "request.model": "n" } } }
    expect(holds({ field: "metadata.gen_ai.request.model", eq: "m" }, nested)).toBe(true)
  })

  test("a longer key under which nothing is found gives way to shorter ones", () => {
    const metadata = { "a.b": { c: null }, a: { "b.c": 1 } }
    expect(holds({ field: "metadata.a.b.c", eq: 1 }, { metadata })).toBe(true)
  })

  test.each(["metadata.items.2", "metadata.items.01", "metadata.items.-1", "metadata.items.length"])(
    "%s is nothing",
    (field) => {
      expect(holds({ field, exists: true }, event)).toBe(false)
    },
  )

  test.each(["constructor", "__proto__", "toString", "hasOwnProperty.name"])(
    "what every object inherits is not there: %s",
    (key) => {
      expect(holds({ field: `user.${key}`, exists: true }, event)).toBe(false)
    },
  )

  test("an own __proto__ key is a key", () => {
    const metadata = JSON.parse('{"__proto__": {"x": 1}}') as JsonObject
    expect(holds({ field: "metadata.__proto__.x", eq: 1 }, { metadata })).toBe(true)
  })

  test("an exposure is seen as it is exported", () => {
    const exposure = {
      eventName: "statsig::config_exposure",
      metadata: { config: "exp", ruleID: "r", groupName: "Control" },
    }
    expect(holds({ field: "eventName", eq: "statsig::experiment_exposure" }, exposure)).toBe(true)
    expect(holds({ field: "statsigMetadata.config", eq: "exp" }, exposure)).toBe(true)
    expect(holds({ field: "statsigMetadata.experimentGroupName", eq: "Control" }, exposure)).toBe(true)
    expect(holds({ field: "metadata.config", exists: true }, exposure)).toBe(false)
  })
})

describe("operators", () => {
  test.each([
    ["text is itself", { eq: "a" }, "a", true],
    ["case counts", { eq: "a" }, "A", false],
    ["two texts are never numbers", { eq: "5" }, "5.0", false],
    ["a number as text", { eq: 5 }, "5.0", true],
    ["text that is a number", { eq: "5.0" }, 5, true],
    ["text that is none", { eq: 0 }, "", false],
    ["blanks are no number", { eq: 5 }, " 5", false],
    ["hexadecimal is no number", { eq: 16 }, "0x10", false],
    ["a boolean as text", { eq: true }, "true", true],
    ["text that is a boolean", { eq: "false" }, false, true],
    ["only in lower case", { eq: true }, "TRUE", false],
    ["a boolean is no number", { eq: 1 }, true, false],
    ["an object equals nothing", { eq: "[object Object]" }, {}, false],
    ["in", { in: ["US", "CA"] }, "CA", true],
    ["in, not", { in: ["US", "CA"] }, "DE", false],
    ["in none", { in: [] }, "DE", false],
    ["in, mixed", { in: ["a", 5, true] }, "5", true],
    ["in, mixed text of a number", { in: ["a", "5"] }, 5, true],
    ["ne", { ne: "a" }, "b", true],
    ["ne, not", { ne: "5" }, 5, false],
    ["ne of an object", { ne: "a" }, {}, true],
    ["nin", { nin: ["a", "b"] }, "c", true],
    ["nin, not", { nin: ["a", "b"] }, "a", false],
    ["gt of numbers", { gt: 10 }, 11, true],
    ["gt, not at the bound", { gt: 10 }, 10, false],
    ["gt of numbers as text", { gt: 10 }, "9", false],
    ["gt of numbers as text on both sides", { gt: "10" }, "9", false],
    ["gte", { gte: 10 }, "10", true],
    ["lt", { lt: -1.5 }, "-2e0", true],
    ["lte", { lte: 1 }, 1, true],
    ["text by its order", { gt: "2026-01-01" }, "2026-02-01", true],
    ["a number against text that is none", { gt: "2026-01-01" }, 5, false],
    ["text that is none against a number", { lt: 5 }, "abc", false],
    ["a boolean has no order", { gte: 0 }, true, false],
    ["startsWith", { startsWith: "ab" }, "abc", true],
    ["startsWith of a number", { startsWith: "4" }, 42, true],
    ["endsWith", { endsWith: "@corp.com" }, "a@corp.com", true],
    ["endsWith, not", { endsWith: "@corp.com" }, "a@corp.com.de", false],
    ["glob", { glob: "a*c?" }, "abbcd", true],
    ["glob, not", { glob: "a*c?" }, "abbc", false],
    ["glob of an object", { glob: "*" }, {}, false],
    ["exists", { exists: true }, 0, true],
    ["exists, empty text", { exists: true }, "", true],
    ["exists, null", { exists: true }, null, false],
    ["exists not, null", { exists: false }, null, true],
    ["exists not", { exists: false }, 0, false],
    ["several must all hold", { gte: 1, lt: 3 }, 2, true],
    ["several, one does not", { gte: 1, lt: 3 }, 3, false],
    ["an array by its elements", { eq: "b" }, ["a", "b"], true],
    ["an array, none", { startsWith: "x" }, ["a", "b"], false],
    ["an array, ne", { ne: "b" }, ["a", "b"], false],
    ["an array in an array", { eq: "b" }, [["b"]], false],
    ["an empty array exists", { exists: true }, [], true],
  ] as const)("%s", (_, rule, value, expected) => {
    expect(ofValue(rule, value as Json)).toBe(expected)
  })

  const missing: ReadonlyArray<readonly [Omit<Where.FieldRule, "field">, boolean]> = [
    [{ eq: "" }, false],
    [{ ne: "a" }, true],
    [{ in: ["a"] }, false],
    [{ nin: ["a"] }, true],
    [{ gt: -1 }, false],
    [{ gte: "" }, false],
    [{ lt: 1 }, false],
    [{ lte: "z" }, false],
    [{ exists: true }, false],
    [{ exists: false }, true],
    [{ startsWith: "" }, false],
    [{ endsWith: "" }, false],
    [{ glob: "*" }, false],
  ]

  test.each(missing)("of a missing field and of null: %j is %s", (rule, expected) => {
    expect(ofValue(rule, undefined)).toBe(expected)
    expect(ofValue(rule, null)).toBe(expected)
  })

  test("userID and value say by empty text that there is none", () => {
    for (const field of ["userID", "value"]) {
      expect(holds({ field, exists: true })).toBe(false)
      expect(holds({ field, exists: false })).toBe(true)
      expect(holds({ field, eq: "" })).toBe(true)
      expect(holds({ field, exists: true }, { user: { userID: "u" }, value: 0 })).toBe(true)
    }
  })
})

describe("rules of the operators", () => {
  test("read a text once, however long it is and much like a number", () => {
    const digits = "1".repeat(300_000)
    expect(ofValue({ gt: 1 }, `${digits}x`)).toBe(false)
    expect(ofValue({ in: [1] }, `-${digits}.${digits}e`)).toBe(false)
  })

  const scalar = fc.oneof(
    fc.constantFrom("true", "false", "", "5", "5.0", "-0", "1e3", "abc"),
    fc.string(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: -5, max: 5 }).map((n) => (n % 2 === 0 ? n : String(n))),
    fc.boolean(),
  )
  const value = fc.oneof(
    scalar,
    fc.constant(undefined),
    fc.constant(null),
    fc.array(scalar, { maxLength: 3 }),
  )

  test("eq is reflexive and symmetric", () => {
    fc.assert(
      fc.property(scalar, scalar, (a, b) => {
        expect(ofValue({ eq: a }, a)).toBe(true)
        expect(ofValue({ eq: a }, b)).toBe(ofValue({ eq: b }, a))
      }),
    )
  })

  test("a number equals its text", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(ofValue({ eq: number }, String(number))).toBe(true)
        expect(ofValue({ eq: String(number) }, number)).toBe(true)
      }),
    )
  })

  test("in is any eq; ne and nin are the opposites", () => {
    fc.assert(
      fc.property(fc.array(scalar, { maxLength: 4 }), value, (members, is) => {
        expect(ofValue({ in: members }, is)).toBe(members.some((eq) => ofValue({ eq }, is)))
        expect(ofValue({ nin: members }, is)).toBe(!ofValue({ in: members }, is))
        for (const member of members) expect(ofValue({ ne: member }, is)).toBe(!ofValue({ eq: member }, is))
      }),
    )
  })

  test("numbers order alike as numbers and as text", () => {
    const number = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    )
    fc.assert(
      fc.property(number, number, (a, b) => {
        for (const [bound, is] of [
          [a, b],
          [String(a), b],
          [a, String(b)],
          [String(a), String(b)],
        ] as const) {
          expect(ofValue({ gt: bound }, is)).toBe(b > a)
          expect(ofValue({ gte: bound }, is)).toBe(b >= a)
          expect(ofValue({ lt: bound }, is)).toBe(b < a)
          expect(ofValue({ lte: bound }, is)).toBe(b <= a)
        }
      }),
    )
  })

  test("all, any and not are and, or and not", () => {
    const leaf = fc.constantFrom<Where.Where>(
      { field: "metadata.x", eq: 1 },
      { field: "metadata.y", eq: 1 },
      { field: "metadata.x", exists: false },
    )
    const rule: fc.Arbitrary<Where.Where> = fc.letrec<{ rule: Where.Where }>((tie) => ({
      rule: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaf,
        fc.array(tie("rule"), { maxLength: 3 }).map((all): Where.Where => ({ all })),
        fc.array(tie("rule"), { maxLength: 3 }).map((any): Where.Where => ({ any })),
        tie("rule").map((not): Where.Where => ({ not })),
      ),
    })).rule
    const evaluate = (at: Where.Where, metadata: JsonObject): boolean => {
      if ("all" in at) return at.all.every((one) => evaluate(one, metadata))
      if ("any" in at) return at.any.some((one) => evaluate(one, metadata))
      if ("not" in at) return !evaluate(at.not, metadata)
      return holds(at, { metadata })
    }
    fc.assert(
      fc.property(rule, fc.constantFrom({}, { x: 1 }, { y: 1 }, { x: 1, y: 1 }), (at, metadata) => {
        expect(holds(at, { metadata })).toBe(evaluate(at, metadata))
      }),
    )
  })
})

describe("mistakes", () => {
  const decode = Schema.decodeUnknownResult(Schema.Struct({ where: Where.Where }), {
    errors: "all",
    onExcessProperty: "error",
  })
  const mistakes = (where: unknown) => {
    const decoded = decode({ where })
    return Result.isFailure(decoded)
      ? problemsOf(decoded.failure, ["filter"]).map(({ path, message }) => `${path}: ${message}`)
      : []
  }

  test("none in any rule, and null is none", () => {
    expect(mistakes(null)).toEqual([])
    expect(mistakes({ all: [{ any: [] }, { not: { field: "value", gt: 1, lt: "5" } }] })).toEqual([])
  })

  test.each([
    [3, ["filter.where: expected object | null"]],
    [[], ["filter.where: expected object | null"]],
    [{}, ["filter.where: expected exactly one of all, any, not and field"]],
    [{ all: [], any: [] }, ["filter.where: expected exactly one of all, any, not and field"]],
    [{ all: {} }, ["filter.where.all: expected array"]],
    [{ not: [] }, ["filter.where.not: expected object"]],
    [
      {
        all: [
          { field: "user.age", gt: true },
          { field: "user.country", in: "US", like: "x" },
        ],
      },
      [
        "filter.where.all[0].gt: expected a number or a string",
        "filter.where.all[1].like: unknown key",
        "filter.where.all[1].in: expected array",
      ],
    ],
    [{ eq: 1 }, ["filter.where: expected exactly one of all, any, not and field"]],
    [{ all: [], eq: 1 }, ["filter.where: an operator needs a field, and stands beside it: eq"]],
    [
      { field: "user.country" },
      [
        "filter.where: expected at least one of eq, ne, in, nin, gt, gte, lt, lte, exists, startsWith, endsWith, glob",
      ],
    ],
    [{ field: "user.x", eq: null }, ["filter.where.eq: expected a string, a number or a boolean"]],
    [{ field: "user.x", gt: Number.NaN }, ["filter.where.gt: expected a finite number"]],
    [{ field: "user.x", exists: "yes" }, ["filter.where.exists: expected boolean"]],
    [
      { any: [{ field: "country", eq: "US" }] },
      [
        "filter.where.any[0].field: expected a path that begins with one of eventName, userID, timestamp, value, timeUUID, user, metadata, statsigMetadata",
      ],
    ],
    [{ field: "user", exists: true }, ["filter.where.field: expected a field below user"]],
    [{ field: "value.x", eq: 1 }, ["filter.where.field: value has nothing below it"]],
    [{ field: "user..x", eq: 1 }, ["filter.where.field: there is nothing between two dots"]],
    [{ field: "timeUUID", eq: "x" }, ["filter.where.field: the id of an event says nothing about it"]],
    [
      { field: "user.custom.*", eq: 1 },
      ["filter.where.field: a rule is about one field: wildcards are for values, with glob"],
    ],
    [
      { field: `user${".x".repeat(17)}`, eq: 1 },
      ["filter.where.field: expected 16 parts and 512 characters at most"],
    ],
  ])("%j", (where, expected) => {
    expect(mistakes(where)).toEqual(expected)
  })

  const nested = (depth: number): unknown =>
    Array.from({ length: depth - 1 }).reduce<unknown>((not) => ({ not }), { field: "value", eq: 1 })

  test("16 deep is fine, deeper is not, however deep", () => {
    const tooDeep = ["filter.where: expected rules nested 16 deep at most"]
    expect(mistakes(nested(16))).toEqual([])
    expect(mistakes(nested(17))).toEqual(tooDeep)
    expect(mistakes(nested(100_000))).toEqual(tooDeep)
    const cycle: { all: Array<unknown> } = { all: [] }
    cycle.all.push(cycle)
    expect(mistakes(cycle)).toEqual(tooDeep)
  })
})
