import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { uncommented, undescribed } from "../documents/destinationOptions.ts"
import { generated } from "../documents/generated.ts"
import { root } from "./sources.ts"

describe("what is made of the code is as the code is: npm run documents writes", () => {
  it.each(generated)("$file", async ({ file, text }) => {
    await expect(text()).toMatchFileSnapshot(join(root, file))
  })

  it("a sentence for every option of a destination, and for nothing else", () => {
    expect(undescribed).toEqual([])
  })

  it("an editor shows each with its default", () => {
    expect(uncommented).toEqual([])
  })
})
