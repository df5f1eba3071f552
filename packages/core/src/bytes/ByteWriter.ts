import { bytesOf, zero } from "./jsonBytes.ts"

const encoder = new TextEncoder()

/** Bytes that pieces are copied from. */
export interface Source {
  readonly bytes: Uint8Array
  /** A view of the same bytes. */
  readonly view: DataView
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

export const sourceOf = (bytes: Uint8Array): Source => ({ bytes, view: viewOf(bytes) })

/** Something to write again and again. */
export const piece = (text: string): Source => sourceOf(encoder.encode(text))

/** In bytes. Up to here a loop costs less than a call of `set` and the view that it needs. */
const longestInLoop = 256

/** Both halves of it have digits that 32 bits hold. */
const million = 1_000_000

const hexDigits = bytesOf("0123456789abcdef")

/** Bytes that grow as texts are written, in UTF-8. */
export class ByteWriter implements Source {
  bytes = new Uint8Array(0)
  view = viewOf(this.bytes)
  length = 0
  private readonly roomAtFirst: number

  constructor(roomAtFirst: number) {
    this.roomAtFirst = roomAtFirst
  }

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Forgets what was written behind a length. */
  cut(length: number): void {
    this.length = length
  }

  byte(byte: number): void {
    this.makeRoom(1)
    this.bytes[this.length++] = byte
  }

  piece(source: Source): void {
    this.copy(source, 0, source.bytes.length)
  }

  copy({ bytes, view }: Source, from: number, to: number): void {
    this.makeRoom(to - from)
    let at = this.length
    this.length = at + to - from
    if (to - from > longestInLoop) {
      this.bytes.set(bytes.subarray(from, to), at)
      return
    }
    const { bytes: target, view: targetView } = this
    let next = from
    for (; next + 8 <= to; next += 8, at += 8) {
      targetView.setInt32(at, view.getInt32(next, true), true)
      targetView.setInt32(at + 4, view.getInt32(next + 4, true), true)
    }
    for (; next < to; next++, at++) target[at] = bytes[next]!
  }

  text(text: string): void {
    this.makeRoom(text.length)
    const { read, written } = encoder.encodeInto(text, this.bytes.subarray(this.length))
    if (read === text.length) {
      this.length += written
      return
    }
    // Each UTF-16 unit takes 3 bytes at most.
    this.makeRoom(text.length * 3)
    this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written
  }

  /** As `String` shows it. */
  integer(value: number): void {
    if (!(value >= million && value < million * 1e9)) {
      this.text(String(value))
      return
    }
    const high = Math.floor(value / million)
    let digits = 7
    for (let rest = high; rest > 9; rest = (rest / 10) | 0) digits += 1
    this.makeRoom(digits)
    this.digits(high, digits - 6)
    this.digits(value - high * million, 6)
  }

  /** Eight digits of an unsigned 32-bit number. */
  hex(word: number): void {
    this.makeRoom(8)
    const { bytes, length } = this
    for (let digit = 0; digit < 8; digit++)
      bytes[length + digit] = hexDigits[(word >>> (28 - digit * 4)) & 15]!
    this.length = length + 8
  }

  private digits(value: number, count: number): void {
    const { bytes, length } = this
    let rest = value | 0
    for (let at = length + count - 1; at >= length; at--) {
      const next = (rest / 10) | 0
      bytes[at] = zero + rest - next * 10
      rest = next
    }
    this.length = length + count
  }

  private makeRoom(bytes: number): void {
    if (this.length + bytes > this.bytes.length) this.grow(this.length + bytes)
  }

  private grow(needed: number): void {
    const { written } = this
    this.bytes = new Uint8Array(Math.max(this.bytes.length * 2, needed, this.roomAtFirst))
    this.view = viewOf(this.bytes)
    this.bytes.set(written)
  }
}
