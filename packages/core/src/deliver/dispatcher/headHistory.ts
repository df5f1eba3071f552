import type * as Position from "../../ports/Position.ts"

/** Where the log ended when this process looked, by its monotonic clock in ms. */
interface Sighting {
  /** When the first of the ends that it stands for was seen. */
  readonly from: number
  /** When the last one was seen. */
  readonly at: number
  readonly head: Position.Position
}

/**
 * How many sightings the time that they are remembered for is divided into: entries are kept longer
 * by one part of it at the most.
 */
const parts = 64

/**
 * How far one partition of the log was, and since when, as this process has seen it: an entry has
 * been there at least since the log was first seen to reach it. Nothing of it comes from a wall
 * clock, so no clock that is set makes an entry older or younger.
 */
export class HeadHistory {
  readonly #keepFor: number
  #sightings: ReadonlyArray<Sighting> = []

  /** @param keepFor the age that will be asked for, in ms */
  constructor(keepFor: number) {
    this.#keepFor = keepFor
  }

  /** The log ends there at this moment. */
  note(at: number, head: Position.Position): void {
    const last = this.#sightings.at(-1)
    if (last?.head === head) return
    const isSamePart = last !== undefined && at - last.from < this.#keepFor / parts
    const earlier = isSamePart ? this.#sightings.slice(0, -1) : this.#sightings
    this.#sightings = [...earlier, { from: isSamePart ? last.from : at, at, head }]
  }

  /** The end of the entries that have been there for `keepFor`; `null` when there are none. */
  oldEnough(now: number): Position.Position | null {
    const old = this.#sightings.findLastIndex(({ at }) => now - at >= this.#keepFor)
    if (old === -1) return null
    // What is older says nothing more.
    this.#sightings = this.#sightings.slice(old)
    return this.#sightings[0]!.head
  }

  /**
   * In how many ms some entry behind `tail` will have been there for `keepFor`; infinity when none
   * waits for that.
   */
  dueIn(now: number, tail: Position.Position): number {
    const next = this.#sightings.find(({ head }) => head > tail)
    return next === undefined ? Number.POSITIVE_INFINITY : Math.max(next.at + this.#keepFor - now, 0)
  }
}
