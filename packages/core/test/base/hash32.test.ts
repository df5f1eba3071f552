import { expect, test } from "vitest"
import { hash32 } from "../../src/base/hash32.ts"

test("the hash is known to everybody who keeps these users apart", () => {
  // Any change of it would take other users into every sample.
  expect(["", "a", "user_1", "\u{1F600}"].map(hash32)).toMatchInlineSnapshot(`
    [
      2872998923,
      2448022055,
      551996886,
      2916093958,
    ]
  `)
})
