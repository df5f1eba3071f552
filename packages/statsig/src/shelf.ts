/** A document as Statsig answered it, in this process's memory. */
export interface Held {
  /** The hash of the key that it was answered to. */
  readonly owner: string
  readonly headers: Readonly<Record<string, string>>
  /** As it came: compressed, if it came so. One buffer for all who get it. */
  readonly body: Uint8Array
  /** When Statsig last said that it is the newest, in ms since the epoch. */
  readonly confirmedAt: number
  /** Until then, on the monotonic clock, it is given out without asking. */
  readonly freshUntil: number
}

/** Keys and versions are few; times of polls, which make names of their own, are more. */
const maxDocuments = 256

/** Bytes. Two of the largest documents, or a dozen of usual ones. */
const maxBytes = 64 * 1024 * 1024

/** Keeps the documents used last, by name. */
export class Shelf {
  private readonly held = new Map<string, Held>()
  private bytes = 0

  get(name: string): Held | null {
    const found = this.held.get(name)
    if (found === undefined) return null
    this.held.delete(name)
    this.held.set(name, found)
    return found
  }

  put(name: string, document: Held): void {
    this.remove(name)
    this.held.set(name, document)
    this.bytes += document.body.length
    for (const oldest of this.held.keys()) {
      if (oldest === name || (this.held.size <= maxDocuments && this.bytes <= maxBytes)) break
      this.remove(oldest)
    }
  }

  /** Forgets all that one key was answered. */
  removeOf(owner: string): void {
    for (const [name, held] of this.held) if (held.owner === owner) this.remove(name)
  }

  private remove(name: string): void {
    const found = this.held.get(name)
    if (found === undefined) return
    this.held.delete(name)
    this.bytes -= found.body.length
  }
}
