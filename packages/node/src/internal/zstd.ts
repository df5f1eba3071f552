import { Codec } from "@millrace/core"

/*
 * Zstandard (RFC 8878) decompression for Node versions whose zlib has none. Written for hostile input: every read and every write
 * is checked, so that the work is bounded by input and output. (A decoder that lets a sequence write past its block can be kept
 * busy for minutes by a body of 19 bytes.) Dictionaries are not supported; checksums are not verified, like most of JavaScript's.
 */

/** Every decoder should support 8 MB windows (RFC 8878, 3.1.1.1.2); more is granted where the content may be larger. */
const supportedWindow = 8 * 1024 * 1024
const maxBlock = 128 * 1024

const malformed = () => new Codec.CodecError({ reason: "Malformed" })
const tooLarge = () => new Codec.CodecError({ reason: "TooLarge" })

export interface Frame {
  /** Where its first block begins, and where the next frame does. */
  readonly blocks: number
  readonly end: number
  readonly window: number
  /** As declared; `null` when it is not. */
  readonly contentSize: number | null
}

const littleEndian = (bytes: Uint8Array, at: number, size: number): number => {
  if (at + size > bytes.length) throw malformed()
  let value = 0
  for (let i = size - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}

/**
 * Walks from frame to frame by the sizes in their headers, inflating nothing. Throws `Malformed` for what is cut short or out of
 * the format, and `TooLarge` for a frame that declares more content than `maxBytes`, or a window nobody needs for so much.
 */
export function* frames(bytes: Uint8Array, maxBytes: number): Generator<Frame, void> {
  let at = 0
  if (bytes.length === 0) throw malformed()
  while (at < bytes.length) {
    const magic = littleEndian(bytes, at, 4)
    if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) {
      at += 8 + littleEndian(bytes, at + 4, 4)
      if (at > bytes.length) throw malformed()
      continue
    }
    if (magic !== 0xfd2fb528) throw malformed()
    const descriptor = littleEndian(bytes, at + 4, 1)
    const single = (descriptor & 0x20) !== 0
    if ((descriptor & 0x08) !== 0) throw malformed()
    at += 5

    let window = 0
    if (!single) {
      const byte = littleEndian(bytes, at++, 1)
      const base = 2 ** (10 + (byte >> 3))
      window = base + (base / 8) * (byte & 7)
    }
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
    if (littleEndian(bytes, at, dictionaryBytes) !== 0) throw malformed()
    at += dictionaryBytes
    const sizeBytes = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!
    let contentSize: number | null = null
    if (sizeBytes > 0) contentSize = littleEndian(bytes, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
    at += sizeBytes
    if (single) window = contentSize!
    if (contentSize !== null && contentSize > maxBytes) throw tooLarge()
    if (window > Math.max(maxBytes, supportedWindow)) throw tooLarge()

    const blocks = at
    const blockLimit = Math.min(maxBlock, window)
    for (let last = false; !last; ) {
      const header = littleEndian(bytes, at, 3)
      const type = (header >> 1) & 3
      const size = header >> 3
      if (type === 3 || size > blockLimit) throw malformed()
      at += 3 + (type === 1 ? 1 : size)
      last = (header & 1) !== 0
    }
    if ((descriptor & 4) !== 0) at += 4
    if (at > bytes.length) throw malformed()
    yield { blocks, end: at, window, contentSize }
  }
}

/** Tables of a finite-state entropy code, by state. */
interface Fse {
  readonly accuracy: number
  readonly symbol: Uint8Array
  readonly bits: Uint8Array
  readonly base: Uint16Array
}

const highestBit = (value: number) => 31 - Math.clz32(value)

/** RFC 8878, 4.1.1: from normalised counts (-1 stands for "less than one") to tables. */
const buildFse = (counts: ReadonlyArray<number>, accuracy: number): Fse => {
  const size = 1 << accuracy
  const symbol = new Uint8Array(size)
  const next = new Uint16Array(counts.length)
  let high = size
  counts.forEach((count, s) => {
    next[s] = Math.abs(count)
    if (count === -1) symbol[--high] = s
  })
  const step = (size >> 1) + (size >> 3) + 3
  let at = 0
  counts.forEach((count, s) => {
    for (let i = 0; i < count; i++) {
      symbol[at] = s
      do at = (at + step) & (size - 1)
      while (at >= high)
    }
  })
  if (at !== 0) throw malformed()
  const bits = new Uint8Array(size)
  const base = new Uint16Array(size)
  for (let state = 0; state < size; state++) {
    const value = next[symbol[state]!]!++
    bits[state] = accuracy - highestBit(value)
    base[state] = (value << bits[state]!) - size
  }
  return { accuracy, symbol, bits, base }
}

/** A code that always gives the same symbol, from no bits. */
const singleFse = (symbol: number): Fse => ({
  accuracy: 0,
  symbol: Uint8Array.of(symbol),
  bits: Uint8Array.of(0),
  base: Uint16Array.of(0),
})

/** Reads a table's description (bits from the front), which ends at a byte. */
const readFse = (
  bytes: Uint8Array,
  start: number,
  end: number,
  maxAccuracy: number,
  maxSymbol: number,
): { readonly fse: Fse; readonly at: number } => {
  let bit = start * 8
  const read = (count: number) => {
    if (bit + count > end * 8) throw malformed()
    let value = 0
    for (let i = 0; i < count; i++, bit++) value |= ((bytes[bit >> 3]! >> (bit & 7)) & 1) << i
    return value
  }
  const accuracy = read(4) + 5
  if (accuracy > maxAccuracy) throw malformed()
  const counts: Array<number> = []
  let left = 1 << accuracy
  while (left > 0) {
    const width = highestBit(left + 1) + 1
    const lowMask = (1 << (width - 1)) - 1
    const threshold = (1 << width) - 2 - left
    let value = read(width - 1)
    if (value >= threshold) {
      value |= read(1) << (width - 1)
      if (value > lowMask) value -= threshold
    }
    const count = value - 1
    left -= Math.abs(count)
    counts.push(count)
    if (count === 0) {
      let repeat = 3
      while (repeat === 3) {
        repeat = read(2)
        for (let i = 0; i < repeat; i++) counts.push(0)
        if (counts.length > maxSymbol + 1) throw malformed()
      }
    }
    if (counts.length > maxSymbol + 1) throw malformed()
  }
  if (left !== 0) throw malformed()
  return { fse: buildFse(counts, accuracy), at: (bit + 7) >> 3 }
}

/** Bits read from the back: the highest set bit of the last byte marks where they begin. */
class BackwardBits {
  readonly bytes: Uint8Array
  readonly start: number
  /** How many bits are left; below zero when more were read than there are, those being zeros. */
  left: number

  constructor(bytes: Uint8Array, start: number, end: number) {
    const last = end > start ? bytes[end - 1]! : 0
    if (last === 0) throw malformed()
    this.bytes = bytes
    this.start = start
    this.left = (end - start - 1) * 8 + highestBit(last)
  }

  /** The next bits (at most 24) without taking them. */
  peek(count: number): number {
    const from = this.left - count
    if (from < 0) return this.left <= 0 ? 0 : this.#at(0, this.left) << -from
    return this.#at(from, count)
  }

  /** At most 24. */
  take(count: number): number {
    const value = this.peek(count)
    this.left -= count
    return value
  }

  #at(from: number, count: number): number {
    const i = this.start + (from >> 3)
    const b = this.bytes
    // Bytes behind the end read as undefined, which the shift makes 0; those of a neighbour are masked away.
    const word = b[i]! | (b[i + 1]! << 8) | (b[i + 2]! << 16) | (b[i + 3]! << 24)
    return (word >>> (from & 7)) & ((1 << count) - 1)
  }
}

