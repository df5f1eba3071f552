import { expect, test } from "vitest"
import * as EventNames from "../../src/bytes/nameCache.ts"

const read = (text: string): string => {
  const bytes = Buffer.from(text)
  return EventNames.read(bytes, 0, bytes.length)
}

test("the text of a name, also when it begins with a byte order mark", () => {
  for (const name of ["page_view", "\ufeffpage_view", "ü", "語", "🚀"]) {
    expect(read(name)).toBe(name)
    expect(read(name)).toBe(name)
  }
})

test("a name is decoded once, unless it is longer than intake lets in: that is not remembered", () => {
  const { decode } = TextDecoder.prototype
  let decoded = 0
  TextDecoder.prototype.decode = function (...of) {
    decoded += 1
    return decode.apply(this, of)
  }
  try {
    for (const length of [1024, 1024, 1025, 1025])
      expect(read("decoded ".padEnd(length))).toHaveLength(length)
  } finally {
    TextDecoder.prototype.decode = decode
  }
  expect(decoded).toBe(3)
})
