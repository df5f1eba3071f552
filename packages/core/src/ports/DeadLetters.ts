import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Time } from "../base/scalars.ts"
import { guard } from "./memory/memoryPort.ts"
import type { StoreError } from "./StoreError.ts"

/** The `destination` of letters that were refused on arrival, before any destination saw them. */
export const intake = "intake"

/**
 * - `invalid`: refused on arrival; `message` has the path and the reason.
 * - `refused`: a destination answered 400 or 422 to this event alone, while others passed.
 * - `too-large`: a destination answered 413 to this event alone.
 * - `poison`: a destination failed on this event alone, again and again, while others passed.
 * - `unexportable`: a user's transform failed on it, so nothing of it was sent.
 * - `expired`: the destination failed for longer than its `giveUpAfter`.
 */
export const DeadReason = Schema.Literals([
  "invalid",
  "refused",
  "too-large",
  "poison",
  "unexportable",
  "expired",
]).annotate({ identifier: "DeadReason" })

export type DeadReason = typeof DeadReason.Type

export const DeadLetter = Schema.Struct({
  /** A destination's id, or {@link intake}. */
  destination: Schema.String,
  /** The event's `timeUUID`. Together with `destination` it names the letter. */
  eventId: Schema.String,
  reason: DeadReason,
  message: Schema.String,
  /** The last reply's status, when there was one. */
  status: Schema.NullOr(Schema.Int),
  deadAt: Time,
  receivedAt: Time,
  eventName: Schema.String,
  /**
   * The event as JSON text: for a destination's letter the decoded event (see `Event`), for one of
   * intake what arrived, without private attributes, cut at 8 KiB.
   */
  event: Schema.String,
  replayedAt: Schema.NullOr(Time),
}).annotate({ identifier: "DeadLetter", description: "An event that was refused for good, and why." })

export type DeadLetter = typeof DeadLetter.Type

export interface DeadLetterQuery {
  readonly destination?: string
  /** 100 by default. */
  readonly limit?: number
  /** The `next` of the page before. */
  readonly after?: string
}

export const DeadLetterPage = Schema.Struct({
  letters: Schema.Array(DeadLetter),
  /** `null` on the last page. */
  next: Schema.NullOr(Schema.String),
})

export type DeadLetterPage = typeof DeadLetterPage.Type

export const DeadLetterSelection = Schema.Struct({
  destination: Schema.optionalKey(Schema.String),
  eventIds: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Only letters that died before. */
  before: Schema.optionalKey(Time),
})

export type DeadLetterSelection = typeof DeadLetterSelection.Type

/**
 * What a store keeps at most; the oldest go first. Letters of {@link intake} have a place of their
 * own beside those of all destinations: whoever has a client's key can make them, and they must
 * never push out what a destination refused. Each place loses its own letters only.
 */
export const limits = {
  /** Enough to look at and replay a bad day of a busy destination. */
  maxCount: 100_000,
  maxBytes: 256 * 1024 * 1024,
  /** As long as a month's review needs. Letters past it go when newer ones arrive. */
  maxAge: 30 * 24 * 60 * 60 * 1000,
  /**
   * Letters of {@link intake}. Enough to see what senders do wrong; each is cut at 8 KiB, so that
   * together they have 40 MiB.
   */
  maxIntakeCount: 5_000,
}

/**
 * For stores that number letters as they are put: the number below which a page begins. Nothing
 * lies behind a place that no page has given: strangers may have made it up.
 */
export const below = (after: string | undefined): number => {
  if (after === undefined) return Number.POSITIVE_INFINITY
  return /^\d{1,16}$/.test(after) ? Number(after) : 0
}

/** Events refused for good, with the reason. */
export class DeadLetters extends Context.Service<
  DeadLetters,
  {
    /** An upsert by destination and event id: the newest wins. */
    readonly put: (letters: ReadonlyArray<DeadLetter>) => Effect.Effect<void, StoreError>
    /**
     * The last put first. Letters put while somebody pages through it are not in the pages that
     * follow.
     */
    readonly list: (query: DeadLetterQuery) => Effect.Effect<DeadLetterPage, StoreError>
    /** How many there are of each destination. */
    readonly count: Effect.Effect<ReadonlyMap<string, number>, StoreError>
    /** They stay, marked. Returns how many were marked. */
    readonly markReplayed: (selection: DeadLetterSelection, at: number) => Effect.Effect<number, StoreError>
    /** Returns how many were removed. */
    readonly purge: (selection: DeadLetterSelection) => Effect.Effect<number, StoreError>
  }