/** By the next `bits` bits of the stream: the symbol they begin with, and how many of them it takes. */
interface Huffman {
  readonly bits: number
  readonly symbol: Uint8Array
  readonly length: Uint8Array
}

const maxHuffmanBits = 11

const buildHuffman = (weights: Array<number>): Huffman => {
  let sum = 0
  for (const weight of weights) {
    if (weight > maxHuffmanBits) throw malformed()
    if (weight > 0) sum += 1 << (weight - 1)
  }
  if (sum === 0) throw malformed()
  const bits = highestBit(sum) + 1
  const rest = (1 << bits) - sum
  // The last symbol's weight is left out: it is what makes the sum a power of two.
  if (bits > maxHuffmanBits || (rest & (rest - 1)) !== 0) throw malformed()
  weights.push(highestBit(rest) + 1)
  if (weights.length > 256) throw malformed()
  const symbol = new Uint8Array(1 << bits)
  const length = new Uint8Array(1 << bits)
  let at = 0
  for (let weight = 1; weight <= bits; weight++) {
    for (let s = 0; s < weights.length; s++) {
      if (weights[s] !== weight) continue
      const end = at + (1 << (weight - 1))
      symbol.fill(s, at, end)
      length.fill(bits + 1 - weight, at, end)
      at = end
    }
  }
  return { bits, symbol, length }
}

