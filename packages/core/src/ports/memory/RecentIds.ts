import type { EntryId } from "../LogEntry.ts"

/**
 * 128 bits of any text, as four numbers of 32: among the ids of a log no two are the same by
 * chance.
 */
const digest = (id: EntryId, into: Uint32Array): void => {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = 0xb7e15162
  let d = 0x85ebca6b
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at)
    a = Math.imul(a ^ unit, 0x85ebca77) ^ (d >>> 15)
    b = Math.imul(b ^ unit, 0xc2b2ae3d) ^ (a >>> 13)
    c = Math.imul(c ^ unit, 0x27d4eb2f) ^ (b >>> 16)
    d = Math.imul(d ^ unit, 0x165667b1) ^ (c >>> 14)
  }
  into[0] = a
  into[1] = b
  into[2] = c
  into[3] = d
}

const wordsPerKey = 4

const fewestPlaces = 1024

/** Numbers by digests, in a power of two of places of which at most a half are taken. */
class Table {
  #keys = new Uint32Array(0)
  /** 0 where nothing is. */
  #values = new Float64Array(0)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: Uint32Array): number {
    return this.#size === 0 ? 0 : this.#values[this.#placeOf(key)]!
  }

  set(key: Uint32Array, value: number): void {
    if (this.#size * 2 >= this.#values.length) this.#grow()
    const place = this.#placeOf(key)
    if (this.#values[place] === 0) this.#size += 1
    this.#keys.set(key, place * wordsPerKey)
    this.#values[place] = value
  }

  clear(): void {
    this.#values.fill(0)
    this.#size = 0
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values]
    const places = Math.max(fewestPlaces, values.length * 2)
    this.#keys = new Uint32Array(places * wordsPerKey)
    this.#values = new Float64Array(places)
    for (const [place, value] of values.entries()) {
      if (value === 0) continue
      const key = keys.subarray(place * wordsPerKey, (place + 1) * wordsPerKey)
      const to = this.#placeOf(key)
      this.#keys.set(key, to * wordsPerKey)
      this.#values[to] = value
    }
  }

  /** Where a key is, or else the place for it. */
  #placeOf(key: Uint32Array): number {
    const mask = this.#values.length - 1
    let place = key[0]! & mask
    while (this.#values[place] !== 0 && !this.#isAt(place * wordsPerKey, key)) place = (place + 1) & mask
    return place
  }

  #isAt(at: number, key: Uint32Array): boolean {
    const keys = this.#keys
    return (
      keys[at] === key[0] && keys[at + 1] === key[1] && keys[at + 2] === key[2] && keys[at + 3] === key[3]
    )
  }
}

/**
 * The numbers of the last entries by their ids. The ids themselves are not kept: so many texts,
 * each soon replaced by another, are what a garbage collector is slowest with.
 */
export class RecentIds {
  readonly #remembered: number
  readonly #key = new Uint32Array(wordsPerKey)
  // Two generations, the older one forgotten whole: no bookkeeping per id.
  #newer = new Table()
  #older = new Table()

  /** @param remembered an id is known at least as long as this many newer ones */
  constructor(remembered: number) {
    this.#remembered = remembered
  }

  /** 0 when it is not known. */
  numberOf(id: EntryId): number {
    digest(id, this.#key)
    return this.#newer.get(this.#key) || this.#older.get(this.#key)
  }

  /** @param number of the entry, from 1 on */
  add(id: EntryId, number: number): void {
    if (this.#newer.size >= this.#remembered) {
      const forgotten = this.#older
      this.#older = this.#newer
      this.#newer = forgotten
      forgotten.clear()
    }
    digest(id, this.#key)
    this.#newer.set(this.#key, number)
  }
}
