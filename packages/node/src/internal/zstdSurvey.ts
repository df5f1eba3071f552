import { Codec } from "@millrace/core/host"

/**
 * Every decoder should support 8 MB windows (RFC 8878, 3.1.1.1.2); more is granted where the
 * content may be larger.
 */
const supportedWindow = 8 * 1024 * 1024

/** RFC 8878, 3.1.1.2.4 */
const maxBlock = 128 * 1024

/**
 * Bytes of content that a body has for each of its frames and blocks, at least. Encoders make
 * blocks of 128 KiB, and where their highest levels split one, the parts have some hundreds of
 * matches each. A block can make a decoder build its tables anew (8 us), which costs far more than
 * the few bytes that ask for it: 10 MiB may have 2,600 blocks.
 */
const contentPerBlock = 4 * 1024

/** Frames and blocks that any body may have: a sender may flush a small body now and then. */
const blocksAnyway = 64

const zstdMagic = 0xfd2fb528
const rle = 1
const compressed = 2
const reserved = 3

const failed = (reason: Codec.CodecError["reason"]) => new Codec.CodecError({ reason })

const littleEndian = (bytes: Uint8Array, at: number, size: number): number => {
  if (at + size > bytes.length) throw failed("Malformed")
  let value = 0
  for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

/** What a body's headers say of its content. */
export interface Survey {
  /** Its content has at most so many bytes: as many, where every frame declares how many it has. */
  readonly mostContent: number
  /** Skippable ones among them. */
  readonly frames: number
}

interface FrameHeader {
  /** Where its first block begins. */
  readonly blocks: number
  readonly window: number
  /** As declared; `null` when it is not. */
  readonly contentSize: number | null
  readonly checksumBytes: number
}

/** RFC 8878, 3.1.1.1 */
const readFrameHeader = (bytes: Uint8Array, start: number): FrameHeader => {
  const descriptor = littleEndian(bytes, start + 4, 1)
  const isSingleSegment = (descriptor & 0x20) !== 0
  if ((descriptor & 0x08) !== 0) throw failed("Malformed")
  let at = start + 5
  let window = 0
  if (!isSingleSegment) {
    const byte = littleEndian(bytes, at++, 1)
    const base = 2 ** (10 + (byte >> 3))
    window = base + (base / 8) * (byte & 7)
  }
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  // A dictionary that only its sender has.
  if (littleEndian(bytes, at, dictionaryBytes) !== 0) throw failed("Malformed")
  at += dictionaryBytes
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  const contentSize =
    sizeBytes === 0 ? null : littleEndian(bytes, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  return {
    blocks: at + sizeBytes,
    window: isSingleSegment ? contentSize! : window,
    contentSize,
    checksumBytes: (descriptor & 4) === 0 ? 0 : 4,
  }
}

/**
 * Walks over a zstd body by the headers of its frames and blocks (RFC 8878), before anything is
 * allocated for its content. The work is bounded by what the content may need, whatever the bytes
 * are.
 *
 * Throws a {@link Codec.CodecError}: `Malformed` for what is cut short or out of the format,
 * `TooLarge` for more declared content than `maxBytes`, `WindowTooLarge` for a window that nobody
 * needs for so much, `Wasteful` for more frames and blocks than its content can need.
 */
export const survey = (bytes: Uint8Array, maxBytes: number): Survey => {
  if (bytes.length === 0) throw failed("Malformed")
  let at = 0
  let mostContent = 0
  /** What is not compressed says of itself how much it is. */
  let leastContent = 0
  let frames = 0
  let blocks = 0
  const count = (content: number): void => {
    blocks += 1
    if (blocks > blocksAnyway + Math.min(content, maxBytes) / contentPerBlock) throw failed("Wasteful")
  }
  while (at < bytes.length) {
    const magic = littleEndian(bytes, at, 4)
    frames += 1
    if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
      count(mostContent)
      at += 8 + littleEndian(bytes, at + 4, 4)
      if (at > bytes.length) throw failed("Malformed")
      continue
    }
    if (magic !== zstdMagic) throw failed("Malformed")
    const frame = readFrameHeader(bytes, at)
    const { window, contentSize } = frame
    if (contentSize !== null && contentSize > maxBytes) throw failed("TooLarge")
    if (window > Math.max(maxBytes, supportedWindow)) throw failed("WindowTooLarge")
    const blockLimit = Math.min(maxBlock, window)
    let mostOfBlocks = 0
    let leastOfBlocks = 0
    at = frame.blocks
    for (let isLast = false; !isLast; ) {
      const header = littleEndian(bytes, at, 3)
      const type = (header >> 1) & 3
      const size = header >> 3
      if (type === reserved || size > blockLimit) throw failed("Malformed")
      mostOfBlocks += type === compressed ? blockLimit : size
      leastOfBlocks += type === compressed ? 0 : size
      if (contentSize !== null && leastOfBlocks > contentSize) throw failed("Malformed")
      if (leastContent + leastOfBlocks > maxBytes) throw failed("TooLarge")
      count(mostContent + (contentSize ?? mostOfBlocks))
      at += 3 + (type === rle ? 1 : size)
      isLast = (header & 1) !== 0
    }
    at += frame.checksumBytes
    if (at > bytes.length) throw failed("Malformed")
    mostContent += contentSize ?? mostOfBlocks
    leastContent += leastOfBlocks
  }
  return { mostContent, frames }
}
