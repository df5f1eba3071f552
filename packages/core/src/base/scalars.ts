import * as Schema from "effect/Schema"

// What records that are shown to operators are made of. Each takes whatever a store may hold of it:
// clocks, senders and users' transforms have written it, and it is shown as it is.

export const Time = Schema.Finite.annotate({ description: "ms since the epoch" })

export const Millis = Schema.Finite.annotate({ description: "ms" })

export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** Any number without decimals, also beyond those that `Int` takes. */
export const Whole = Schema.Finite.check(
  Schema.makeFilter((value: number) => Number.isInteger(value), {
    expected: "an integer",
    toJsonSchema: () => ({ type: "integer" }),
  }),
)
