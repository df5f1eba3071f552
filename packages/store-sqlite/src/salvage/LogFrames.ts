/** Where the pages of a write-ahead log stand in it: https://www.sqlite.org/walformat.html */
export interface LogFrames {
  readonly pageSize: number
  /** The offset of the newest committed version of each page, by its number. */
  readonly offsets: ReadonlyMap<number, number>
}

const headerSize = 32

const frameHeaderSize = 24

/** The last bit says in which order the bytes of a checksum's words stand. */
const magic = 0x377f0682

type Sums = readonly [number, number]

/** SQLite's checksum of some bytes, a multiple of eight, going on from another. */
const checksum = (bytes: Buffer, isBigEndian: boolean, [first, second]: Sums): Sums => {
  let [one, two] = [first, second]
  for (let at = 0; at < bytes.length; at += 8) {
    const a = isBigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
    const b = isBigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at + 4)
    one = (one + a + two) >>> 0
    two = (two + b + one) >>> 0
  }
  return [one, two]
}

const sumsAt = (bytes: Buffer, at: number): Sums => [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]

const isSame = (one: Sums, other: Sums): boolean => one[0] === other[0] && one[1] === other[1]

/**
 * Finds what a write-ahead log holds up to its last whole transaction, as SQLite does when it comes
 * upon one that a crash has left. `null` where there is none.
 *
 * @param read returns so many bytes from an offset on, fewer at the end
 */
export const readFrames = (read: (at: number, size: number) => Buffer): LogFrames | null => {
  const header = read(0, headerSize)
  if (header.length < headerSize || (header.readUInt32BE(0) & ~1) >>> 0 !== magic) return null
  const isBigEndian = (header.readUInt32BE(0) & 1) === 1
  const pageSize = header.readUInt32BE(8)
  const salts = sumsAt(header, 16)
  let sums = checksum(header.subarray(0, 24), isBigEndian, [0, 0])
  if (!isSame(sums, sumsAt(header, 24))) return null

  const offsets = new Map<number, number>()
  let transaction = new Map<number, number>()
  for (let at = headerSize; ; at += frameHeaderSize + pageSize) {
    const frame = read(at, frameHeaderSize + pageSize)
    if (frame.length < frameHeaderSize + pageSize || !isSame(sumsAt(frame, 8), salts)) break
    sums = checksum(frame.subarray(0, 8), isBigEndian, sums)
    sums = checksum(frame.subarray(frameHeaderSize), isBigEndian, sums)
    if (!isSame(sums, sumsAt(frame, 16))) break
    transaction.set(frame.readUInt32BE(0), at + frameHeaderSize)
    // The size of the file after it, in the last frame of a transaction.
    if (frame.readUInt32BE(4) === 0) continue
    for (const [page, offset] of transaction) offsets.set(page, offset)
    transaction = new Map()
  }
  return { pageSize, offsets }
}
