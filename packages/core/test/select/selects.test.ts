import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { Filter } from "../../src/select/Filter.ts"
import { selects } from "../../src/select/selects.ts"

const decode = Schema.decodeSync(Filter)

const none = { exposures: false, config_changes: false, custom: false, auto_capture: false, internal: false }
const custom = { ...none, custom: true }

const table: ReadonlyArray<readonly [typeof Filter.Encoded, string]> = [
  [{}, "everything"],
  [{ categories: { internal: true } }, "everything, internal events too"],
  [{ categories: none }, "nothing"],
  [{ sample: 0 }, "nothing"],
  [{ categories: { ...none, exposures: true } }, "exposures"],
  [{ categories: { exposures: false } }, "configuration changes, custom events and auto capture"],
  [{ categories: custom }, "custom events"],
  [{ categories: custom, newCustomEvents: false }, "nothing"],
  [{ categories: custom, newCustomEvents: false, customEvents: { a: true, b: false } }, "1 custom event"],
  [
    { newCustomEvents: false, customEvents: { a: true, b: true } },
    "exposures, configuration changes, 2 custom events and auto capture",
  ],
  [
    { categories: custom, customEvents: { a: false, b: false, c: true }, exclude: ["debug_*"] },
    "custom events, but 2 names and debug_*",
  ],
  // What is switched off in a category that is off says nothing.
  [{ categories: { ...none, exposures: true }, customEvents: { a: false } }, "exposures"],
  [{ exclude: ["a*", "b*", "c*", "d*"] }, "everything, but a*, b*, c* and d*"],
  [{ exclude: ["a*", "b*", "c*", "d*", "e*"] }, "everything, but a*, b*, c* and 2 more patterns"],
  [{ include: ["checkout_*", "page_view"] }, "everything, named checkout_* or page_view"],
  [{ include: ["checkout_*", "*"] }, "everything"],
  [{ include: [] }, "everything, with a name that matches nothing"],
  [
    {
      categories: custom,
      newCustomEvents: false,
      customEvents: { a: true, b: true, c: true, d: true },
      where: { field: "metadata.currency", exists: true },
    },
    "4 custom events, with metadata.currency",
  ],
  [{ where: { field: "userID", exists: false } }, "everything, without userID"],
  [{ where: { field: "user.country", eq: "DE" } }, 'everything, where user.country is "DE"'],
  [
    { where: { field: "user.country", in: ["DE", "AT", "CH", "LI"] } },
    'everything, where user.country is one of "DE", "AT", "CH" and 1 more',
  ],
  [{ where: { field: "value", gte: 5, lt: 10 } }, "everything, where value is 5 or more and is under 10"],
  [
    {
      where: {
        all: [
          { field: "value", gt: 5 },
          { field: "metadata.currency", exists: true },
          { any: [{ field: "userID", eq: "a" }] },
        ],
      },
    },
    "everything, where value is over 5, with metadata.currency, by 1 more rule",
  ],
  [{ where: { not: { field: "value", eq: 5 } } }, "everything, by 1 rule"],
  [{ sample: 0.07 }, "everything, of 7 % of users"],
  [{ sample: 0.001 }, "everything, of 0.1 % of users"],
]

test.each(table)("%j: %s", (filter, sentence) => {
  expect(selects(decode(filter))).toBe(sentence)
})

test("says that a program decides besides", () => {
  expect(selects(decode({ exclude: ["a"] }), true)).toBe("everything, but a, as the program decides")
})

test("has a bound, whatever a filter is", () => {
  const name = fc.string({ minLength: 1, maxLength: 500 })
  const names = fc.array(name, { maxLength: 200 })
  const rule = fc.record({ field: fc.constant(`metadata.${"x".repeat(300)}`), in: names, ne: name })
  fc.assert(
    fc.property(names, names, fc.array(rule, { maxLength: 50 }), (include, exclude, all) => {
      const filter = decode({ include, exclude, where: { all } })
      expect(selects(filter).length).toBeLessThan(1500)
    }),
  )
})
