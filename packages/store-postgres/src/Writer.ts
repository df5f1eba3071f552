import type { EventLog, StoreError } from "@millrace/core/store"
import { isAnswer, unavailable } from "./errors.ts"

/** The entries of some calls, as they go to the server together. No id stands in it twice. */
export interface Group {
  /** How many entries each call has. */
  readonly calls: ReadonlyArray<number>
  /** By Effect's clock, of each call. */
  readonly times: ReadonlyArray<number>
  readonly entries: ReadonlyArray<EventLog.NewEntry>
}

/** The position of each entry of a group, 0 for those of a call that found the log full. */
export type Write = (group: Group) => Promise<ReadonlyArray<number>>

/** With the position of each entry, 0 for those not stored because the log is full. */
export type Outcome =
  | { readonly kind: "done"; readonly positions: ReadonlyArray<number> }
  | { readonly kind: "failed"; readonly error: unknown }

export type Settle = (outcome: Outcome) => void

interface Waiting {
  /** Each id once. */
  readonly entries: ReadonlyArray<EventLog.NewEntry>
  /** Which of them stands where in what was asked. */
  readonly places: ReadonlyArray<number>
  readonly now: number
  readonly size: number
  readonly settle: Settle
}

/** What a process may hold in memory for a server that does not keep up. */
const maxWaitingBytes = 32 * 1024 * 1024

/** Enough to make a commit's cost disappear, few enough for a transaction of some ten ms. */
const maxGroup = { entries: 10_000, bytes: 4 * 1024 * 1024 }

/**
 * From so much on, a second group is written beside the first: its bodies go in before it has to
 * wait for the first one's commit. Smaller ones are better off together.
 */
const bulk = 256 * 1024

const busy = (): StoreError =>
  unavailable(`the server does not keep up: ${maxWaitingBytes} bytes wait to be written`)

const sizeOf = ({ envelope, body }: EventLog.NewEntry): number => envelope.length + body.byteLength

/**
 * Group commit: what arrives while a transaction runs shares the next one, and so one sync of the
 * server's disk.
 */
export class Writer {
  readonly #write: Write
  #waiting: Array<Waiting> = []
  /** Bytes of those that wait for a group, and of all that are not yet acknowledged. */
  #waitingBytes = 0
  #bytes = 0
  #writing = 0
  #scheduled = false
  #idle: Array<() => void> = []

  constructor(write: Write) {
    this.#write = write
  }

  append(entries: ReadonlyArray<EventLog.NewEntry>, now: number, settle: Settle): void {
    const first = new Map<EventLog.EntryId, number>()
    const once: Array<EventLog.NewEntry> = []
    let size = 0
    const places = entries.map((entry) => {
      const known = first.get(entry.id)
      if (known !== undefined) return known
      first.set(entry.id, once.length)
      size += sizeOf(entry)
      return once.push(entry) - 1
    })
    if (this.#bytes > 0 && this.#bytes + size > maxWaitingBytes) {
      settle({ kind: "failed", error: busy() })
      return
    }
    this.#bytes += size
    this.#waitingBytes += size
    this.#waiting.push({ entries: once, places, now, size, settle })
    this.#schedule()
  }

  /** Once everything asked before has been answered. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#writing === 0 && this.#waiting.length === 0) resolve()
      else this.#idle.push(resolve)
    })
  }

  /** At the end of the event loop's turn, so that what arrives together is written together. */
  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return
    if (this.#writing > 1 || (this.#writing === 1 && this.#waitingBytes < bulk)) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    const group = this.#take()
    if (group.length === 0) return
    this.#writing += 1
    const size = group.reduce((sum, waiting) => sum + waiting.size, 0)
    this.#waitingBytes -= size
    this.#write({
      calls: group.map(({ entries }) => entries.length),
      times: group.map(({ now }) => now),
      entries: group.flatMap(({ entries }) => entries),
    }).then(
      (positions) => {
        this.#done(size)
        let offset = 0
        for (const { entries, places, settle } of group) {
          const start = offset
          settle({ kind: "done", positions: places.map((place) => positions[start + place] ?? 0) })
          offset += entries.length
        }
      },
      (error: unknown) => {
        this.#done(size)
        // Whoever is told may append at once: that is not meant by this failure.
        const behind = isAnswer(error) ? [] : this.#giveUp()
        for (const { settle } of [...group, ...behind]) settle({ kind: "failed", error })
      },
    )
    this.#schedule()
  }

  #done(size: number): void {
    this.#writing -= 1
    this.#bytes -= size
    this.#schedule()
    if (this.#writing > 0 || this.#waiting.length > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Those behind, who have waited long enough, too, when there is no answer from the server. */
  #giveUp(): ReadonlyArray<Waiting> {
    const waiting = this.#waiting
    this.#waiting = []
    this.#bytes -= this.#waitingBytes
    this.#waitingBytes = 0
    if (this.#writing === 0) for (const resolve of this.#idle.splice(0)) resolve()
    return waiting
  }

  /**
   * The first so many that make a group, at least one; up to one that has an id in common with
   * them.
   */
  #take(): ReadonlyArray<Waiting> {
    const ids = new Set<EventLog.EntryId>()
    let count = 0
    let bytes = 0
    for (const { entries, size } of this.#waiting) {
      bytes += size
      if (count > 0 && (ids.size + entries.length > maxGroup.entries || bytes > maxGroup.bytes)) break
      if (entries.some(({ id }) => ids.has(id))) break
      for (const { id } of entries) ids.add(id)
      count += 1
    }
    const taken = this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.slice(count)
    return taken
  }
}
