import { createHash, createHmac, randomBytes } from "node:crypto"
import * as zlib from "node:zlib"
import { Codec as Port } from "@millrace/core/host"
import { Codec } from "@millrace/node"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import fc from "fast-check"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { youngMemory } from "../src/internal/YoungMemory.ts"
import { compressed, eventsText, frame, skippable } from "./support/zstd.ts"

const limit = 10 * 1024 * 1024

const use = <A, E>(f: (codec: Port.Codec["Service"]) => Effect.Effect<A, E>) =>
  Port.Codec.use(f).pipe(Effect.provide(Codec.layer))

/** The content, or the reason why there is none. */
const inflate = (compression: Port.Compression, bytes: Uint8Array, max = limit) =>
  Effect.runPromise(
    use((codec) =>
      codec.decompress(compression, bytes, max).pipe(
        Effect.map((content): Uint8Array | string => content),
        Effect.catchTag("CodecError", (error) => Effect.succeed(error.reason)),
      ),
    ),
  )

const equal = (content: Uint8Array | string, expected: Uint8Array | string) =>
  typeof content !== "string" && Buffer.compare(content, Buffer.from(expected)) === 0

/**
 * A gzip of so many megabytes of zeros, without making them: a flushed piece of deflate can be
 * repeated.
 */
const gzipBomb = (megabytes: number) => {
  const piece = zlib.deflateRawSync(Buffer.alloc(1024 * 1024), { finishFlush: zlib.constants.Z_FULL_FLUSH })
  return Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
    ...Array.from({ length: megabytes }, () => piece),
    zlib.deflateRawSync(Buffer.alloc(0)),
    Buffer.alloc(8),
  ])
}

/** In blocks of the largest size there is. */
const blocksOf = (content: Uint8Array) =>
  Array.from({ length: Math.ceil(content.length / 131072) }, (_, i) => ({
    raw: content.subarray(i * 131072, (i + 1) * 131072),
  }))

const zstdBomb = (megabytes: number) =>
  frame(Array.from({ length: megabytes * 8 }, () => ({ rle: 0, count: 128 * 1024 })))

/** How many bytes this process's peak memory grows by. */
const growth = async (run: () => Promise<unknown>) => {
  const before = process.resourceUsage().maxRSS
  await run()
  return (process.resourceUsage().maxRSS - before) * 1024
}

describe("gzip", () => {
  it("any bytes come back, sync and on a thread", () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), fc.nat(400), async (bytes, times) => {
        const content = Buffer.concat(Array.from({ length: times }, () => bytes))
        expect(equal(await inflate("gzip", zlib.gzipSync(content)), content)).toBe(true)
      }),
      { numRuns: 50 },
    ))

  it("the limit is exact", async () => {
    for (const size of [2, 1000, 256 * 1024, 256 * 1024 + 1, 3_000_000]) {
      const content = randomBytes(size)
      const bytes = zlib.gzipSync(content)
      expect(equal(await inflate("gzip", bytes, size), content)).toBe(true)
      expect(await inflate("gzip", bytes, size - 1)).toBe("TooLarge")
    }
  })

  it("several members are one content", async () => {
    const bytes = Buffer.concat([zlib.gzipSync("one, "), zlib.gzipSync("two"), zlib.gzipSync("")])
    expect(equal(await inflate("gzip", bytes), "one, two")).toBe(true)
  })

  it("several members of any sizes are one content: the last one tells no more than its own", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 4 }), async (sizes) => {
        const members = sizes.map((size) =>
          randomBytes(1 + size / 100)
            .toString("hex")
            .repeat(50)
            .slice(0, size),
        )
        const bytes = Buffer.concat(members.map((member) => zlib.gzipSync(member)))
        expect(equal(await inflate("gzip", bytes), members.join(""))).toBe(true)
      }),
      { numRuns: 50 },
    ))

  it("a stream that ends anywhere before its end is Malformed", async () => {
    const bytes = zlib.gzipSync(eventsText(3))
    for (let length = 0; length < bytes.length; length++)
      expect(await inflate("gzip", bytes.subarray(0, length))).toBe("Malformed")
  })

  it("a wrong checksum is Malformed", async () => {
    const bytes = zlib.gzipSync("content")
    bytes[bytes.length - 8]! ^= 1
    expect(await inflate("gzip", bytes)).toBe("Malformed")
  })

  it("512 MB of zeros are TooLarge, in little memory", async () => {
    const bomb = gzipBomb(512)
    expect(bomb.length).toBeLessThan(1024 * 1024)
    const grown = await growth(async () => expect(await inflate("gzip", bomb)).toBe("TooLarge"))
    expect(grown).toBeLessThan(100 * 1024 * 1024)
  })

  it("a small body with a large content leaves the event loop free", async () => {
    const bytes = zlib.gzipSync(Buffer.alloc(limit))
    expect(bytes.length).toBeLessThan(32 * 1024)
    let turns = 0
    const timer = setImmediate(function tick() {
      turns++
      setImmediate(tick)
    })
    await inflate("gzip", bytes)
    clearImmediate(timer)
    expect(turns).toBeGreaterThan(0)
  })
})

