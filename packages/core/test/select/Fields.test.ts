import { createHmac } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Json, JsonObject } from "../../src/base/json.ts"
import { problemsOf } from "../../src/base/SchemaProblems.ts"
import { Codec } from "../../src/ports/Codec.ts"
import type { WebhookEvent } from "../../src/select/Export.ts"
import * as Fields from "../../src/select/Fields.ts"
import { reader } from "../../src/select/fieldPath.ts"
import { layerTest } from "../support/codec.ts"

const codec = Effect.runSync(Effect.provide(Codec, layerTest))

const hashed = (text: string): string => `<${text}>`

const frozen = <A>(value: A): A => {
  if (typeof value === "object" && value !== null) for (const below of Object.values(value)) frozen(below)
  return Object.freeze(value)
}

const event = (change: Partial<WebhookEvent> = {}): WebhookEvent =>
  frozen({
    eventName: "purchase",
    user: { userID: "u1", email: "a@b.c", country: "US", custom: { plan: "pro", age: 30, beta: true } },
    userID: "u1",
    timestamp: 1_644_520_566_967,
    value: "12.5",
    metadata: {
      page: "home",
      items: [
        { sku: "s1", price: 1 },
        { sku: "s2", price: 2 },
      ],
    },
    statsigMetadata: { sdkType: "js", stableID: "s" },
    timeUUID: "f4c414a0-8aa5-11ec-a8a3-0242ac120002",
    ...change,
  })

const apply = (rule: typeof Fields.Fields.Encoded, change: Partial<WebhookEvent> = {}): WebhookEvent => {
  const compiled = Fields.compile(Schema.decodeUnknownSync(Fields.Fields)(rule), hashed)
  const before = event(change)
  return compiled === null ? before : compiled(before)
}

test("without a rule there is nothing to do", () => {
  expect(Fields.compile({ drop: [], keep: null, hash: [] }, hashed)).toBe(null)
})

describe("drop", () => {
  test("takes a field and leaves the rest", () => {
    expect(apply({ drop: ["user.email", "user.custom.age"] })).toEqual(
      event({ user: { userID: "u1", country: "US", custom: { plan: "pro", beta: true } } }),
    )
  })

  test.each([
    ["user", { user: {}, userID: "" }],
    ["metadata", { metadata: {} }],
    ["statsigMetadata", { statsigMetadata: {} }],
    ["value", { value: "" }],
  ] as const)("of the eight fields %s stays, empty", (field, expected) => {
    expect(apply({ drop: [field] })).toEqual(event(expected))
  })

  test.each(["userID", "user.userID"])("%s takes the id by both doors", (path) => {
    const { user, userID } = apply({ drop: [path] })
    expect(userID).toBe("")
    expect(user).not.toHaveProperty("userID")
  })

  test("a wildcard is any one key or index", () => {
    expect(apply({ drop: ["user.custom.*"] }).user["custom"]).toEqual({})
    expect(apply({ drop: ["metadata.items.*.price"] }).metadata["items"]).toEqual([
      { sku: "s1" },
      { sku: "s2" },
    ])
    expect(apply({ drop: ["user.*"] })).toEqual(event({ user: {}, userID: "" }))
  })

  test("what goes from an array closes up", () => {
    expect(apply({ drop: ["metadata.items.0"] }).metadata["items"]).toEqual([{ sku: "s2", price: 2 }])
    expect(apply({ drop: ["metadata.items.*"] }).metadata["items"]).toEqual([])
  })

  test("a key with dots is reached as one key and as several", () => {
    const metadata = { "a.b": { c: 1, d: 1 }, a: { "b.c": 2, b: { c: 3 } }, "a.b.c": 4, keep: "a.b.c" }
    expect(apply({ drop: ["metadata.a.b.c"] }, { metadata }).metadata).toEqual({
      "a.b": { d: 1 },
      a: { b: {} },
      keep: "a.b.c",
    })
    expect(
      apply({ drop: ["metadata.*.c"] }, { metadata: { "a.b": { c: 1 }, "a.c": 1, "x.y.c": 1 } }).metadata,
    ).toEqual({
      "a.b": {},
      "x.y.c": 1,
    })
  })

  test("nothing to drop gives the same objects", () => {
    const before = event()
    const after = Fields.compile(
      { drop: ["user.nothing", "metadata.page.x"], keep: null, hash: [] },
      null,
    )?.(before)
    expect(after?.user).toBe(before.user)
    expect(after?.metadata).toBe(before.metadata)
  })

  test("an own __proto__ key is data, dropped or kept", () => {
    const metadata = frozen(JSON.parse('{"__proto__": {"x": 1, "y": 2}, "z": 3}') as JsonObject)
    const text = (rule: typeof Fields.Fields.Encoded) => JSON.stringify(apply(rule, { metadata }).metadata)
    expect(text({ drop: ["metadata.z"] })).toBe('{"__proto__":{"x":1,"y":2}}')
    expect(text({ drop: ["metadata.__proto__.x"] })).toBe('{"__proto__":{"y":2},"z":3}')
    expect(text({ keep: ["metadata.__proto__.x"] })).toBe('{"__proto__":{"x":1}}')
    expect(text({ hash: ["metadata.__proto__"] })).toBe('{"__proto__":{"x":"<1>","y":"<2>"},"z":3}')
    expect(({} as { x?: unknown }).x).toBe(undefined)
  })
})

