import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { names } from "../documents/api.ts"
import { uncommented, undescribed } from "../documents/destinationOptions.ts"
import { generated } from "../documents/generated.ts"
import { read, root } from "./sources.ts"

describe("what is made of the code is as the code is: npm run documents writes", () => {
  const isWriting = process.env["MILLRACE_TEST_DOCUMENTS"] === "write"

  it.each(generated.filter(({ mayBeOld }) => isWriting || mayBeOld !== true))(
    "$file",
    async ({ file, text }) => {
      await expect(text()).toMatchFileSnapshot(join(root, file))
    },
  )

  it("no name that is given no more", () => {
    const known = names()
    const shown = [...read("docs/api.md").matchAll(/^\| \[`([\w.]+)`\]/gm)].map((match) => match[1]!)
    expect(shown.length).toBeGreaterThan(300)
    expect(shown.filter((name) => !known.has(name))).toEqual([])
  })

  it("a sentence for every option of a destination, and for nothing else", () => {
    expect(undescribed).toEqual([])
  })

  it("an editor shows each with its default", () => {
    expect(uncommented).toEqual([])
  })
})
