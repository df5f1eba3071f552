import * as Result from "effect/Result"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { survey } from "../../src/internal/zstdSurvey.ts"
import { compressed, eventsText, frame, skippable } from "../support/zstd.ts"

const limit = 10 * 1024 * 1024

/** The most content, or the reason why there is none. */
const surveyed = (bytes: Uint8Array, max = limit): unknown =>
  Result.match(
    Result.try({ try: () => survey(bytes, max), catch: (error) => (error as { reason: unknown }).reason }),
    { onSuccess: ({ mostContent }) => mostContent, onFailure: (reason) => reason },
  )

describe("a survey of zstd's headers", () => {
  it("says as much as there is of blocks that are not compressed", () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({ raw: fc.uint8Array({ maxLength: 300 }) }),
            fc.record({ rle: fc.nat(255), count: fc.nat(128 * 1024) }),
          ),
          { minLength: 1, maxLength: 20 },
        ),
        fc.integer({ min: 1, max: 3 }),
        (blocks, frames) => {
          const sum = blocks.reduce((all, one) => all + ("raw" in one ? one.raw.length : one.count), 0)
          const bytes = Buffer.concat(Array.from({ length: frames }, () => frame(blocks)))
          expect(surveyed(bytes)).toBe(sum * frames)
        },
      ),
    ))

  it.each(compressed.map(({ name, ...rest }) => [name, rest] as const))(
    "says at least as much as there is: %s",
    (_, { events, base64 }) => {
      const size = Buffer.byteLength(eventsText(events))
      expect(surveyed(Buffer.from(base64, "base64"))).toBeGreaterThanOrEqual(size)
    },
  )

  const tables = { compressed: Buffer.alloc(13) }

  it("sixteen-byte blocks are refused once they are more than the content can need, and no more of them is looked at", () => {
    // Each may hold 128 KiB, so it is the limit that bounds them: 64, and one for each 4 KiB of it.
    const most = 64 + limit / 4096
    expect(surveyed(frame(Array.from({ length: most }, () => tables)))).toBe(most * 128 * 1024)
    const more = frame(Array.from({ length: most + 1 }, () => tables))
    expect(surveyed(more)).toBe("Wasteful")
    expect(surveyed(Buffer.concat([more, Buffer.from("whatever comes then")]))).toBe("Wasteful")
  })

  it("blocks, frames and skippable frames without content are refused once they are more than 64", () => {
    const empty = { raw: new Uint8Array(0) }
    expect(surveyed(frame(Array.from({ length: 64 }, () => empty)))).toBe(0)
    expect(surveyed(frame(Array.from({ length: 65 }, () => empty)))).toBe("Wasteful")
    const frames = (count: number) => Buffer.concat(Array.from({ length: count }, () => frame([empty])))
    expect(surveyed(frames(64))).toBe(0)
    expect(surveyed(frames(65))).toBe("Wasteful")
    expect(surveyed(Buffer.concat(Array.from({ length: 65 }, () => skippable(Buffer.alloc(0)))))).toBe(
      "Wasteful",
    )
  })

  it("small blocks of a body that declares little are refused, however much each may hold", () => {
    expect(
      surveyed(
        frame(
          Array.from({ length: 66 }, () => tables),
          { contentSize: 1000 },
        ),
      ),
    ).toBe("Wasteful")
  })

  it("content that is not compressed is TooLarge as soon as it passes the limit", () => {
    expect(surveyed(frame(Array.from({ length: 4096 }, () => ({ rle: 0, count: 128 * 1024 }))))).toBe(
      "TooLarge",
    )
  })

  it("declared content over the limit, and a window over it and 8 MB, have reasons of their own", () => {
    const block = [{ raw: Buffer.from("x") }]
    expect(surveyed(frame(block, { contentSize: limit + 1 }))).toBe("TooLarge")
    // `zstd --ultra -22` from a pipe.
    expect(surveyed(frame(block, { window: 17 << 3 }))).toBe("WindowTooLarge")
  })
})