describe("keep", () => {
  test("names all that stays of user, metadata and statsigMetadata", () => {
    expect(apply({ keep: ["user.country", "user.custom.plan", "metadata.items.*.sku"] })).toEqual(
      event({
        user: { country: "US", custom: { plan: "pro" } },
        userID: "",
        metadata: { items: [{ sku: "s1" }, { sku: "s2" }] },
        statsigMetadata: {},
      }),
    )
  })

  test("of nothing leaves the fields that are no objects", () => {
    expect(apply({ keep: [] })).toEqual(event({ user: {}, userID: "", metadata: {}, statsigMetadata: {} }))
  })

  test.each(["userID", "user.userID"])("%s keeps the id in both places", (path) => {
    expect(apply({ keep: [path] })).toMatchObject({ user: { userID: "u1" }, userID: "u1" })
  })

  test("what always stays may be named", () => {
    expect(apply({ keep: ["eventName", "timestamp", "timeUUID", "value", "user"] })).toEqual(
      event({ metadata: {}, statsigMetadata: {} }),
    )
  })

  test("an object of which nothing stays is left out", () => {
    expect(apply({ keep: ["user.custom.nothing", "metadata.page.x"] })).toMatchObject({
      user: {},
      metadata: {},
    })
  })

  test("drop and hash come after it", () => {
    expect(
      apply({ keep: ["user"], drop: ["user.email"], hash: ["user.email", "user.country"] }).user,
    ).toEqual({
      userID: "u1",
      country: "<US>",
      custom: { plan: "pro", age: 30, beta: true },
    })
  })
})

describe("hash", () => {
  test("replaces texts, numbers and booleans", () => {
    expect(apply({ hash: ["user.email", "user.custom.age", "user.custom.beta", "value"] })).toEqual(
      event({
        user: {
          userID: "u1",
          email: "<a@b.c>",
          country: "US",
          custom: { plan: "pro", age: "<30>", beta: "<true>" },
        },
        value: "<12.5>",
      }),
    )
  })

  test.each(["userID", "user.userID"])("%s hashes the id in both places, a number as its text", (path) => {
    expect(apply({ hash: [path] })).toMatchObject({ user: { userID: "<u1>" }, userID: "<u1>" })
    expect(apply({ hash: [path] }, { user: { userID: 42 }, userID: "42" })).toMatchObject({
      user: { userID: "<42>" },
      userID: "<42>",
    })
  })

  test("of an object or an array hashes all below", () => {
    expect(apply({ hash: ["metadata.items", "user.custom"] })).toMatchObject({
      user: { custom: { plan: "<pro>", age: "<30>", beta: "<true>" } },
      metadata: {
        items: [
          { sku: "<s1>", price: "<1>" },
          { sku: "<s2>", price: "<2>" },
        ],
      },
    })
  })

  test("nothing stays nothing", () => {
    const change = { user: { email: "", ip: null }, userID: "", value: "" }
    expect(apply({ hash: ["user", "value"] }, change)).toEqual(event(change))
  })

  describe("with the installation's key", () => {
    const key = new Uint8Array(32).fill(7)
    let computed = 0
    const hash = Fields.hashWith(
      {
        ...codec,
        hmacSha256: (secret, ...parts) => {
          computed += 1
          return codec.hmacSha256(secret, ...parts)
        },
      },
      key,
    )
    const expected = (text: string) => createHmac("sha256", key).update(text).digest("hex")

    test("is HMAC-SHA-256, in hexadecimal", () => {
      for (const text of ["a@b.c", "", "\u{1F600}", "x".repeat(1000)]) expect(hash(text)).toBe(expected(text))
    })

    test("is computed once for a user who comes back, and stays right whoever came between", () => {
      hash("somebody")
      const before = computed
      expect(hash("somebody")).toBe(expected("somebody"))
      expect(computed).toBe(before)
      for (let n = 0; n < 5000; n++) hash(`user_${n}`)
      expect(hash("somebody")).toBe(expected("somebody"))
      expect(computed).toBe(before + 5001)
    })

    test("is not remembered of a text longer than ids are: what is remembered is bounded", () => {
      for (const [length, times] of [
        [128, 1],
        [129, 2],
      ] as const) {
        const text = "x".repeat(length)
        const before = computed
        for (let n = 0; n < 2; n++) expect(hash(text)).toBe(expected(text))
        expect(computed).toBe(before + times)
      }
    })
  })

  test("without a key there is no such rule", () => {
    expect(() => Fields.compile({ drop: [], keep: null, hash: ["user.ip"] }, null)).toThrow(TypeError)
  })
})

