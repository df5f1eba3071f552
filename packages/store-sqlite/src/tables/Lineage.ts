import type { Connection } from "../Connection.ts"
import { number } from "../row.ts"
import type { Ends, Fork, Known, LogNews, Lost, Mark } from "./records.ts"

/**
 * More than any process acquires between two copies of a file: epochs given in vain are passed
 * over.
 */
const epochsPassedOver = 1_000_000

const forksIn = (connection: Connection): ReadonlyArray<Fork> =>
  connection
    .all("SELECT generation, number FROM generations ORDER BY generation")
    .map((row) => ({ generation: number(row, "generation"), number: number(row, "number") }))

/** The generation of what is appended now. */
export const generationIn = (connection: Connection): number =>
  number(
    connection.get("SELECT coalesce(max(generation), 0) AS generation FROM generations") ?? {},
    "generation",
  )

const currentOf = ({ forks }: Known): number => forks.at(-1)?.generation ?? 0

const isSame = (one: Mark, other: Mark): boolean =>
  one.position === other.position &&
  one.at === other.at &&
  one.events === other.events &&
  one.bytes === other.bytes

interface Search {
  readonly markAt: (position: number) => Mark
  /**
   * The last position after `low`, up to `high`, for which a condition holds that holds for none
   * behind the first it does not hold for.
   */
  readonly lastWhile: (low: number, high: number, holds: (mark: Mark) => boolean) => number
}

/**
 * Whether the log still is the one that this process knows. A file can be put back to an earlier
 * time under whoever has it open: then entries that were read and delivered are gone, and their
 * positions would be given again. So each transaction that writes looks first whether the last
 * entry known is still there; if it is not, a generation begins before anything is appended.
 */
export class Lineage {
  readonly #connection: Connection
  readonly #search: Search
  #known: Known | null

  /** @param known by an earlier connection of this process; `null` when this is the first */
  constructor(connection: Connection, search: Search, known: Known | null) {
    this.#connection = connection
    this.#search = search
    this.#known = known
  }

  /**
   * In a transaction that writes. Says what is to be {@link settle}d when it has been committed.
   */
  enter(now: Ends): LogNews {
    const before = this.#known
    const generation = generationIn(this.#connection)
    if (before === null) return { known: { forks: forksIn(this.#connection), head: now.head }, lost: null }
    const current = currentOf(before)
    if (generation === current && this.#isThere(before.head, now)) {
      return { known: { ...before, head: now.head }, lost: null }
    }
    const isBegun = generation <= current
    if (isBegun) this.#begin(before, generation, now)
    const forks = forksIn(this.#connection)
    const later = forks.filter((fork) => fork.generation > current)
    const after = Math.min(now.head.position, ...later.map((fork) => fork.number))
    const isComplete = !isBegun && after >= before.head.position
    return {
      known: { forks, head: now.head },
      lost: isComplete ? null : this.#lostBehind(after, before.head, now),
    }
  }

  /** What was entered and, since, appended has been committed. */
  settle(known: Known): void {
    this.#known = known
  }

  #isThere(mark: Mark, { tail, head }: Ends): boolean {
    if (mark.position > head.position) return false
    if (mark.position === head.position) return isSame(mark, head)
    return mark.position <= tail.position || isSame(mark, this.#search.markAt(mark.position))
  }

  #begin(known: Known, generation: number, now: Ends): void {
    const last = this.#lastSurvivor(known, generation, now)
    this.#connection.run(
      `DELETE FROM generations WHERE number >= ?
         OR number < (SELECT max(number) FROM generations WHERE number < ?)`,
      last,
      now.tail.position,
    )
    // The time is a number that no generation had, whoever began it and whatever became of that.
    const next = Math.max(Date.now(), currentOf(known) + 1, generation + 1)
    this.#connection.run("INSERT INTO generations VALUES (?, ?)", next, last)
    this.#connection.run("UPDATE epochs SET last = last + ?", epochsPassedOver)
  }

  /**
   * The last entry that is as it was. What another process has appended since the file was put back
   * came later than all that is known here. What lies behind the beginnings of generations that the
   * file does not know is not the same.
   */
  #lastSurvivor({ forks, head }: Known, generation: number, now: Ends): number {
    const unknown = forks.filter((fork) => fork.generation > generation)
    const upTo = Math.min(now.head.position, head.position, ...unknown.map((fork) => fork.number))
    const { position: tail } = now.tail
    const last = this.#search.lastWhile(tail, upTo, ({ at }) => at <= head.at)
    return last < head.position || this.#isThere(head, now) ? last : this.#handOver(now)
  }

  /**
   * It is another log, nobody knows since when: no owner may save, and each begins anew where its
   * cursor in this one says.
   */
  #handOver({ head }: Ends): number {
    this.#connection.run("UPDATE cursors SET epoch = 0")
    return head.position
  }

  #lostBehind(after: number, known: Mark, { tail }: Ends): Lost {
    const mark = after > tail.position ? this.#search.markAt(after) : tail
    return {
      after,
      entries: Math.max(known.position - after, 0),
      events: Math.max(known.events - mark.events, 0),
    }
  }
}
