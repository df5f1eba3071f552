import type { EntryId } from "../LogEntry.ts"

const wordsPerKey = 4

/** The length of an id that intake makes. */
const digits = 32
const zero = 0x30
const nine = 0x39
const letterA = 0x61
const letterF = 0x66

/**
 * Reads an id of 32 lower-case hexadecimal digits as four numbers of 32 bits, which are the id
 * itself and no hash of it: no two ids have the same.
 *
 * @returns whether it is such an id, as intake makes them
 */
const readWords = (id: EntryId, into: Uint32Array): boolean => {
  if (id.length !== digits) return false
  for (let word = 0; word < wordsPerKey; word++) {
    let value = 0
    for (let at = word * 8; at < word * 8 + 8; at++) {
      const unit = id.charCodeAt(at)
      if (unit >= zero && unit <= nine) value = (value << 4) | (unit - zero)
      else if (unit >= letterA && unit <= letterF) value = (value << 4) | (unit - letterA + 10)
      else return false
    }
    into[word] = value
  }
  return true
}

const fewestPlaces = 1024

/** Numbers by keys of four words, in a power of two of places, at most half of them taken. */
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

/** Numbers by ids of one generation. */
class Generation {
  readonly #table = new Table()
  /** Ids of another form, which only a caller of the port makes. */
  readonly #others = new Map<EntryId, number>()

  get size(): number {
    return this.#table.size + this.#others.size
  }

  get(id: EntryId, words: Uint32Array | null): number {
    return words === null ? (this.#others.get(id) ?? 0) : this.#table.get(words)
  }

  set(id: EntryId, words: Uint32Array | null, number: number): void {
    if (words === null) this.#others.set(id, number)
    else this.#table.set(words, number)
  }

  clear(): void {
    this.#table.clear()
    this.#others.clear()
  }
}

/**
 * The numbers of the last entries by their ids. Ids that intake makes are kept as numbers: that
 * many texts, each soon replaced by another, are what a garbage collector is slowest with.
 */
export class RecentIds {
  readonly #remembered: number
  readonly #words = new Uint32Array(wordsPerKey)
  // Two generations, the older one forgotten whole: no bookkeeping per id.
  #newer = new Generation()
  #older = new Generation()

  /** @param remembered an id is known at least as long as this many newer ones */
  constructor(remembered: number) {
    this.#remembered = remembered
  }

  #wordsOf(id: EntryId): Uint32Array | null {
    return readWords(id, this.#words) ? this.#words : null
  }

  /** 0 when it is not known. */
  numberOf(id: EntryId): number {
    const words = this.#wordsOf(id)
    return this.#newer.get(id, words) || this.#older.get(id, words)
  }

  /** @param number of the entry, from 1 on */
  add(id: EntryId, number: number): void {
    if (this.#newer.size >= this.#remembered) {
      const forgotten = this.#older
      this.#older = this.#newer
      this.#newer = forgotten
      forgotten.clear()
    }
    this.#newer.set(id, this.#wordsOf(id), number)
  }
}