>()("@millrace/core/DeadLetters") {}

interface Numbered {
  /** The order of arrival: a page begins below one. */
  readonly sequence: number
  readonly letter: DeadLetter
}

/**
 * What a letter counts for. Text only: what surrounds it is small beside an event, and the same for
 * every letter.
 */
export const sizeOf = ({ event, eventName, message }: DeadLetter): number =>
  event.length + eventName.length + message.length

const matcher = ({
  destination,
  eventIds,
  before,
}: DeadLetterSelection): ((letter: DeadLetter) => boolean) => {
  const ids = eventIds === undefined ? undefined : new Set(eventIds)
  return (letter) =>
    (destination === undefined || letter.destination === destination) &&
    (ids === undefined || ids.has(letter.eventId)) &&
    (before === undefined || letter.deadAt < before)
}

/** Letters that push out only one another. */
class Place {
  /** In order of arrival, by destination and event id. */
  readonly letters = new Map<string, Numbered>()
  private bytes = 0
  private readonly maxCount: number
  private readonly maxBytes: number

  constructor(maxCount: number, maxBytes: number) {
    this.maxCount = maxCount
    this.maxBytes = maxBytes
  }

  put(kept: Numbered): void {
    const key = JSON.stringify([kept.letter.destination, kept.letter.eventId])
    // Removed first, so that it moves to the end of the map's order.
    this.remove(key)
    this.bytes += sizeOf(kept.letter)
    this.letters.set(key, kept)
  }

  remove(key: string): void {
    const known = this.letters.get(key)
    if (known === undefined) return
    this.bytes -= sizeOf(known.letter)
    this.letters.delete(key)
  }

  makeRoom(now: number): void {
    for (const [key, { letter }] of this.letters) {
      const expired = letter.deadAt < now - limits.maxAge
      if (!expired && this.letters.size <= this.maxCount && this.bytes <= this.maxBytes) return
      this.remove(key)
    }
  }
}

/** Keeps them in this process's memory. */
export const layerMemory = (): Layer.Layer<DeadLetters> =>
  Layer.effect(
    DeadLetters,
    Effect.gen(function* () {
      const run = yield* guard
      const ofIntake = new Place(limits.maxIntakeCount, limits.maxBytes)
      const ofDestinations = new Place(limits.maxCount, limits.maxBytes)
      const places = [ofIntake, ofDestinations]
      let sequence = 0

      const placeOf = (destination: string): Place => (destination === intake ? ofIntake : ofDestinations)

      /** In order of arrival, of a destination or of all. */
      const lettersOf = (destination: string | undefined): ReadonlyArray<Numbered> =>
        destination === undefined
          ? places.flatMap((place) => [...place.letters.values()]).sort((a, b) => a.sequence - b.sequence)
          : [...placeOf(destination).letters.values()].filter(
              ({ letter }) => letter.destination === destination,
            )

      return DeadLetters.of({
        put: (added) =>
          run((clock) => {
            for (const letter of added) {
              sequence += 1
              placeOf(letter.destination).put({ sequence, letter })
            }
            for (const place of places) place.makeRoom(clock.currentTimeMillisUnsafe())
            return Effect.void
          }),

        list: ({ destination, limit = 100, after }) =>
          run(() => {
            const least = below(after)
            const found = lettersOf(destination)
              .filter((kept) => kept.sequence < least)
              .reverse()
            const page = found.slice(0, limit)
            return Effect.succeed({
              letters: page.map(({ letter }) => letter),
              next: found.length > limit ? String(page.at(-1)?.sequence ?? least) : null,
            })
          }),

        count: run(() => {
          const counts = new Map<string, number>()
          for (const { letter } of lettersOf(undefined)) {
            counts.set(letter.destination, (counts.get(letter.destination) ?? 0) + 1)
          }
          return Effect.succeed(counts)
        }),

        markReplayed: (selection, at) =>
          run(() => {
            const matches = matcher(selection)
            let marked = 0
            for (const { letters } of places) {
              for (const [key, kept] of letters) {
                if (!matches(kept.letter)) continue
                letters.set(key, { ...kept, letter: { ...kept.letter, replayedAt: at } })
                marked += 1
              }
            }
            return Effect.succeed(marked)
          }),

        purge: (selection) =>
          run(() => {
            const matches = matcher(selection)
            let purged = 0
            for (const place of places) {
              for (const [key, { letter }] of place.letters) {
                if (!matches(letter)) continue
                place.remove(key)
                purged += 1
              }
            }
            return Effect.succeed(purged)
          }),
      })
    }),
  )
