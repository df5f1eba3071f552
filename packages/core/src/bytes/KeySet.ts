/**
 * Room for the keys of one event, a power of two: ten times those of the largest that SDKs send.
 */
const room = 1024

/** Looked at before a key counts as known: a sender can choose keys that fall into one place. */
const longestSearch = 8

/** In bytes. Longer ones would be compared with {@link longestSearch} others for as long. */
const longestKey = 1024

/**
 * Keys of objects, to find those that come twice. It makes nothing of them but where they stand: an
 * event's keys are forgotten when the next one begins, since all that stands before it is stale.
 */
export class KeySet {
  /** Where a key begins that has a place; what is less than `floor` is stale. */
  private readonly starts = new Int32Array(room)
  private readonly lengths = new Int32Array(room)
  /** Where the object begins that it is a key of. */
  private readonly scopes = new Int32Array(room)
  private floor = 1
  private isEmpty = true

  /** Another body begins. */
  clear(): void {
    this.floor = 1
    if (this.isEmpty) return
    this.isEmpty = true
    this.starts.fill(0)
  }

  /** Forgets what stands before. No key stands at 0. */
  forget(before: number): void {
    this.floor = before
  }

  /**
   * Whether a key is new in its object. It may say no to one that is, when there are too many or
   * when it is very long.
   */
  add(bytes: Uint8Array, scope: number, start: number, length: number): boolean {
    if (length > longestKey) return false
    const { starts, lengths, scopes, floor } = this
    this.isEmpty = false
    // FNV-1a, 32 bits.
    let hash = Math.imul(scope ^ 0x811c9dc5, 0x01000193)
    for (let at = start; at < start + length; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
    hash ^= hash >>> 15
    for (let probe = 0; probe < longestSearch; probe++) {
      const place = (hash + probe) & (room - 1)
      const known = starts[place]!
      if (known < floor) {
        starts[place] = start
        lengths[place] = length
        scopes[place] = scope
        return true
      }
      if (scopes[place] === scope && lengths[place] === length && isSame(bytes, known, start, length))
        return false
    }
    return false
  }
}

const isSame = (bytes: Uint8Array, one: number, other: number, length: number): boolean => {
  for (let at = 0; at < length; at++) if (bytes[one + at] !== bytes[other + at]) return false
  return true
}