describe("of any event", () => {
  const key = fc.constantFrom("a", "b", "c", "a.b", "b.c", "a.b.c", "__proto__")
  const value: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: "medium" },
      fc.constantFrom<Json>("secret", 7, true, null, ""),
      fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value
  const metadata = fc.dictionary(key, value, {
    maxKeys: 5,
    noNullPrototype: true,
  }) as fc.Arbitrary<JsonObject>
  const parts = fc.array(fc.constantFrom("a", "b", "c", "__proto__"), { minLength: 1, maxLength: 4 })

  test("no way to read a dropped path finds anything, and the event it was taken from is as it was", () => {
    fc.assert(
      fc.property(metadata, parts, (before, path) => {
        const text = JSON.stringify(before)
        const after = apply({ drop: [`metadata.${path.join(".")}`] }, { metadata: before }).metadata
        expect(reader(path)(after)).toBe(undefined)
        expect(JSON.stringify(before)).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })

  test("what is kept is what dropping it would take", () => {
    fc.assert(
      fc.property(metadata, parts, (before, path) => {
        const rule = [`metadata.${path.join(".")}`]
        const kept = apply({ keep: rule }, { metadata: before }).metadata
        expect(reader(path)(kept)).toEqual(reader(path)(before))
        const left = apply({ drop: rule }, { metadata: kept }).metadata
        expect(JSON.stringify(left)).not.toMatch(/secret|7|true/)
      }),
      { numRuns: 1000 },
    )
  })

  test("nothing of a hashed path is left readable, and the rest is as it was", () => {
    fc.assert(
      fc.property(metadata, parts, (before, path) => {
        const rule = [`metadata.${path.join(".")}`]
        const after = apply({ hash: rule }, { metadata: before }).metadata
        const found = reader(path)(after)
        expect(JSON.stringify(found ?? "")).not.toMatch(/"secret"|[^<]7|[^<]true/)
        expect(apply({ drop: rule }, { metadata: after })).toEqual(
          apply({ drop: rule }, { metadata: before }),
        )
      }),
      { numRuns: 1000 },
    )
  })
})

test("rules that do the same have the same key", () => {
  const rule = (drop: ReadonlyArray<string>) => Fields.keyOf({ drop, keep: null, hash: [] })
  expect(rule(["user.a", "user.b"])).toBe(rule(["user.b", "user.a", "user.b"]))
  expect(rule(["userID"])).toBe(rule(["user.userID"]))
  expect(rule(["user.a"])).not.toBe(rule(["user.b"]))
  expect(Fields.keyOf({ drop: [], keep: [], hash: [] })).not.toBe(
    Fields.keyOf({ drop: [], keep: null, hash: [] }),
  )
})

test.each([
  [{ drop: ["eventName"] }, "drop[0]: eventName goes to every destination as it is"],
  [{ hash: ["timestamp"] }, "hash[0]: timestamp goes to every destination as it is"],
  [{ drop: ["user.a", "timeUUID"] }, "drop[1]: timeUUID goes to every destination as it is"],
  [
    { keep: ["email"] },
    "keep[0]: expected a path that begins with one of eventName, userID, timestamp, value, timeUUID, user, metadata, statsigMetadata",
  ],
  [{ drop: ["value.x"] }, "drop[0]: value has nothing below it"],
  [{ drop: ["user."] }, "drop[0]: there is nothing between two dots"],
  [{ drop: "user.email" }, "drop: expected array"],
  [{ redact: [] }, "redact: unknown key"],
])("%j is a mistake", (rule, expected) => {
  const decoded = Schema.decodeUnknownResult(Fields.Fields, { errors: "all", onExcessProperty: "error" })(
    rule,
  )
  const problems = Result.isFailure(decoded) ? problemsOf(decoded.failure) : []
  expect(problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([expected])
})
