/**
 * A message between the processes of one server: `length kind call payload`, so that the bytes of a
 * body are sent as they are. `length` (u32) is that of the payload, `kind` (u8) says how to read
 * it, and a reply has the `call` (u32) that it answers. All are little-endian.
 */
export interface Frame {
  readonly kind: number
  readonly call: number
  /** A view, of the chunk it came in where it came in one. */
  readonly payload: Buffer
}

export const headBytes = 9

/** Six times the largest body. Nothing of ours is longer, so what says it is has lost its place. */
export const maxPayloadBytes = 64 * 1024 * 1024

/** @param length of the payload, however much of it follows in the same buffer */
export const writeHead = (bytes: Buffer, length: number, kind: number, call: number): void => {
  bytes.writeUInt32LE(length, 0)
  bytes[4] = kind
  bytes.writeUInt32LE(call, 5)
}

const lengthAt = (bytes: Buffer, offset: number): number => {
  const length = bytes.readUInt32LE(offset)
  if (length > maxPayloadBytes) throw new RangeError(`a frame of ${length} bytes`)
  return headBytes + length
}

const frameAt = (bytes: Buffer, offset: number, end: number): Frame => ({
  kind: bytes[offset + 4]!,
  call: bytes.readUInt32LE(offset + 5),
  payload: bytes.subarray(offset + headBytes, end),
})

/**
 * Finds the frames in a stream of bytes, however it is cut. It copies only a frame that was cut,
 * once.
 */
export class FrameReader {
  /**
   * What has come of a frame that is not whole: room for all of it, or for its head while its
   * length is unknown.
   */
  #begun: Buffer = Buffer.alloc(0)
  #filled = 0

  /**
   * Throws a `RangeError` at a frame longer than {@link maxPayloadBytes}: the stream cannot be read
   * any further.
   */
  read(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let offset = this.#filled === 0 ? 0 : this.#fill(chunk, onFrame)
    while (chunk.length - offset >= headBytes) {
      const end = offset + lengthAt(chunk, offset)
      if (end > chunk.length) break
      onFrame(frameAt(chunk, offset, end))
      offset = end
    }
    if (offset < chunk.length) this.#begin(chunk, offset)
  }

  /** Completes what was begun, as far as the chunk goes; returns how much of it that took. */
  #fill(chunk: Buffer, onFrame: (frame: Frame) => void): number {
    let offset = this.#take(chunk, 0)
    if (this.#filled === headBytes && this.#begun.length === headBytes) {
      const head = this.#begun
      this.#begun = Buffer.allocUnsafeSlow(lengthAt(head, 0))
      this.#begun.set(head)
      offset += this.#take(chunk, offset)
    }
    if (this.#filled < this.#begun.length) return offset
    const whole = this.#begun
    this.#filled = 0
    onFrame(frameAt(whole, 0, whole.length))
    return offset
  }

  #begin(chunk: Buffer, offset: number): void {
    const isKnown = chunk.length - offset >= headBytes
    this.#begun = Buffer.allocUnsafeSlow(isKnown ? lengthAt(chunk, offset) : headBytes)
    this.#take(chunk, offset)
  }

  #take(chunk: Buffer, offset: number): number {
    const taken = chunk.copy(this.#begun, this.#filled, offset)
    this.#filled += taken
    return taken
  }
}