describe("the ratio of content to body", () => {
  const repeated = (times: number) =>
    zlib.gzipSync(Buffer.from(`{"events":[${Array.from({ length: times }, () => "{}").join(",")}]}`))

  it("a batch that repeats one event two thousand times is taken, as is any body of up to a megabyte", async () => {
    const batch = Buffer.from(
      JSON.stringify({
        events: Array.from({ length: 10_000 }, () => ({
          eventName: "page_view",
          user: { userID: "u" },
          time: 1,
          value: "home",
          metadata: { page: "/products/42" },
        })),
      }),
    )
    expect(equal(await inflate("gzip", zlib.gzipSync(batch, { level: 9 })), batch)).toBe(true)
    const spaces = Buffer.alloc(1024 * 1024, " ")
    expect(equal(await inflate("gzip", zlib.gzipSync(spaces)), spaces)).toBe(true)
  })

  it("ten kilobytes of gzip that hold ten megabytes of empty events are refused", async () => {
    const bytes = repeated(3_400_000)
    expect(bytes.length).toBeLessThan(12_000)
    expect(await inflate("gzip", bytes)).toBe("RatioTooLarge")
  })

  it("a body that says how large it is still says so when it passes the limit itself", async () => {
    expect(await inflate("gzip", zlib.gzipSync(Buffer.alloc(limit + 1, "ab")).subarray(0), 4096)).toBe(
      "TooLarge",
    )
  })

  it("what is inflated on threads has a budget of what it declares, and what is inflated on the spot none", async () => {
    const content = Buffer.alloc(
      8 * 1024 * 1024,
      JSON.stringify(Array.from({ length: 3_000 }, () => Math.random())),
    )
    const large = zlib.gzipSync(content, { level: 1 })
    const usual = Buffer.from(JSON.stringify(Array.from({ length: 30_000 }, () => Math.random())))
    const batch = zlib.gzipSync(usual)
    const small = zlib.gzipSync("{}")
    const results = Array.from({ length: 30 }, () => inflate("gzip", large))
    for (let turn = 0; turn < 20; turn++) expect(equal(await inflate("gzip", small), "{}")).toBe(true)
    const reasons = (await Promise.all(results)).map((one) => (typeof one === "string" ? one : "inflated"))
    expect(reasons.filter((reason) => reason === "inflated")).toHaveLength(8)
    expect(reasons.filter((reason) => reason === "Overloaded")).toHaveLength(22)
    // All of it is given back: a hundred batches of half a megabyte at once are no load.
    const batches = await Promise.all(Array.from({ length: 100 }, () => inflate("gzip", batch)))
    expect(batches.every((one) => equal(one, usual))).toBe(true)
  })

  it("what cannot be inflated is told the collector of young memory", async () => {
    const waste = vi.spyOn(youngMemory, "waste")
    onTestFinished(() => waste.mockRestore())
    expect(await inflate("gzip", zlib.gzipSync(Buffer.alloc(limit + 1)), limit)).toBe("RatioTooLarge")
    const honest = zlib.gzipSync(Buffer.alloc(limit + 1)).length * 300
    // What was tried on the spot, and then on a thread.
    expect(waste.mock.calls).toEqual([[256 * 1024], [honest]])
    waste.mockClear()
    const content = Buffer.from(eventsText(3))
    expect(await inflate("gzip", zlib.gzipSync(content).subarray(0, -9))).toBe("Malformed")
    expect(waste).toHaveBeenCalledOnce()
    waste.mockClear()
    expect(equal(await inflate("gzip", zlib.gzipSync(content)), content)).toBe(true)
    expect(waste).not.toHaveBeenCalled()
  })

  it("what a thread inflates lies in one buffer, without zlib's own beside it", async () => {
    const content = randomBytes(200_000)
    const bytes = zlib.gzipSync(content)
    const made = vi.spyOn(Buffer, "allocUnsafe")
    onTestFinished(() => made.mockRestore())
    expect(equal(await inflate("gzip", bytes), content)).toBe(true)
    expect(made.mock.calls.filter(([size]) => size >= 16 * 1024)).toEqual([[content.length + 64]])
  })

  it("bombs wait for one another, and are told what they are", async () => {
    const honest = zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024))
    const lying = gzipBomb(64)
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, n) => inflate("gzip", n % 2 === 0 ? honest : lying)),
    )
    expect(new Set(results)).toEqual(new Set(["TooLarge"]))
  })
})

