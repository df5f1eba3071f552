import { describe, expect, it } from "vitest"
import { makeParser } from "../../web/api/eventStream.ts"
import { backOff, waitAfter } from "../../web/api/stream.ts"

describe("text/event-stream", () => {
  const text = 'id: 7\ndata: {"a":1}\n\n: a comment\r\n\r\ndata: one\ndata:two\n\nevent: x\n\n'
  const expected = [
    { id: "7", data: '{"a":1}' },
    { id: "7", data: "one\ntwo" },
  ]

  it.each([1, 2, 3, 5, 8, 1_000])("is read from pieces of %i characters", (size) => {
    const parse = makeParser()
    const pieces = text.match(new RegExp(`[\\s\\S]{1,${size}}`, "g"))!
    expect(pieces.flatMap((piece) => parse(piece))).toEqual(expected)
  })

  it("waits longer each time, and a little differently", () => {
    expect([1, 2, 99].map((failures) => waitAfter(failures, 0))).toEqual([backOff[0], backOff[1], 15_000])
    expect(waitAfter(1, 1)).toBe(1_200)
  })
})
