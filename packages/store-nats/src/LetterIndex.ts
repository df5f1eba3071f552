import { DeadLetters } from "@millrace/core/store"

/**
 * What happened to the dead letters, in the order of the stream: who goes through all of it knows
 * what there is.
 */
export type LetterChange =
  | { readonly kind: "put"; readonly at: number; readonly letters: ReadonlyArray<DeadLetters.DeadLetter> }
  /** One letter too large for a message: its JSON is in the messages of these numbers. */
  | {
      readonly kind: "put-large"
      readonly at: number
      readonly parts: ReadonlyArray<number>
      readonly entry: Summary
    }
  | { readonly kind: "mark"; readonly at: number; readonly selection: DeadLetters.DeadLetterSelection }
  | { readonly kind: "purge"; readonly selection: DeadLetters.DeadLetterSelection }

/** What has to be known of a letter without reading it. */
export interface Summary {
  readonly destination: string
  readonly eventId: string
  readonly deadAt: number
  readonly replayedAt: number | null
  /** The size of its texts, as core counts it. */
  readonly size: number
}

export interface IndexedLetter extends Summary {
  /** The order of arrival: a page begins below one. */
  readonly order: number
  /** The message it is in, and its place there. */
  readonly seq: number
  readonly index: number
  /** The number of the first message it needs. */
  readonly first: number
}

/** Letters in one message, fewer. */
export const perMessage = 16_384

export const summaryOf = (letter: DeadLetters.DeadLetter): Summary => ({
  destination: letter.destination,
  eventId: letter.eventId,
  deadAt: letter.deadAt,
  replayedAt: letter.replayedAt,
  size: DeadLetters.sizeOf(letter),
})

const matcher = ({
  destination,
  eventIds,
  before,
}: DeadLetters.DeadLetterSelection): ((letter: Summary) => boolean) => {
  const ids = eventIds === undefined ? undefined : new Set(eventIds)
  return (letter) =>
    (destination === undefined || letter.destination === destination) &&
    (ids === undefined || ids.has(letter.eventId)) &&
    (before === undefined || letter.deadAt < before)
}

/** Letters that push out only one another. */
interface Place {
  readonly letters: Map<string, IndexedLetter>
  readonly maxCount: number
  /** In bytes. */
  size: number
}

/**
 * Which dead letters there are and where: a fold over the changes, the same in every process. The
 * letters themselves stay in the stream.
 */
export class LetterIndex {
  /**
   * Each in order of arrival: letters of intake push out one another, and never those of
   * destinations.
   */
  readonly #ofIntake: Place = { letters: new Map(), maxCount: DeadLetters.limits.maxIntakeCount, size: 0 }
  readonly #ofDestinations: Place = { letters: new Map(), maxCount: DeadLetters.limits.maxCount, size: 0 }
  readonly #places = [this.#ofIntake, this.#ofDestinations]

  /** Returns how many letters a mark or a purge met. */
  apply(change: LetterChange, seq: number): number {
    switch (change.kind) {
      case "put":
        for (const [index, letter] of change.letters.entries()) {
          this.#put({ ...summaryOf(letter), order: seq * perMessage + index, seq, index, first: seq })
        }
        this.#makeRoom(change.at)
        return change.letters.length
      case "put-large": {
        const first = Math.min(seq, ...change.parts)
        this.#put({ ...change.entry, order: seq * perMessage, seq, index: 0, first })
        this.#makeRoom(change.at)
        return 1
      }
      case "mark": {
        const found = this.#select(change.selection)
        for (const [place, key, letter] of found) place.letters.set(key, { ...letter, replayedAt: change.at })
        return found.length
      }
      case "purge": {
        const found = this.#select(change.selection)
        for (const [place, key] of found) this.#remove(place, key)
        return found.length
      }
    }
  }

  /** The newest first, one more than `limit` when there are more. */
  page({ destination, limit = 100, after }: DeadLetters.DeadLetterQuery): ReadonlyArray<IndexedLetter> {
    const below = DeadLetters.below(after)
    return this.#places
      .flatMap(({ letters }) => [...letters.values()])
      .filter(
        (letter) => letter.order < below && (destination === undefined || letter.destination === destination),
      )
      .sort((a, b) => b.order - a.order)
      .slice(0, limit + 1)
  }

  counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { letters } of this.#places) {
      for (const { destination } of letters.values()) {
        counts.set(destination, (counts.get(destination) ?? 0) + 1)
      }
    }
    return counts
  }

  /** What no message is left of has been removed by changes that are gone, too. */
  forgetBefore(seq: number): void {
    for (const place of this.#places) {
      for (const [key, { first }] of place.letters) {
        if (first >= seq) break
        this.#remove(place, key)
      }
    }
  }

  /** The number of the first message that some letter needs; `undefined` when none does. */
  get first(): number | undefined {
    const firsts = this.#places.flatMap(({ letters }) => {
      for (const { first } of letters.values()) return [first]
      return []
    })
    return firsts.length === 0 ? undefined : Math.min(...firsts)
  }

  #select(
    selection: DeadLetters.DeadLetterSelection,
  ): ReadonlyArray<readonly [Place, string, IndexedLetter]> {
    const matches = matcher(selection)
    return this.#places.flatMap((place) =>
      [...place.letters].flatMap(([key, letter]) => (matches(letter) ? [[place, key, letter] as const] : [])),
    )
  }

  #put(letter: IndexedLetter): void {
    const place = letter.destination === DeadLetters.intake ? this.#ofIntake : this.#ofDestinations
    const key = JSON.stringify([letter.destination, letter.eventId])
    // Removed first, so that it moves to the end of the map's order.
    this.#remove(place, key)
    place.letters.set(key, letter)
    place.size += letter.size
  }

  #remove(place: Place, key: string): void {
    place.size -= place.letters.get(key)?.size ?? 0
    place.letters.delete(key)
  }

  #makeRoom(now: number): void {
    const { maxAge, maxBytes } = DeadLetters.limits
    for (const place of this.#places) {
      for (const [key, { deadAt }] of place.letters) {
        if (deadAt >= now - maxAge && place.letters.size <= place.maxCount && place.size <= maxBytes) break
        this.#remove(place, key)
      }
    }
  }
}
