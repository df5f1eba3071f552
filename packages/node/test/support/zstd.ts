import { readFileSync } from "node:fs"

/** A request's body of so many events, always the same. */
export const eventsText = (count: number): string => {
  let seed = 1
  const next = (below: number) => {
    seed = (seed * 48271) % 2147483647
    return seed % below
  }
  const events = []
  for (let i = 0; i < count; i++)
    events.push({
      eventName: ["page_view", "purchase", "größe", "statsig::gate_exposure"][next(4)],
      user: { userID: `user-${next(1000)}` },
      time: 1_700_000_000_000 + i * 37,
      value: next(100),
    })
  return JSON.stringify({ events })
}

/** What the zstd command (1.5) made of {@link eventsText}. */
export const compressed: ReadonlyArray<{
  readonly name: string
  readonly events: number
  readonly base64: string
}> = JSON.parse(readFileSync(new URL("./zstd.json", import.meta.url), "utf8"))

const magic = [0x28, 0xb5, 0x2f, 0xfd]
const littleEndian = (value: number, size: number) =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256)

export type Block =
  | { readonly raw: Uint8Array }
  | { readonly rle: number; readonly count: number }
  | { readonly compressed: Uint8Array }

const encodeBlock = (block: Block, last: boolean): Uint8Array => {
  const [type, size, content] =
    "raw" in block
      ? [0, block.raw.length, block.raw]
      : "rle" in block
        ? [1, block.count, Uint8Array.of(block.rle)]
        : [2, block.compressed.length, block.compressed]
  return Buffer.concat([
    Uint8Array.from(littleEndian((size << 3) | (type << 1) | (last ? 1 : 0), 3)),
    content,
  ])
}

export interface FrameOptions {
  /** The byte that says how large the window is; 128 KB by default. */
  readonly window?: number
  readonly contentSize?: number
  readonly dictionary?: number
}

/** A frame made by hand, for what no encoder would make. */
export const frame = (
  blocks: ReadonlyArray<Block>,
  { window = 7 << 3, contentSize, dictionary }: FrameOptions = {},
): Uint8Array =>
  Buffer.concat([
    Uint8Array.from([
      ...magic,
      (contentSize === undefined ? 0 : 3 << 6) | (dictionary === undefined ? 0 : 1),
      window,
      ...(dictionary === undefined ? [] : [dictionary]),
      ...(contentSize === undefined ? [] : littleEndian(contentSize, 8)),
    ]),
    ...blocks.map((block, i) => encodeBlock(block, i === blocks.length - 1)),
  ])

export const skippable = (content: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.from([0x53, 0x2a, 0x4d, 0x18, ...littleEndian(content.length, 4)]), content])
