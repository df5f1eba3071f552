import { allocate } from "./packing.ts"

/** In bytes. Larger ones are too rare to be kept. */
const size = { least: 4 * 1024, most: 4 * 1024 * 1024 }

/** Of the buffers that nobody uses, in bytes: as much as the newest entries that are kept in them. */
const mostIdle = 4 * 1024 * 1024

/** A power of two suits the next group too, and whoever keeps an entry of the group keeps not much else with it. */
const roundUp = (bytes: number): number =>
  bytes > size.most ? bytes : Math.max(size.least, 2 ** Math.ceil(Math.log2(bytes)))

/** Buffers that are used again: what is made anew for each group has to be found and freed by the garbage collector, with all that is old. */
export class Buffers {
  /** By their size, the one asked for last at the end. */
  readonly #idle = new Map<number, Array<ArrayBuffer>>()
  #idleBytes = 0

  take(bytes: number): ArrayBuffer {
    const rounded = roundUp(bytes)
    const same = this.#idle.get(rounded) ?? []
    this.#idle.delete(rounded)
    this.#idle.set(rounded, same)
    const found = same.pop()
    if (found === undefined) return allocate(rounded)
    this.#idleBytes -= rounded
    return found
  }

  /** @param buffer one that was taken, and that nobody has a view of any more */
  giveBack(buffer: ArrayBuffer): void {
    const { byteLength } = buffer
    if (byteLength > size.most) return
    this.#idle.get(byteLength)?.push(buffer)
    this.#idleBytes += byteLength
    while (this.#idleBytes > mostIdle) this.#dropOne()
  }

  /** Of the size that has not been asked for for the longest time. */
  #dropOne(): void {
    for (const [bytes, same] of this.#idle) {
      if (same.pop() === undefined) this.#idle.delete(bytes)
      else {
        this.#idleBytes -= bytes
        return
      }
    }
  }
}
