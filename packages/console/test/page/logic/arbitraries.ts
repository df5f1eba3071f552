/** Configurations as the server gives them: with every key, and whatever users may write in it. */
import type { Where } from "@millrace/core"
import fc from "fast-check"
import type { Selection } from "../../../web/logic/filterForm.ts"

const text = fc.oneof(
  fc.string({ unit: "binary-ascii" }),
  fc.constantFrom("", "5", "true", "null", "1e5", '"x"', "a, b", " a", "-0", "1e999", "DE", "__proto__"),
)

const scalar = fc
  .oneof(text, fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer())
  .map((value) =>
    // JSON knows one zero.
    Object.is(value, -0) ? 0 : value,
  )

const ordered = scalar.filter((value) => typeof value !== "boolean")

const operator = fc.oneof(
  fc.record({ eq: scalar }),
  fc.record({ ne: scalar }),
  fc.record({ in: fc.array(scalar) }),
  fc.record({ nin: fc.array(scalar) }),
  fc.record({ gt: ordered }),
  fc.record({ lte: ordered }),
  fc.record({ exists: fc.boolean() }),
  fc.record({ startsWith: text }),
  fc.record({ glob: text }),
  fc.record({ gt: ordered, lt: ordered }),
)

const fieldRule = fc
  .tuple(text, operator)
  .map(([field, operators]) => ({ field, ...operators }) as Where.Where)

const { rule } = fc.letrec<{ rule: Where.Where }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    fieldRule,
    fc.record({ all: fc.array(fieldRule) }),
    fc.record({ all: fc.array(tie("rule")) }),
    fc.record({ any: fc.array(tie("rule")) }),
    fc.record({ not: tie("rule") }),
  ),
}))

export const anyWhere: fc.Arbitrary<Where.Where | null> = fc.option(rule)

const names = fc.array(fc.string({ unit: "binary-ascii", minLength: 1 }))

export const anySelection: fc.Arbitrary<Selection> = fc.record({
  filter: fc.record({
    categories: fc.record({
      exposures: fc.boolean(),
      config_changes: fc.boolean(),
      custom: fc.boolean(),
      auto_capture: fc.boolean(),
      internal: fc.boolean(),
    }),
    newCustomEvents: fc.boolean(),
    customEvents: fc
      .array(fc.tuple(fc.oneof(fc.string(), fc.constant("__proto__")), fc.boolean()))
      .map((entries) => Object.fromEntries(entries) as Record<string, boolean>),
    include: names,
    exclude: names,
    where: anyWhere,
    sample: fc.double({ min: 0, max: 1, noNaN: true }).map((share) => (share === 0 ? 0 : share)),
  }),
  fields: fc.record({ drop: names, keep: fc.option(names), hash: names }),
  exposures: fc.constantFrom("statsigMetadata" as const, "metadata" as const),
})

/** What a destination has that nobody has given a filter. */
export const plain: Selection = {
  filter: {
    categories: { exposures: true, config_changes: true, custom: true, auto_capture: true, internal: false },
    newCustomEvents: true,
    customEvents: {},
    include: ["*"],
    exclude: [],
    where: null,
    sample: 1,
  },
  fields: { drop: [], keep: null, hash: [] },
  exposures: "statsigMetadata",
}
