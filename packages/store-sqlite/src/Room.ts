import type { Connection } from "./Connection.ts"
import type { Reserve } from "./Reserve.ts"
import { number } from "./row.ts"
import { freeOn, sizeOf } from "./volume.ts"
import type { WriteAheadLog } from "./WriteAheadLog.ts"

const mebibyte = 1024 * 1024

/**
 * What is held in reserve, in bytes. `opening` goes last: it is for the next time that the file is
 * opened, when SQLite needs some for what it keeps beside it. The largest transactions that
 * emptying a full log takes write 4 MB (a call's dead letters), to the write-ahead log and then to
 * the file: `most` is for them. A file that is smaller than that never writes so much, and has
 * twice its own size.
 */
const reserve = { opening: mebibyte, least: mebibyte, most: 8 * mebibyte } as const

/**
 * How far the write-ahead log grows between two of its beginnings, in bytes: by the largest group,
 * and by what was there before.
 */
const usualLog = 5 * mebibyte

/** What is left free beside it in any case, in bytes: others write to the disk too. */
const breathing = mebibyte

/**
 * What appends leave of the file's free pages to everything else, in bytes: dead letters of a
 * batch, attempts.
 */
const keptForOthers = 2 * mebibyte

/**
 * With as much as this ahead, in bytes, appends need not ask: it is looked again before that is
 * used up.
 */
const plenty = 64 * mebibyte

/** How often it is looked, in ms: the disk is not this store's alone. */
const lookEvery = 1_000

/** And after how many bytes of appends. */
const lookAfter = mebibyte

/**
 * When a write finds no room again so soon, in ms, nothing is appended for {@link pause}: each time
 * costs the reserve.
 */
const soon = 10_000

const pause = 1_000

/**
 * Counts the pages of a file that entries of so many bytes take at most: half of a page is left
 * empty where two do not fit, and trees have nodes.
 */
const pagesFor = (bytes: number, pageSize: number): number => 2 * Math.ceil(bytes / pageSize) + 8

/** What the log asks before it takes an append. */
export interface Space {
  /** Whether so many bytes of entries find room in the file. */
  readonly has: (bytes: number) => boolean
  /** Why so many cannot be appended whatever is dropped; `null` when they can. */
  readonly problem: (bytes: number) => string | null
}

/** The space of a connection that does not append. */
export const unlimited: Space = { has: () => true, problem: () => null }

/**
 * The room that the disk has for the file: the log's cap is no promise of it. Appends are given
 * what is left, less what everything else needs to go on; when that is used up, released entries
 * give way to them, in whose pages they are written. So a file that has filled its disk grows no
 * more, and can be emptied.
 *
 * When a write finds no room all the same, because others have filled the disk, a {@link Reserve}
 * is given away, and nothing is appended until there is one again.
 */
export class Room implements Space {
  readonly #connection: Connection
  readonly #path: string
  readonly #log: WriteAheadLog
  readonly #reserve: Reserve
  readonly #pageSize: number
  #isOut = false
  #isPlenty = false
  /** To how many pages appends may let the file grow. */
  #maxPages = 0
  /** What one transaction may write, in bytes. */
  #atOnce = 0
  #free = 0
  #lookedAt = Number.NEGATIVE_INFINITY
  #appended = 0
  #madeAt = Number.NEGATIVE_INFINITY
  #pausedUntil = Number.NEGATIVE_INFINITY

  constructor(connection: Connection, path: string, log: WriteAheadLog, reserve: Reserve) {
    this.#connection = connection
    this.#path = path
    this.#log = log
    this.#reserve = reserve
    this.#pageSize = this.#pragma("page_size")
  }

  get isOut(): boolean {
    return this.#isOut
  }

  problem(bytes: number): string | null {
    if (!this.#isOut && this.#atOnce >= 2 * bytes) return null
    const left = this.#isOut
      ? "which everything but intake needs to go on"
      : "too few to write so many events"
    return `the disk of ${this.#path} is full: ${this.#free} bytes are free, ${left}`
  }

  /** To be called before a transaction that appends so many bytes, or none. */
  expect(bytes: number): void {
    this.#appended += bytes
    const isDue = this.#appended >= lookAfter || performance.now() - this.#lookedAt >= lookEvery
    if (isDue || this.#isOut) this.look()
  }

  has(bytes: number): boolean {
    if (this.#isOut) return false
    if (this.#isPlenty) return true
    const pages = this.#pragma("freelist_count") + this.#maxPages - this.#pragma("page_count")
    const kept = keptForOthers / this.#pageSize
    return pages - kept >= pagesFor(bytes, this.#pageSize) && this.problem(bytes) === null
  }

  /**
   * Looks how much there is, and puts the reserve back where it has been given away. Not inside a
   * transaction.
   */
  look(): void {
    this.#lookedAt = performance.now()
    this.#appended = 0
    const logSize = this.#log.size
    this.#measure()
    // Not enough to write anything at all.
    while (this.#free + logSize < breathing && this.#give()) this.#measure()

    const pages = this.#pragma("page_count")
    // What is in the write-ahead log only, and makes the file longer when it is brought there.
    const ahead = Math.max(pages * this.#pageSize - sizeOf(this.#path), 0)
    const spare = this.#free - ahead - Math.max(breathing, usualLog - logSize)
    const left = spare - this.#refill(pages, spare)
    this.#maxPages = pages + Math.max(Math.floor(left / 2 / this.#pageSize), 0)
    this.#atOnce = this.#free - ahead + logSize
    const growth = (this.#maxPages - pages) * this.#pageSize
    this.#isPlenty = growth >= plenty && this.#atOnce >= plenty
  }

  /**
   * A write has found no room. To be followed by another look, when what can be dropped has been.
   */
  make(): void {
    const now = performance.now()
    if (now - this.#madeAt < soon) this.#pausedUntil = now + pause
    this.#madeAt = now
    this.#give()
    this.#log.begin()
  }

  /**
   * When the file has been closed, and with it the write-ahead log is gone: what there is goes back
   * for the next opening.
   */
  close(): void {
    this.#measure()
    this.#reserve.grow(Math.min(reserve.opening, this.#reserve.size + this.#free))
  }

  /**
   * The next opening's at last: closing the file gives it back. Says whether there was anything to
   * give.
   */
  #give(): boolean {
    return this.#reserve.shrink(reserve.opening) || this.#reserve.shrink(0)
  }

  /** Returns how much of the spare room it took, in bytes. */
  #refill(pages: number, spare: number): number {
    const { size } = this.#reserve
    const forWriting = Math.min(reserve.most, Math.max(reserve.least, 2 * pages * this.#pageSize))
    const wanted = reserve.opening + (performance.now() < this.#pausedUntil ? 0 : forWriting)
    const outcome = this.#reserve.grow(Math.min(wanted, size + Math.max(spare, 0)))
    const now = this.#reserve.size
    this.#isOut = outcome !== "refused" && now < reserve.opening + reserve.least
    return now - size
  }

  #measure(): void {
    this.#free = freeOn(this.#path)
  }

  #pragma(name: "freelist_count" | "page_count" | "page_size"): number {
    return number(this.#connection.get(`PRAGMA ${name}`) ?? {}, name)
  }
}
