import fc from "fast-check"
import { expect, it } from "vitest"
import { itemsOf, textsOf, toLine } from "../../../web/logic/quoted.ts"

it("gives texts back as they went in, whatever is in them", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.string({ unit: "binary-ascii" }))), (texts) => {
      expect(textsOf(toLine(texts))).toEqual(texts)
    }),
  )
})

it("leaves names as people write them, and quotes what a comma would split", () => {
  expect(toLine(["checkout_*", "page viewed", "a, b", " x"])).toBe('checkout_*, page viewed, "a, b", " x"')
})

it("reads what people type: blanks, empty places, lines", () => {
  expect(textsOf(" a,,b ,\n c d ,")).toEqual(["a", "b", "c d"])
  expect(textsOf("")).toEqual([])
})

it("says which stood in quotes, and takes a quote that has no end for what it is", () => {
  expect(itemsOf('"5", 5, "x')).toEqual([
    { text: "5", isQuoted: true },
    { text: "5", isQuoted: false },
    { text: '"x', isQuoted: false },
  ])
})
