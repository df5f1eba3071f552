import type { Slab } from "./Slabs.ts"
import { longLived } from "./uncountedMemory.ts"

/** What a log in memory knows of an entry whose bytes are in a slab. */
export interface EntryRow {
  readonly slab: Slab
  /** Where in the slab its body stands; behind that its id, and the envelope. */
  readonly bodyAt: number
  readonly idAt: number
  readonly envelopeAt: number
  readonly end: number
  readonly events: number
  /** ms since the epoch. */
  readonly appendedAt: number
  /** Up to and including this entry, from the first one ever. */
  readonly allEvents: number
  readonly allBytes: number
}

const column = {
  bodyAt: 0,
  idAt: 1,
  envelopeAt: 2,
  end: 3,
  events: 4,
  appendedAt: 5,
  allEvents: 6,
  allBytes: 7,
} as const satisfies Readonly<Record<Exclude<keyof EntryRow, "slab">, number>>

const width = Object.keys(column).length

/** A power of two. */
const perBlock = 1024

interface Block {
  readonly numbers: Float64Array
  readonly slabs: Array<Slab | undefined>
}

const makeBlock = (): Block => ({
  numbers: new Float64Array(longLived(perBlock * width * Float64Array.BYTES_PER_ELEMENT)),
  slabs: new Array<Slab | undefined>(perBlock).fill(undefined),
})

/**
 * A queue of rows. Not objects: of so many that live for long, and each go in the end, a garbage
 * collector would look at every one, again and again.
 */
export class EntryRows {
  #blocks: Array<Block> = []
  /** One to be used again. */
  #spare: Block | undefined
  /** Rows of the first block that have gone. */
  #gone = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  push(row: EntryRow): void {
    const place = this.#gone + this.#length
    if (place === this.#blocks.length * perBlock) {
      this.#blocks.push(this.#spare ?? makeBlock())
      this.#spare = undefined
    }
    const { numbers, slabs } = this.#blocks.at(-1)!
    const at = place % perBlock
    slabs[at] = row.slab
    numbers[at * width + column.bodyAt] = row.bodyAt
    numbers[at * width + column.idAt] = row.idAt
    numbers[at * width + column.envelopeAt] = row.envelopeAt
    numbers[at * width + column.end] = row.end
    numbers[at * width + column.events] = row.events
    numbers[at * width + column.appendedAt] = row.appendedAt
    numbers[at * width + column.allEvents] = row.allEvents
    numbers[at * width + column.allBytes] = row.allBytes
    this.#length += 1
  }

  /**
   * @param place from 0, which is the first one that has not been taken, to below {@link length}
   */
  number(place: number, of: keyof typeof column): number {
    const at = this.#gone + place
    return this.#blocks[Math.floor(at / perBlock)]!.numbers[(at % perBlock) * width + column[of]]!
  }

  slab(place: number): Slab {
    const at = this.#gone + place
    return this.#blocks[Math.floor(at / perBlock)]!.slabs[at % perBlock]!
  }

  /** Takes the first row away. */
  shift(): void {
    this.#blocks[0]!.slabs[this.#gone] = undefined
    this.#gone += 1
    this.#length -= 1
    if (this.#gone < perBlock) return
    this.#spare = this.#blocks.shift()
    this.#gone = 0
  }
}