describe("zstd", () => {
  it.each(compressed.map(({ name, ...rest }) => [name, rest] as const))(
    "%s",
    async (_, { events, base64 }) => {
      const text = eventsText(events)
      const bytes = Buffer.from(base64, "base64")
      expect(equal(await inflate("zstd", bytes), text)).toBe(true)
      expect(await inflate("zstd", bytes, Buffer.byteLength(text) - 1)).toBe("TooLarge")
    },
  )

  it("several frames, with skippable ones among them, are one content", async () => {
    const [first, second] = compressed
    const bytes = Buffer.concat([
      skippable(Buffer.from("skipped")),
      Buffer.from(first!.base64, "base64"),
      skippable(Buffer.alloc(0)),
      Buffer.from(second!.base64, "base64"),
    ])
    const text = eventsText(first!.events) + eventsText(second!.events)
    expect(equal(await inflate("zstd", bytes), text)).toBe(true)
    expect(await inflate("zstd", bytes, Buffer.byteLength(text) - 1)).toBe("TooLarge")
  })

  it("a stream that ends anywhere before its end is Malformed", async () => {
    const bytes = Buffer.from(compressed[0]!.base64, "base64")
    for (let length = 0; length < bytes.length; length++)
      expect(await inflate("zstd", bytes.subarray(0, length))).toBe("Malformed")
  })

  it("what does not end with a frame is Malformed", async () => {
    const bytes = Buffer.concat([Buffer.from(compressed[0]!.base64, "base64"), Buffer.from("more")])
    expect(await inflate("zstd", bytes)).toBe("Malformed")
  })

  it("a content size over the limit is TooLarge before anything is allocated, a window over it and 8 MB too", async () => {
    const block = [{ raw: Buffer.from("x") }]
    const grown = await growth(async () => {
      expect(await inflate("zstd", frame(block, { contentSize: 1024 ** 3 }))).toBe("TooLarge")
      expect(await inflate("zstd", frame(block, { contentSize: 2 ** 53 }))).toBe("TooLarge")
      for (const window of [15 << 3, 17 << 3, 31 << 3, 255])
        expect(await inflate("zstd", frame(block, { window }))).toBe("WindowTooLarge")
    })
    expect(grown).toBeLessThan(50 * 1024 * 1024)
    // 8 MB for a limit of 64 KB: encoders that do not know the size of what comes declare that
    // much.
    expect(equal(await inflate("zstd", frame(block, { window: 13 << 3 }), 64 * 1024), "x")).toBe(true)
  })

  it("a content size that is not kept is Malformed", async () => {
    for (const contentSize of [0, 2, 1000])
      expect(await inflate("zstd", frame([{ raw: Buffer.from("x") }], { contentSize }))).toBe("Malformed")
  })

  it("a dictionary nobody has, and blocks over their limit, are Malformed", async () => {
    expect(await inflate("zstd", frame([{ raw: Buffer.from("x") }], { dictionary: 7 }))).toBe("Malformed")
    expect(await inflate("zstd", frame([{ rle: 0, count: 128 * 1024 + 1 }]))).toBe("Malformed")
  })

  it("512 MB of zeros are TooLarge, in little memory", async () => {
    const bomb = zstdBomb(512)
    expect(bomb.length).toBeLessThan(32 * 1024)
    const grown = await growth(async () => expect(await inflate("zstd", bomb)).toBe("TooLarge"))
    expect(grown).toBeLessThan(100 * 1024 * 1024)
  })

  it("a million empty frames are refused after the first of them", async () => {
    const empty = frame([{ raw: Buffer.alloc(0) }])
    const bytes = Buffer.alloc(empty.length * 1_000_000)
    for (let at = 0; at < bytes.length; at += empty.length) bytes.set(empty, at)
    expect(await inflate("zstd", bytes)).toBe("Wasteful")
  })

  it("whatever the bytes are, it succeeds or fails as it says", () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...compressed.slice(0, 4)),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async ({ base64 }, changes) => {
          const bytes = Buffer.from(base64, "base64")
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          const exit = await Effect.runPromiseExit(use((codec) => codec.decompress("zstd", bytes, 100_000)))
          if (Exit.isFailure(exit))
            expect(exit.cause.reasons).toMatchObject([{ _tag: "Fail", error: { _tag: "CodecError" } }])
          else expect(exit.value.length).toBeLessThanOrEqual(100_000)
        },
      ),
      { numRuns: 300 },
    ))
})

