import { longLived } from "./uncountedMemory.ts"

/** A large buffer that holds many pieces one behind the other. */
export interface Slab {
  readonly bytes: Uint8Array
  /** Up to where it is filled. */
  used: number
  /** Pieces that somebody still wants. */
  pieces: number
}

/**
 * In bytes. The first is for those who keep little. The largest are few, and what is left empty at
 * their ends is little beside what a log keeps.
 */
const size = { first: 128 * 1024, largest: 4 * 1024 * 1024 }

/**
 * A larger piece gets a buffer of its own: of the largest slabs an eighth is left empty at most.
 * Two thousand usual events are smaller.
 */
const largestPiece = size.largest / 8

/** How many empty slabs are kept for use again: what comes next fits into one. */
const mostSpare = 1

/**
 * Room for pieces that are given up about in the order in which they came. A buffer for each would
 * be memory that the garbage collector has to look after and the system has to hand out anew, which
 * costs more than to copy it.
 */
export class Slabs {
  #current: Slab = { bytes: new Uint8Array(0), used: 0, pieces: 0 }
  readonly #spare: Array<Slab> = []

  /** A slab with room for so many bytes from `used` on, and one piece more. */
  take(bytes: number): Slab {
    if (bytes > largestPiece) return { bytes: new Uint8Array(bytes), used: 0, pieces: 1 }
    if (this.#current.used + bytes > this.#current.bytes.length) this.#current = this.#next(bytes)
    this.#current.pieces += 1
    return this.#current
  }

  /** A piece of it is given up: nobody reads it any more. */
  release(slab: Slab): void {
    slab.pieces -= 1
    if (slab.pieces > 0) return
    slab.used = 0
    const isWorthKeeping = slab.bytes.length === size.largest && this.#spare.length < mostSpare
    if (slab !== this.#current && isWorthKeeping) this.#spare.push(slab)
  }

  #next(bytes: number): Slab {
    const spare = this.#spare.pop()
    if (spare !== undefined) return spare
    let length = Math.min(Math.max(this.#current.bytes.length * 2, size.first), size.largest)
    while (length < bytes) length *= 2
    const memory = length < size.largest ? new ArrayBuffer(length) : longLived(length)
    return { bytes: new Uint8Array(memory), used: 0, pieces: 0 }
  }
}