const readHuffman = (
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly huffman: Huffman; readonly at: number } => {
  const header = littleEndian(bytes, start, 1)
  const weights: Array<number> = []
  if (header >= 128) {
    const count = header - 127
    const at = start + 1 + ((count + 1) >> 1)
    if (at > end) throw malformed()
    for (let i = 0; i < count; i++) {
      const pair = bytes[start + 1 + (i >> 1)]!
      weights.push((i & 1) === 0 ? pair >> 4 : pair & 15)
    }
    return { huffman: buildHuffman(weights), at }
  }
  const at = start + 1 + header
  if (at > end) throw malformed()
  const { fse, at: stream } = readFse(bytes, start + 1, at, 6, maxHuffmanBits)
  const bits = new BackwardBits(bytes, stream, at)
  // Two states take turns; the last symbol is that of the state whose turn comes when the bits have run out.
  let one = bits.take(fse.accuracy)
  let other = bits.take(fse.accuracy)
  if (bits.left < 0) throw malformed()
  while (weights.length < 255) {
    weights.push(fse.symbol[one]!)
    one = fse.base[one]! + bits.take(fse.bits[one]!)
    if (bits.left < 0) {
      weights.push(fse.symbol[other]!)
      return { huffman: buildHuffman(weights), at }
    }
    ;[one, other] = [other, one]
  }
  throw malformed()
}

const readHuffmanStream = (
  huffman: Huffman,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
): void => {
  const bits = new BackwardBits(bytes, start, end)
  for (let i = 0; i < out.length; i++) {
    const code = bits.peek(huffman.bits)
    out[i] = huffman.symbol[code]!
    bits.left -= huffman.length[code]!
    if (bits.left < 0) throw malformed()
  }
  if (bits.left !== 0) throw malformed()
}

/** The values that codes stand for: each code's first, and how many extra bits say how far from it. */
const values = (first: number, extra: ReadonlyArray<number>) => {
  const base = new Uint32Array(extra.length)
  let next = first
  extra.forEach((bits, code) => {
    base[code] = next
    next += 2 ** bits
  })
  return { base, extra: Uint8Array.from(extra) }
}

/** `"4 3*2"` is 4, 3, 3. */
const list = (text: string): ReadonlyArray<number> =>
  text.split(" ").flatMap((item) => {
    const [value, times = "1"] = item.split("*")
    return new Array<number>(Number(times)).fill(Number(value))
  })

// RFC 8878, 3.1.1.3.2.1.1 and 3.1.1.3.2.2.
const literalLengths = values(0, list("0*16 1*4 2*2 3*2 4 6 7 8 9 10 11 12 13 14 15 16"))
const matchLengths = values(3, list("0*32 1*4 2*2 3*2 4*2 5 7 8 9 10 11 12 13 14 15 16"))

/** How one of a sequence's three numbers is coded. */
interface Kind {
  readonly maxAccuracy: number
  readonly maxSymbol: number
  readonly predefined: Fse
}

/** Literal lengths, offsets, match lengths. */
const kinds: readonly [Kind, Kind, Kind] = [
  { maxAccuracy: 9, maxSymbol: 35, predefined: buildFse(list("4 3 2*11 1*3 2*9 3 2 1*5 -1*4"), 6) },
  { maxAccuracy: 8, maxSymbol: 31, predefined: buildFse(list("1*6 2*3 1*15 -1*5"), 5) },
  { maxAccuracy: 9, maxSymbol: 52, predefined: buildFse(list("1 4 3 2*6 1*37 -1*7"), 6) },
]

/** Offsets of more than 2^27 cannot point into any window we accept. */
const maxOffsetCode = 27

/** What a block may take over from the one before it. */
interface FrameState {
  huffman: Huffman | null
  tables: [Fse | null, Fse | null, Fse | null]
  offsets: [number, number, number]
}

class Output {
  bytes: Uint8Array
  length = 0
  readonly max: number