describe("packing", () => {
  const pack = (content: Uint8Array) => Effect.runPromise(use((codec) => codec.gzip(content)))

  it("the same content is the same bytes each time, and comes back whole", () =>
    fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 0, max: 12_000 }),
        async (piece, times) => {
          const content = Buffer.alloc(piece.length * times, piece)
          const packed = await pack(content)
          expect(equal(await pack(Uint8Array.from(content)), packed)).toBe(true)
          expect(equal(zlib.gunzipSync(packed), content)).toBe(true)
        },
      ),
      { numRuns: 50 },
    ))

  it.each([3, 500, 6_000])(
    "a batch of %i events holds no buffer that is larger than an eighth of it",
    async (events) => {
      const content = Buffer.from(eventsText(events))
      const packed = await pack(content)
      expect(packed.buffer.byteLength).toBeLessThanOrEqual(Math.max(4096, content.length / 8 + 1))
    },
  )

  it("tells the collector of young memory how large its buffers are", async () => {
    const spend = vi.spyOn(youngMemory, "spend")
    onTestFinished(() => spend.mockRestore())
    const packed = await pack(Buffer.from(eventsText(500)))
    expect(spend.mock.calls).toEqual([[packed.buffer.byteLength]])
  })
})

describe("memory", () => {
  it.each([1, 300, 20_000, 300_000])("a content of %i bytes holds hardly more than that", async (size) => {
    const content = Buffer.alloc(size, "x")
    const frames = frame([{ raw: content.subarray(0, 1) }, ...blocksOf(content.subarray(1))])
    for (const [compression, bytes] of [
      ["gzip", zlib.gzipSync(content)],
      ["zstd", frames],
    ] as const) {
      const inflated = await inflate(compression, bytes)
      if (typeof inflated === "string") throw new Error(inflated)
      expect(inflated.length).toBe(size)
      expect(inflated.buffer.byteLength - size).toBeLessThanOrEqual(64)
    }
  })
})

describe("hashing", () => {
  it("CRC-32, as gzip has it behind its content", () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array(), async (data) => {
        const crc32 = await Effect.runPromise(use((codec) => Effect.sync(() => codec.crc32(data))))
        expect(crc32).toBe(zlib.gzipSync(data).readUInt32LE(zlib.gzipSync(data).length - 8))
      }),
    ))

  it("SHA-256 and HMAC, of bytes and of text", () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.string({ unit: "binary" }), (key, text) =>
        Effect.runPromise(
          use((codec) =>
            Effect.sync(() => {
              for (const data of [text, key]) {
                const sha256 = createHash("sha256").update(data).digest()
                expect(equal(codec.sha256(data), sha256)).toBe(true)
                const hmac = createHmac("sha256", key).update(data).digest()
                expect(equal(codec.hmacSha256(key, data), hmac)).toBe(true)
              }
            }),
          ),
        ),
      ),
      { numRuns: 20 },
    ))
})
