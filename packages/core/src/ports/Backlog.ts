export interface Weight {
  readonly entries: number
  readonly bytes: number
}

/** What a group may weigh. */
export type GroupLimits = Weight

/** Enough to make a sync's cost disappear, few enough for a transaction of some ten ms. */
export const usualLimits: GroupLimits = { entries: 10_000, bytes: 4 * 1024 * 1024 }

/** Bytes that a process may hold in memory for a server that does not keep up. */
const usualBacklog = 32 * 1024 * 1024

/** Bytes that are not answered yet: of one queue, or of all queues of a store. */
export class Backlog {
  readonly most: number
  #bytes = 0

  constructor(most: number = usualBacklog) {
    this.most = most
  }

  /** Whether there is room; what is larger than all of it still has its turn alone. */
  take(bytes: number): boolean {
    if (this.#bytes > 0 && this.#bytes + bytes > this.most) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}