  constructor(size: number, max: number) {
    this.bytes = new Uint8Array(Math.min(size, max))
    this.max = max
  }

  /** Makes room for so many bytes more. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed > this.max) throw tooLarge()
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.min(this.max, Math.max(needed, this.bytes.length * 2)))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
  }
}

interface Literals {
  readonly bytes: Uint8Array
  readonly at: number
}

const readLiterals = (
  bytes: Uint8Array,
  start: number,
  end: number,
  blockLimit: number,
  state: FrameState,
): Literals => {
  const b0 = littleEndian(bytes, start, 1)
  const type = b0 & 3
  const format = (b0 >> 2) & 3
  if (type < 2) {
    const headerSize = format === 1 ? 2 : format === 3 ? 3 : 1
    const size = littleEndian(bytes, start, headerSize) >> (headerSize === 1 ? 3 : 4)
    const at = start + headerSize
    const next = at + (type === 0 ? size : 1)
    if (size > blockLimit || next > end) throw malformed()
    if (type === 0) return { bytes: bytes.subarray(at, next), at: next }
    return { bytes: new Uint8Array(size).fill(bytes[at]!), at: next }
  }
  const headerSize = format < 2 ? 3 : format + 2
  const width = format < 2 ? 10 : format === 2 ? 14 : 18
  // Up to 40 bits: too many for the operators on 32.
  const sizes = Math.floor(littleEndian(bytes, start, headerSize) / 16)
  const size = sizes % 2 ** width
  const next = start + headerSize + Math.floor(sizes / 2 ** width)
  if (size > blockLimit || next > end) throw malformed()
  let at = start + headerSize
  if (type === 2) {
    const read = readHuffman(bytes, at, next)
    state.huffman = read.huffman
    at = read.at
  }
  const { huffman } = state
  if (huffman === null) throw malformed()
  const out = new Uint8Array(size)
  if (format === 0) {
    readHuffmanStream(huffman, bytes, at, next, out)
    return { bytes: out, at: next }
  }
  const part = (size + 3) >> 2
  if (part * 3 > size || at + 6 > next) throw malformed()
  let stream = at + 6
  for (let i = 0; i < 4; i++) {
    const streamEnd = i === 3 ? next : stream + littleEndian(bytes, at + i * 2, 2)
    if (streamEnd > next) throw malformed()
    readHuffmanStream(
      huffman,
      bytes,
      stream,
      streamEnd,
      out.subarray(i * part, i === 3 ? size : (i + 1) * part),
    )
    stream = streamEnd
  }
  return { bytes: out, at: next }
}

const readBlock = (
  bytes: Uint8Array,
  start: number,
  end: number,
  blockLimit: number,
  state: FrameState,
  out: Output,
  frameStart: number,
): void => {
  const { bytes: literals, at: sequences } = readLiterals(bytes, start, end, blockLimit, state)
  let at = sequences
  let count = littleEndian(bytes, at++, 1)
  if (count === 255) {
    count = littleEndian(bytes, at, 2) + 0x7f00
    at += 2
  } else if (count > 127) count = ((count - 128) << 8) + littleEndian(bytes, at++, 1)
  if (at > end) throw malformed()
  // Every sequence makes three bytes at least.
  if (literals.length + count * 3 > blockLimit) throw malformed()

  // Room for a whole block at once; a limit that lies inside of it is found below.
  out.reserve(Math.min(blockLimit, out.max - out.length))
  const target = out.bytes
  let to = out.length
  let used = 0

  if (count > 0) {
    const modes = littleEndian(bytes, at++, 1)
    if ((modes & 3) !== 0) throw malformed()
    for (let i = 0; i < 3; i++) {
      const kind = kinds[i]!
      const mode = (modes >> (6 - i * 2)) & 3
      if (mode === 0) state.tables[i] = kind.predefined
      else if (mode === 1) {
        const symbol = littleEndian(bytes, at++, 1)
        if (symbol > kind.maxSymbol) throw malformed()
        state.tables[i] = singleFse(symbol)
      } else if (mode === 2) {
        const read = readFse(bytes, at, end, kind.maxAccuracy, kind.maxSymbol)
        state.tables[i] = read.fse
        at = read.at
      }
    }
    const [literalCode, offsetCode, matchCode] = state.tables
    if (literalCode === null || offsetCode === null || matchCode === null) throw malformed()
    const bits = new BackwardBits(bytes, at, end)
    let literalState = bits.take(literalCode.accuracy)
    let offsetState = bits.take(offsetCode.accuracy)
    let matchState = bits.take(matchCode.accuracy)
    const blockEnd = Math.min(to + blockLimit, out.max)
    const { offsets } = state

    for (let i = 0; ; ) {
      const offsetBits = offsetCode.symbol[offsetState]!
      if (offsetBits > maxOffsetCode) throw malformed()
      let offset =
        offsetBits <= 24
          ? (1 << offsetBits) + bits.take(offsetBits)
          : (1 << offsetBits) + (bits.take(offsetBits - 24) << 24) + bits.take(24)
      const matchSymbol = matchCode.symbol[matchState]!
      const matchLength = matchLengths.base[matchSymbol]! + bits.take(matchLengths.extra[matchSymbol]!)
      const literalSymbol = literalCode.symbol[literalState]!
      const literalLength =
        literalLengths.base[literalSymbol]! + bits.take(literalLengths.extra[literalSymbol]!)

      if (offset > 3) {
        offset -= 3
        offsets[2] = offsets[1]
        offsets[1] = offsets[0]
        offsets[0] = offset
      } else {
        // The last three offsets again; after no literals the first would be pointless, so the numbers mean one further.
        const which = offset - (literalLength === 0 ? 0 : 1)
        offset = which === 3 ? offsets[0] - 1 : offsets[which as 0 | 1 | 2]
        if (which > 1) offsets[2] = offsets[1]
        if (which > 0) offsets[1] = offsets[0]
        offsets[0] = offset
      }

      const matchAt = to + literalLength
      const matchEnd = matchAt + matchLength
      if (bits.left < 0 || used + literalLength > literals.length) throw malformed()
      if (matchEnd > blockEnd) throw matchEnd > out.max ? tooLarge() : malformed()
      if (offset < 1 || offset > matchAt - frameStart) throw malformed()
      for (; to < matchAt; to++) target[to] = literals[used++]!
      for (; to < matchEnd; to++) target[to] = target[to - offset]!

      if (++i === count) break
      literalState = literalCode.base[literalState]! + bits.take(literalCode.bits[literalState]!)
      matchState = matchCode.base[matchState]! + bits.take(matchCode.bits[matchState]!)
      offsetState = offsetCode.base[offsetState]! + bits.take(offsetCode.bits[offsetState]!)
    }
    if (bits.left !== 0) throw malformed()
  } else if (at !== end) throw malformed()

  const rest = literals.length - used
  if (to + rest - out.length > blockLimit) throw malformed()
  if (to + rest > out.max) throw tooLarge()
  target.set(literals.subarray(used), to)
  out.length = to + rest
}

/**
 * Inflates all frames, never holding more than `maxBytes` of output. Throws a `CodecError`.
 *
 * Yields after each block roughly how many bytes' worth of work it was, so that a caller may let others run; returns the content.
 */
export function* decompress(bytes: Uint8Array, maxBytes: number): Generator<number, Uint8Array> {
  const out = new Output(Math.max(maxBlock, bytes.length * 4), maxBytes)
  for (const frame of frames(bytes, maxBytes)) {
    const frameStart = out.length
    const blockLimit = Math.min(maxBlock, frame.window)
    const state: FrameState = { huffman: null, tables: [null, null, null], offsets: [1, 4, 8] }
    let at = frame.blocks
    for (let last = false; !last; ) {
      const header = littleEndian(bytes, at, 3)
      const size = header >> 3
      const before = out.length
      last = (header & 1) !== 0
      at += 3
      switch ((header >> 1) & 3) {
        case 0:
          out.reserve(size)
          out.bytes.set(bytes.subarray(at, at + size), out.length)
          out.length += size
          at += size
          break
        case 1:
          out.reserve(size)
          out.bytes.fill(bytes[at]!, out.length, out.length + size)
          out.length += size
          at += 1
          break
        default:
          readBlock(bytes, at, at + size, blockLimit, state, out, frameStart)
          at += size
      }
      // Building tables costs about as much as copying this many bytes.
      yield out.length - before + 4096
    }
    if (frame.contentSize !== null && frame.contentSize !== out.length - frameStart) throw malformed()
  }
  return out.length === out.bytes.length ? out.bytes : out.bytes.slice(0, out.length)
}
