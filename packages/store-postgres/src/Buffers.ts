/**
 * Sizes are multiples of one that suits the next group, too; what is larger than the other is not
 * worth keeping.
 */
const sizes = { unit: 256 * 1024, maxKept: 2 * 1024 * 1024 }

/** As many as groups are written at once. */
const maxCount = 2

/**
 * Used again and again: the garbage collector comes for large new ones so often that it costs more
 * than filling them.
 */
export class Buffers {
  readonly #kept: Array<Buffer> = []

  /** Takes a buffer of this size at least. What it holds is not cleared. */
  take(size: number): Buffer {
    const found = this.#kept.findIndex(({ length }) => length >= size)
    const [kept] = found === -1 ? [] : this.#kept.splice(found, 1)
    return kept ?? Buffer.allocUnsafeSlow(Math.ceil(size / sizes.unit) * sizes.unit)
  }

  /** Only when nobody reads from it any more. */
  give(buffer: Buffer): void {
    if (buffer.length > sizes.maxKept) return
    if (this.#kept.length === maxCount) this.#kept.shift()
    this.#kept.push(buffer)
  }
}
