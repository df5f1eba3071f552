import type { Database } from "./Database.ts"
import { fullServer, isOutOfRoom, isReadOnly } from "./errors.ts"
import { reclaim } from "./tables/Log.ts"

/** How often it is looked, in ms, whether something delivered can go: each append would ask. */
const lookEvery = 500

/** How often it is tried to put the reserve back, in ms, when nothing of the log could go. */
const tryEvery = 5_000

/** The least that a segment holds where room is short, in bytes. */
const smallestSegment = 1024 * 1024

/** A log that fills its disk has as many segments, of the ring's eight. */
const segmentsInUse = 6

/**
 * Room for what a server must still take whose disk is full. It is a reserve, which is given up
 * when the disk has no more room, and put back before the log takes anything again. What is
 * delivered goes before it does.
 */
export class Room {
  readonly #database: Database
  #isOut = false
  #nextLook = 0
  #nextTry = 0
  #segmentBytes = Number.MAX_SAFE_INTEGER
  #making: Promise<boolean> | undefined

  constructor(database: Database) {
    this.#database = database
  }

  /** The reserve is gone: only what is needed to make room may be written. */
  get isOut(): boolean {
    return this.#isOut
  }

  /** What a segment holds at most, in bytes: a log on a small disk is given back in parts. */
  get segmentBytes(): number {
    return this.#segmentBytes
  }

  /** Begins: a server that is full already is opened all the same. */
  async begin(): Promise<void> {
    try {
      await this.#fill()
    } catch (error) {
      if (!isOutOfRoom(error) && !isReadOnly(error)) throw error
      this.#isOut = true
    }
  }

  /** The reserve has been found to be gone: another process has given it up. */
  hearOut(): void {
    this.#isOut = true
  }

  /** Gives the reserve up, for what is not to wait. */
  async release(): Promise<void> {
    this.#isOut = true
    for (const part of ["reserve", "margin"]) await this.#empty(part)
  }

  /** After a write that found no room: drops what is delivered. Says whether that gave any. */
  make(): Promise<boolean> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined
    })
    return this.#making
  }

  /** Puts the reserve back, where it is gone; fails as full while there is no room for it. */
  async restore(): Promise<void> {
    if (!this.#isOut) return
    const now = performance.now()
    if (now < this.#nextLook) throw fullServer()
    this.#nextLook = now + lookEvery
    if (!(await this.#dropReleased()) && now < this.#nextTry) throw fullServer()
    this.#nextTry = now + tryEvery
    await this.#fill()
    this.#isOut = false
    this.#nextLook = 0
    this.#nextTry = 0
  }

  async #make(): Promise<boolean> {
    if (await this.#dropReleased()) return true
    await this.release()
    return false
  }

  async #dropReleased(): Promise<boolean> {
    const { schema } = this.#database
    const ask = async (what: string, parameters: ReadonlyArray<number> = []): Promise<number> =>
      (await this.#ask(`SELECT ${what}`, parameters))[0]?.found ?? 0
    const kept = await ask(`head_bytes - tail_bytes AS found FROM ${schema}.log`)
    const part = Math.max(Math.floor(kept / segmentsInUse), smallestSegment)
    this.#segmentBytes = Math.min(this.#segmentBytes, part)
    const before = await ask(`${schema}.drop_released($1) AS found`, [this.#segmentBytes])
    await reclaim(this.#database)
    return (await ask(`count(*) AS found FROM ${schema}.segments WHERE first_position IS NOT NULL`)) < before
  }

  async #fill(): Promise<void> {
    const { schema } = this.#database
    if (await this.#isFilled("reserve")) return
    try {
      for (const part of ["margin", "reserve"]) {
        await this.#ask(`SELECT ${schema}.fill('${schema}.${part}')`)
        // Makes what the server notes beside it, while there is room.
        await this.#ask(`VACUUM ${schema}.${part}`)
      }
    } catch (error) {
      // Pages that it has taken in vain would stay taken.
      if (isOutOfRoom(error)) await this.release()
      throw error
    }
    await this.#empty("margin")
  }

  /**
   * Gives a table's pages back. A new file for it, as by TRUNCATE, would have to be noted: for that
   * the disk may have no room.
   */
  async #empty(part: string): Promise<void> {
    const { schema } = this.#database
    if (!(await this.#isFilled(part))) return
    await this.#ask(`DELETE FROM ${schema}.${part} WHERE ctid >= '(1,0)'`)
    await this.#ask(`VACUUM ${schema}.${part}`)
    // Somebody may still see its rows, and only its owner may vacuum it.
    if (await this.#isFilled(part)) await this.#ask(`TRUNCATE ${schema}.${part}`)
  }

  async #isFilled(part: string): Promise<boolean> {
    const { schema } = this.#database
    const [row] = await this.#ask(`SELECT ${schema}.is_filled('${schema}.${part}')::integer AS found`)
    return row?.found === 1
  }

  async #ask(
    statement: string,
    parameters: ReadonlyArray<number> = [],
  ): Promise<ReadonlyArray<{ readonly found: number }>> {
    const { rows } = await this.#database.run(
      (client) => client.query<{ found: number }>(statement, [...parameters]),
      { isUrgent: false },
    )
    return rows
  }
}
