import * as Result from "effect/Result"
import { expect, test } from "vitest"
import * as ByteText from "../../src/text/ByteText.ts"

test.each([
  ["1", 1],
  ["1048576", 1024 ** 2],
  ["500B", 500],
  ["500 MB", 500_000_000],
  ["500mb", 500_000_000],
  ["2GiB", 2 * 1024 ** 3],
  ["1.5 KiB", 1536],
  [" 3 TB ", 3e12],
  ["7M", 7_000_000],
  ["1 Ti", 1024 ** 4],
])("%j is a number of bytes", (text, bytes) => {
  expect(Result.getOrThrow(ByteText.parse(text))).toBe(bytes)
})

test.each(["", "0", "0.1", "-1", "1,000", "1 PB", "iB", "1 iB", "1e9", "9007199254740993", "9000 TiB"])(
  "%j is none",
  (text) => {
    expect(Result.isFailure(ByteText.parse(text))).toBe(true)
  },
)

test("what is printed is read again, but for what was rounded", () => {
  for (const bytes of [1024, 3 * 1024 ** 2, 10 * 1024 ** 3]) {
    expect(Result.getOrThrow(ByteText.parse(ByteText.format(bytes)))).toBe(bytes)
  }
})
