/** A first-in-first-out queue whose `shift` costs the same at any length. */
export class Fifo<A> {
  private items: Array<A | undefined> = []
  private first = 0

  get length(): number {
    return this.items.length - this.first
  }

  push(item: A): void {
    this.items.push(item)
  }

  peek(): A | undefined {
    return this.items[this.first]
  }

  shift(): A | undefined {
    const item = this.items[this.first]
    if (this.length === 0) return undefined
    this.items[this.first] = undefined
    this.first += 1
    if (this.first >= 1024 && this.first * 2 >= this.items.length) {
      this.items = this.items.slice(this.first)
      this.first = 0
    }
    return item
  }

  /** Empties the queue. */
  drain(): ReadonlyArray<A> {
    const items = this.items.slice(this.first) as Array<A>
    this.items = []
    this.first = 0
    return items
  }
}
