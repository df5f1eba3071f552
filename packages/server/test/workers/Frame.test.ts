import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { type Frame, FrameReader, headBytes, maxPayloadBytes, writeHead } from "../../src/workers/Frame.ts"

const encode = ({ kind, call, payload }: Frame): Buffer => {
  const bytes = Buffer.alloc(headBytes + payload.length)
  writeHead(bytes, payload.length, kind, call)
  bytes.set(payload, headBytes)
  return bytes
}

const frame: fc.Arbitrary<Frame> = fc.record({
  kind: fc.integer({ min: 0, max: 255 }),
  call: fc.integer({ min: 0, max: 0xffff_ffff }),
  payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
})

/** Chunks of the given lengths, again and again; none is empty. */
const cut = (bytes: Buffer, lengths: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const chunks: Array<Buffer> = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + lengths[chunks.length % lengths.length]!
    // A copy, as every chunk of a socket has memory of its own.
    chunks.push(Buffer.from(bytes.subarray(at, end)))
    at = end
  }
  return chunks
}

const readAll = (chunks: ReadonlyArray<Buffer>): ReadonlyArray<Frame> => {
  const reader = new FrameReader()
  const frames: Array<Frame> = []
  for (const chunk of chunks) reader.read(chunk, (found) => frames.push(found))
  return frames
}

describe("a stream of frames", () => {
  test("is the same however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
        (frames, lengths) => {
          expect(readAll(cut(Buffer.concat(frames.map(encode)), lengths))).toEqual(frames)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test("gives a frame as soon as its last byte is there, and none before", () => {
    fc.assert(
      fc.property(frame, (sent) => {
        const bytes = encode(sent)
        const reader = new FrameReader()
        const found: Array<Frame> = []
        for (const [index, byte] of bytes.entries()) {
          expect(found).toEqual([])
          reader.read(Buffer.of(byte), (whole) => found.push(whole))
          expect(found.length).toBe(index === bytes.length - 1 ? 1 : 0)
        }
        expect(found).toEqual([sent])
      }),
    )
  })

  test("gives what came in one chunk without a copy", () => {
    const sent = encode({ kind: 1, call: 7, payload: Buffer.from("body") })
    const [found] = readAll([sent])
    expect(found!.payload.buffer).toBe(sent.buffer)
  })

  test("that claims more than any frame has ends the reading, before memory is taken for it", () => {
    const head = Buffer.alloc(headBytes)
    writeHead(head, maxPayloadBytes + 1, 1, 1)
    for (const length of [headBytes, 1]) expect(() => readAll(cut(head, [length]))).toThrow(RangeError)
  })
})
