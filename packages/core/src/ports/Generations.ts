import * as Position from "./Position.ts"

/**
 * The beginning of a generation of a log: what was appended before it, as far as that has survived.
 */
export interface Fork {
  /** Later generations have higher ones. 0 is the first, which has no fork. */
  readonly generation: number
  /**
   * The number of the last entry that survived. All entries behind it were appended in this
   * generation, or a later one.
   */
  readonly number: number
}

/**
 * Where a position lies: at an entry that the log still has or had, or behind those that survived a
 * fork.
 */
export type Place =
  | { readonly kind: "known"; readonly number: number }
  /** Its entry is gone: everything up to the fork is as it was, and everything behind it is new. */
  | { readonly kind: "lost"; readonly fork: number }
  /** Another log has made it, or a generation that this log knows nothing of. */
  | { readonly kind: "foreign" }

/**
 * For stores: the generations of a log whose entries are numbered without a gap.
 *
 * A log that comes back with less than it had given (a replica was behind, a file was put back)
 * gives numbers again. From then on it is of another generation, and says so in the positions of
 * what is appended: an older position behind the fork is told apart from the new one of the same
 * number, whoever kept it.
 *
 * A store keeps the forks durably, hands them in when it opens, and begins a generation, with the
 * head as its fork, before anything is appended to a log that may have lost something. To begin one
 * too many does no harm, since nothing lies behind its fork; but no generation's number may be
 * given twice, also not by a server that never heard of it: the time in ms does. It wakes those who
 * wait behind the fork (`HeadWatch.fallBack`), and does not give an epoch again that was acquired
 * and is lost.
 */
export class Generations {
  /** The oldest first. Their numbers rise: a fork makes those behind it needless. */
  readonly forks: ReadonlyArray<Fork>
  readonly #prefixes: ReadonlyArray<string>

  constructor(forks: ReadonlyArray<Fork> = []) {
    this.forks = forks
    this.#prefixes = forks.map(({ generation }) => Position.prefixOf(generation))
  }

  /** What is appended now belongs to it. */
  get current(): number {
    return this.forks.at(-1)?.generation ?? 0
  }

  /**
   * The same log from when on a generation has begun.
   *
   * @param tail the number of the last entry trimmed: what was told apart in front of it is
   * forgotten
   */
  begin(fork: Fork, tail: number): Generations {
    if (fork.generation <= this.current) throw new RangeError("a generation begins behind all others")
    const before = this.forks.filter(({ number }) => number < fork.number)
    const needless = before.filter(({ number }) => number < tail).length - 1
    return new Generations([...before.slice(Math.max(needless, 0)), fork])
  }

  /** The position of the entry that the log has under a number. */
  positionOf(number: number): Position.Position {
    for (let at = this.forks.length - 1; at >= 0; at--) {
      if (number > this.forks[at]!.number) return Position.of(this.#prefixes[at]!, number)
    }
    return Position.fromNumber(number)
  }

  placeOf(position: Position.Position): Place {
    const parts = Position.parse(position)
    if (parts === null || parts.generation > this.current) return { kind: "foreign" }
    // Their numbers rise, so the first one behind it is the lowest.
    const fork = this.forks.find(({ generation }) => generation > parts.generation)
    return fork === undefined || parts.number <= fork.number || position === Position.end
      ? { kind: "known", number: parts.number }
      : { kind: "lost", fork: fork.number }
  }

  /**
   * Where a reader goes on whose position is outside the log.
   *
   * @param tail the number of the last entry trimmed
   */
  resumeAt(position: Position.Position, tail: number): Position.Position {
    const place = this.placeOf(position)
    return this.positionOf(place.kind === "lost" ? Math.max(place.fork, tail) : tail)
  }

  /** How far entries are released by whoever is through with those up to a position. */
  releasedBy(position: Position.Position): number {
    const place = this.placeOf(position)
    switch (place.kind) {
      case "known":
        return place.number
      case "lost":
        return place.fork
      case "foreign":
        return 0
    }
  }
}
